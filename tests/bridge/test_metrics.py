"""The numbers as OpenTelemetry metrics, under the SDK's own conventions."""

from __future__ import annotations

from support.programs import run

PROGRAM = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from infinium_otel.bridge import shared_bridge
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
p = register()
t = p.get_tracer("t")
run_agent(t, calls=4)
assert p.force_flush()
held = t.start_span("open", attributes=AGENT)
with trace.use_span(held):
    t.start_span("waits", attributes=AGENT).end()
from infinium_otel import InfiniumSpanExporter
InfiniumSpanExporter().export([None])
data = reader.get_metrics_data()
for resource in data.resource_metrics:
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                facts = dict(point.attributes)
                facts.pop("server.port")
                print(metric.name, point.value, *sorted(facts.items()))
"""


def test_what_is_told(fake):
    """Spans exported and in flight, by component, server and reason."""
    code, output, complaints = run(fake, PROGRAM)
    assert (code, complaints) == (0, "")
    who = (
        "('otel.component.name', 'infinium_span_exporter/0') "
        "('otel.component.type', 'infinium_span_exporter') "
        "('server.address', '127.0.0.1')"
    )
    assert output.splitlines() == [
        f"otel.sdk.exporter.span.exported 5 {who}",
        f"otel.sdk.exporter.span.inflight 1 {who}",
    ]


def test_what_failed_is_told_by_reason(fake):
    """A refused span is counted under the reason that the service gave."""
    fake.always(400)
    program = PROGRAM.replace("assert p.force_flush()", "p.force_flush()")
    code, output, _ = run(fake, program)
    assert code == 0
    assert "exported 5 ('error.type', '400')" in output
