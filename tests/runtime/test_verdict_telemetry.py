"""The events of a verdict: their names, their places and their ids."""

from __future__ import annotations

import pytest

pytest.importorskip("opentelemetry.sdk._logs")

from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)

from infinium_otel.delivery.verdicts import AwaitedRun
from infinium_otel.records import Evaluation
from infinium_otel.runtime import verdict_telemetry

ID = "infinium.evaluation.id"


def make_run(key):
    return AwaitedRun(key, "id", "a" * 32, "b" * 16, "", 0.0)


@pytest.fixture
def emit(monkeypatch):
    """Emit evaluations of a run; returns the records."""
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: provider)

    def emit_all(key, *found):
        exporter.clear()
        assert verdict_telemetry.emit_verdict(make_run(key), found, with_texts=True)
        return [each.log_record for each in exporter.get_finished_logs()]

    yield emit_all
    provider.shutdown()


def test_ids_tell_evaluations_apart(emit):
    """The same verdict has the same ids again, and two of a name have two.

    Source: langfuse/langfuse#13772.
    """
    found = [Evaluation("Tone", 1.0), Evaluation("Tone", 2.0), Evaluation("goal", 1.0)]
    first = [each.attributes[ID] for each in emit("k", *found)]
    again = [each.attributes[ID] for each in emit("k", *found)]
    other = [each.attributes[ID] for each in emit("another run", *found)]
    assert first == again
    assert len({*first, *other}) == 6


def test_each_event_is_under_the_root_span(emit):
    """A score that has only a trace is joined to no span by a backend.

    Source: wso2/agent-manager#493, open-telemetry/semantic-conventions#2563.
    """
    (event,) = emit("k", Evaluation("Tone", 0.0))
    assert (event.trace_id, event.span_id) == (int("a" * 32, 16), int("b" * 16, 16))
    assert event.attributes["gen_ai.evaluation.score.value"] == 0.0
