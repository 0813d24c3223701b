"""Convert batches of records to documents of any format, or to tasks."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import import_model
from infinium_otel.assembly import Assembler
from infinium_otel.dialects.plugins import load_readers
from infinium_otel.mapping.signs import SpanRoles
from infinium_otel.otlp import to_otlp
from infinium_otel.pipeline import Pipeline
from infinium_otel.redaction import redact_records
from infinium_otel.taskdata import task_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.config import Config
    from infinium_otel.otlp import Record
    from infinium_otel.pipeline import CompletedTask
    from infinium_otel.records import Trace

UNBOUNDED = 2**62
HELD_BYTES = 128 * 1024 * 1024
HELD_RECORDS = 100_000
"""How many records apart the spans of a trace may be."""


def relax_bounds(config: Config) -> Config:
    """Change *config* for input that is complete, where the clock counts records.

    A file may contain a trace's spans far apart, so a trace is emitted only after
    `HELD_RECORDS` records without a span of it, or when memory runs out.
    """
    return config.but(
        max_open_traces=UNBOUNDED,
        max_open_spans=max(config.max_open_spans, 2 * HELD_RECORDS),
        max_open_bytes=min(config.max_open_bytes, HELD_BYTES),
        linger_s=HELD_RECORDS,
        trace_timeout_s=HELD_RECORDS,
    )


class TaskConverter:
    """Converts records to tasks.

    Args:
        config: settings of the mapping.
    """

    def __init__(self, config: Config) -> None:
        self._pipeline = Pipeline(relax_bounds(config), load_readers())
        self._pipeline.wait_for_logs(HELD_RECORDS)

    @property
    def filtered(self) -> Mapping[str, int]:
        """Runs that did not become a task, by reason."""
        return self._pipeline.filtered_tasks

    @property
    def skipped_scopes(self) -> Mapping[str, int]:
        """How many runs without a model, tool or agent had spans of a scope."""
        return self._pipeline.skipped.scopes

    def convert(self, batches: Iterable[list[Record]]) -> Iterator[CompletedTask]:
        """Convert batches, and give each task as soon as it is complete."""
        count = 0
        for records in batches:
            count += len(records)
            yield from self._pipeline.feed(records, count)
            yield from self._pipeline.due(count)
        yield from self._pipeline.flush(count)


def to_documents(
    batches: Iterable[list[Record]], form: str, config: Config
) -> Iterator[dict[str, Any]]:
    """Convert batches to documents of the format *form*, other than "infinium".

    Credentials are removed from the spans first (`Config.redact`).
    """
    batches = (redact_records(records, config) for records in batches)
    if form == "otlp":
        return (to_otlp(records) for records in batches if records)
    return _to_model(batches, form, config)


def _to_model(
    batches: Iterable[list[Record]], form: str, config: Config
) -> Iterator[dict[str, Any]]:
    system = import_model(form)
    for trace in filter(attrgetter("is_task"), _assemble(batches, config)):
        for document in system.from_spans((*trace.records, *trace.logs)):
            yield system.dump(document)


def _assemble(batches: Iterable[list[Record]], config: Config) -> Iterator[Trace]:
    assembler = Assembler(relax_bounds(config), SpanRoles(load_readers()))
    assembler.settle_s = HELD_RECORDS
    count = 0
    for records in batches:
        count += len(records)
        yield from assembler.feed(records, count)
        yield from assembler.due(count)
    yield from assembler.flush(count)


def tasks_to_documents(tasks: Iterable[CompletedTask]) -> Iterator[dict[str, Any]]:
    """Convert each task to the JSON that is sent."""
    return (task_to_dict(completed.task) for completed in tasks)
