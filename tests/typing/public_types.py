"""What type checkers see of the public names; checked by `tox run -e types`, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import assert_type

from infinium_otel import (
    Config,
    Customer,
    ExpectedOutcome,
    InfiniumSpanExporter,
    InfiniumSpanProcessor,
    Stats,
    TaskData,
    annotate,
    load_otlp,
    register,
    spans_to_tasks,
    task_from_dict,
)
from infinium_otel.records import LogEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter


def converts(spans: Sequence[ReadableSpan]) -> None:
    """The SDK's spans and loaded records both convert."""
    assert_type(spans_to_tasks(spans), list[TaskData])
    assert_type(load_otlp("spans.json"), list[SpanRecord | LogEvent])
    assert_type(spans_to_tasks(load_otlp("spans.json")), list[TaskData])
    assert_type(task_from_dict({}), TaskData)


def exports() -> None:
    """The exporter is one to the SDK, and tells its counts."""
    exporter: SpanExporter = InfiniumSpanExporter(linger_s=1.0)
    del exporter
    assert_type(InfiniumSpanExporter().stats, Stats)
    assert_type(InfiniumSpanProcessor().force_flush(), bool)


def sets_up() -> None:
    """One line returns the SDK's provider; a run is annotated with types or mappings."""
    provider: TracerProvider = register(Config(), spool="runs.db")
    del provider
    annotate(expected_outcome=ExpectedOutcome(task_objective="x"))
    annotate(customer=Customer(), expected_outcome={"task_objective": "x"})
