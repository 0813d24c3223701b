"""What type checkers see of the public names; checked by `tox run -e types`, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider
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

    from opentelemetry.sdk.trace import ReadableSpan
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
    """One line returns the SDK's provider; its settings are typed one by one."""
    provider: TracerProvider = register(Config(), spool="runs.db")
    del provider
    assert_type(
        register(
            enabled="if-configured",
            instrument=["openai"],
            flush_on_sigterm=True,
            agent_secret="...",
            agent_id=None,
            redact=lambda key, text: text.replace(key, ""),
        ),
        TracerProvider,
    )


def finds_mistakes() -> None:
    """A misspelled or mistyped setting is an error before the program runs."""
    register(bursts=20)  # type: ignore[call-arg]  # it is `burst`
    register(burst="20")  # type: ignore[arg-type]  # a number
    register(enabled="never")  # type: ignore[arg-type]  # not one of the values
    InfiniumSpanProcessor(spol="runs.db")  # type: ignore[call-arg]  # it is `spool`
    InfiniumSpanExporter(linger=1)  # type: ignore[call-arg]  # it is `linger_s`


def annotates() -> None:
    """A run is annotated with types or mappings."""
    annotate(expected_outcome=ExpectedOutcome(task_objective="x"))
    annotate(customer=Customer(), expected_outcome={"task_objective": "x"})
