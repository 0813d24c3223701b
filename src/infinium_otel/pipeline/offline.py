"""All spans at once, already in memory: files, tests, notebooks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from infinium_otel.config import Config
from infinium_otel.pipeline.pipeline import Pipeline
from infinium_otel.pipeline.warnings import UNBOUNDED
from infinium_otel.records import SpanRecord
from infinium_otel.records.from_sdk import to_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.taskdata import TaskData

NO_BOUNDS: dict[str, Any] = dict.fromkeys(
    ("max_open_traces", "max_open_spans", "max_open_bytes"), UNBOUNDED
)


@cache
def _make_default_config() -> Config:
    """The default settings without bounds, checked once rather than in every call."""
    return Config(**NO_BOUNDS)


def spans_to_tasks(
    records: Iterable[Any],
    *,
    config: Config | None = None,
    readers: Sequence[Any] = (),
) -> list[TaskData]:
    """Map *records* to tasks, all at once: no clock, no threads, no I/O.

    Args:
        records: spans and log events in any order: this package's records (see
            `load_otlp`) or the SDK's `ReadableSpan`s and log records. Anything else is
            ignored, as are repeated spans.
        config: the settings; None for the defaults. The bounds on open traces do not
            apply, because everything is in memory already.
        readers: dialects of other distributions, as `dialects.plugins.load_readers` loads them.

    Returns:
        One task per run, by start.
    """
    pipeline = Pipeline(
        _make_default_config() if config is None else config.but(**NO_BOUNDS), readers
    )
    batch = [record for record in map(to_record, records) if record is not None]
    starts = {
        record.span_id: record.start_ns
        for record in batch
        if isinstance(record, SpanRecord)
    }
    finished = [*pipeline.feed(batch, 0.0), *pipeline.flush(0.0)]
    finished.sort(key=lambda done: (starts[done.span_ids[0]], done.key))
    return [done.task for done in finished]
