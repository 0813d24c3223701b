"""Our own work is not in the telemetry of the host program."""

from __future__ import annotations

from opentelemetry.context import attach, detach, get_value
from opentelemetry.sdk.trace import TracerProvider

from infinium_otel.delivery.transport.suppression import (
    OWN_WORK,
    SUPPRESS_KEYS,
    is_own_work,
    suppress_instrumentation,
)


def test_delivery_is_not_traced():
    """Every key that instrumentations check is set, and only inside the block."""
    with suppress_instrumentation():
        assert all(get_value(key) for key in SUPPRESS_KEYS)
        assert not is_own_work()
    assert not any(get_value(key) for key in SUPPRESS_KEYS)


def test_own_work():
    """Its context switches instrumentations off, and a span in it is not recorded."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    token = attach(OWN_WORK)
    try:
        assert is_own_work()
        assert all(get_value(key) for key in SUPPRESS_KEYS)
        assert not tracer.start_span("hook").is_recording()
    finally:
        detach(token)
    assert not is_own_work()
