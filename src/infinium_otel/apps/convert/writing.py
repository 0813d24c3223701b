"""Batches of records to documents of any format, or to tasks on their way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import model
from infinium_otel.assembly import Assembler
from infinium_otel.otlp import to_otlp
from infinium_otel.pipeline import Pipeline
from infinium_otel.taskdata import task_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.config import Config
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import Finished
    from infinium_otel.records import Trace

WITHOUT_BOUND = 2**62
HELD_BYTES = 128 * 1024 * 1024


def patient(config: Config) -> Config:
    """*config* for input that is all there: only memory makes a trace leave early.

    A file may hold a trace's spans far apart, so none is given away before the end
    unless the bounds on spans and bytes ask for it; then the quietest goes first.
    """
    return config.but(
        max_open_traces=WITHOUT_BOUND,
        max_open_bytes=min(config.max_open_bytes, HELD_BYTES),
    )


class Tasks:
    """Records to finished tasks.

    Args:
        config: settings of the mapping.
    """

    def __init__(self, config: Config) -> None:
        self._pipeline = Pipeline(patient(config))
        self._pipeline.wait_for_logs(WITHOUT_BOUND)

    @property
    def filtered(self) -> int:
        """Runs that became no task."""
        return sum(self._pipeline.filtered_tasks.values())

    def of(self, batches: Iterable[list[Record]]) -> Iterator[Finished]:
        """The tasks, each as soon as it must leave."""
        for records in batches:
            yield from self._pipeline.feed(records, 0.0)
        yield from self._pipeline.flush(0.0)


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
    assembler.settle_s = WITHOUT_BOUND
    for records in batches:
        yield from assembler.feed(records, 0.0)
    yield from assembler.flush(0.0)


def tasks_as_documents(finished: Iterable[Finished]) -> Iterator[dict[str, Any]]:
    """Each task as the JSON of the wire."""
    return (task_to_dict(each.task) for each in finished)
