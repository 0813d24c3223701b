"""`register()` beside ddtrace, whose tracer provider takes no span processor.

Run by `tox run -e ddtrace`.
"""

from __future__ import annotations

from support.programs import run

QUIET = {"PYTHONWARNINGS": "", "DD_TRACE_ENABLED": "false"}
DATADOG = """
from ddtrace.opentelemetry import TracerProvider as Datadog
trace.set_tracer_provider(Datadog())
"""


def test_it_takes_no_processor(fake):
    """One warning contains its provider and what helps; what helps, sends."""
    program = DATADOG + "run_agent(register().get_tracer('t'))\nregister()\n"
    code, _, complaints = run(fake, program, **QUIET)
    assert code == 0
    ours = [line for line in complaints.splitlines() if "register(" in line]
    assert len(ours) == 1
    assert "ddtrace.internal.opentelemetry.trace.TracerProvider" in ours[0]
    assert "instrument(tracer_provider=register())" in ours[0]
    assert len(fake.tasks) == 1


def test_it_keeps_its_spans(fake):
    """Its provider stays the global one, and its spans its own."""
    program = (
        DATADOG
        + """
register()
assert isinstance(trace.get_tracer_provider(), Datadog)
with trace.get_tracer("t").start_as_current_span("request") as span:
    assert type(span).__module__.startswith("ddtrace")
"""
    )
    code, _, complaints = run(fake, program, **QUIET)
    assert code == 0, complaints
    assert fake.tasks == []


def test_it_comes_second(fake):
    """Set up after register(), it is refused by OpenTelemetry, and runs arrive."""
    program = "register()\n" + DATADOG + "run_agent(trace.get_tracer('t'))\n"
    code, _, complaints = run(fake, program, **QUIET)
    assert code == 0, complaints
    assert len(fake.tasks) == 1
