"""Batches of records to documents of any format, or to tasks on their way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import model
from infinium_otel.assembly import Assembler
from infinium_otel.otlp import to_otlp
from infinium_otel.pipeline import Pipeline
from infinium_otel.readers import load_readers
from infinium_otel.taskdata import task_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.config import Config
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import Finished
    from infinium_otel.records import Trace

WITHOUT_BOUND = 2**62
HELD_BYTES = 128 * 1024 * 1024
HELD_RECORDS = 100_000
"""How many records later the rest of a trace may stand."""


def patient(config: Config) -> Config:
    """*config* for input that is all there, where the clock counts records.

    A file may hold a trace's spans far apart, so a trace is given away only when it was
    not heard of for `HELD_RECORDS`, or the bounds on memory ask for it.
    """
    return config.but(
        max_open_traces=WITHOUT_BOUND,
        max_open_spans=max(config.max_open_spans, 2 * HELD_RECORDS),
        max_open_bytes=min(config.max_open_bytes, HELD_BYTES),
        linger_s=HELD_RECORDS,
        trace_timeout_s=HELD_RECORDS,
    )


class Tasks:
    """Records to finished tasks.

    Args:
        config: settings of the mapping.
    """

    def __init__(self, config: Config) -> None:
        self._pipeline = Pipeline(patient(config), load_readers())
        self._pipeline.wait_for_logs(HELD_RECORDS)

    @property
    def filtered(self) -> int:
        """Runs that became no task."""
        return sum(self._pipeline.filtered_tasks.values())

    def of(self, batches: Iterable[list[Record]]) -> Iterator[Finished]:
        """The tasks, each as soon as it must leave."""
        count = 0
        for records in batches:
            count += len(records)
            yield from self._pipeline.feed(records, count)
            yield from self._pipeline.due(count)
        yield from self._pipeline.flush(count)


def documents(
    batches: Iterable[list[Record]], form: str, config: Config
) -> Iterator[dict[str, Any]]:
    """Documents of the format *form*, other than "infinium"."""
    if form == "otlp":
        return (to_otlp(records) for records in batches if records)
    return _modelled(batches, form, config)


def _modelled(
    batches: Iterable[list[Record]], form: str, config: Config
) -> Iterator[dict[str, Any]]:
    system = model(form)
    for trace in _traces(batches, config):
        for document in system.from_spans((*trace.records, *trace.logs)):
            yield system.dump(document)


def _traces(batches: Iterable[list[Record]], config: Config) -> Iterator[Trace]:
    assembler = Assembler(patient(config))
    assembler.settle_s = HELD_RECORDS
    count = 0
    for records in batches:
        count += len(records)
        yield from assembler.feed(records, count)
        yield from assembler.due(count)
    yield from assembler.flush(count)


def tasks_as_documents(finished: Iterable[Finished]) -> Iterator[dict[str, Any]]:
    """Each task as the JSON of the wire."""
    return (task_to_dict(each.task) for each in finished)
