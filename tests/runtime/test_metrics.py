"""The counters as OpenTelemetry metrics, under the SDK's conventions."""

from __future__ import annotations

import pytest

from infinium_otel.testing import Fault
from support.programs import run

PROGRAM = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from infinium_otel.runtime import get_shared_runner
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
                number = point.count if hasattr(point, "count") else point.value
                print(metric.name, number, *sorted(facts.items()))
"""
WHO = (
    "('otel.component.name', 'infinium_span_exporter/0') "
    "('otel.component.type', 'infinium_span_exporter') "
    "('server.address', '127.0.0.1')"
)
DURATION = "otel.sdk.exporter.operation.duration"
STATUS = "('http.response.status_code', {})"


def test_metrics(fake):
    """Spans exported and in flight, and delivery attempts, by component and server."""
    code, output, complaints = run(fake, PROGRAM)
    assert (code, complaints) == (0, "")
    assert sorted(output.splitlines()) == [
        f"{DURATION} 1 {STATUS.format(201)} {WHO}",
        f"otel.sdk.exporter.span.exported 5 {WHO}",
        f"otel.sdk.exporter.span.inflight 1 {WHO}",
    ]


def test_failures_have_a_reason(fake):
    """A refused span is counted with the status as its reason."""
    fake.always(400)
    program = PROGRAM.replace("assert p.force_flush()", "p.force_flush()")
    code, output, _ = run(fake, program)
    assert code == 0
    assert "exported 5 ('error.type', '400')" in output


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param([], [f"1 {STATUS.format(201)}"], id="delivered"),
        pytest.param(
            [503, 503],
            [
                f"1 {STATUS.format(201)}",
                f"2 ('error.type', '503') {STATUS.format(503)}",
            ],
            id="retried",
        ),
        pytest.param(
            [413], [f"1 ('error.type', '413') {STATUS.format(413)}"], id="413"
        ),
        pytest.param(
            [Fault(breaks="close")],
            ["1 ('error.type', 'broken')", f"1 {STATUS.format(201)}"],
            id="no-response",
        ),
    ],
)
def test_each_attempt_is_timed(fake, faults, expected):
    """Every request counts once, with its status or the reason why there is none."""
    fake.script(*faults)
    code, output, _ = run(fake, PROGRAM.replace("assert p.f", "p.f"))
    assert code == 0
    durations = [line for line in output.splitlines() if DURATION in line]
    assert sorted(durations) == sorted(f"{DURATION} {each} {WHO}" for each in expected)


SHORT = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
meters = MeterProvider()
metrics.set_meter_provider(meters)
p = register()
run_agent(p.get_tracer("t"))
meters.shutdown()
p.shutdown()
"""


def test_a_first_delivery_after_the_metrics_have_ended(fake):
    """A short program logs no warning, although its meter provider ends first."""
    code, _, complaints = run(fake, SHORT)
    assert (code, complaints) == (0, "")
    assert len(fake.requests) == 1


CLIENT = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from types import SimpleNamespace
class Client:
    def send_task_data(self, task):
        time.sleep(0.02)
        return {response}
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
p, t = provider_of(InfiniumSpanProcessor(client=Client()))
run_agent(t)
assert p.force_flush()
for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
    if metric.name == "otel.sdk.exporter.operation.duration":
        [point] = metric.data.data_points
        print(metric.unit, point.count, 0.02 <= point.sum < 10)
        print(point.attributes.get("http.response.status_code"))
        print(max(point.explicit_bounds))
"""


@pytest.mark.parametrize(
    ("response", "status"),
    [
        pytest.param("SimpleNamespace(status_code=201)", "201", id="known"),
        pytest.param("None", "None", id="unknown"),
    ],
)
def test_a_users_client_is_timed_too(fake, response, status):
    """In seconds; its status is reported only if its response has one."""
    code, output, complaints = run(fake, CLIENT.replace("{response}", response))
    assert (code, complaints) == (0, "")
    assert output.splitlines() == ["s 1 True", status, "10"]
