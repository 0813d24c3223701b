"""The SDK's spans and log records, read by the names of their attributes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from infinium_otel.records import NOTHING
from infinium_otel.records.from_sdk import to_log_event, to_span_record, to_span_start

REMOTE = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))


@pytest.fixture
def spans():
    """A provider's tracer, and what it exports."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    yield provider.get_tracer("scope", "1.2"), memory.get_finished_spans
    provider.shutdown()


def test_a_span_with_everything(spans):
    """Every field of a span is in its record."""
    tracer, ended = spans
    with tracer.start_as_current_span(
        "chat",
        context=set_span_in_context(NonRecordingSpan(REMOTE)),
        kind=SpanKind.CLIENT,
        attributes={"a": 1, "b": ["x", "y"]},
        links=[Link(SpanContext(1, 2, is_remote=False), {"l": True})],
        start_time=5,
        end_on_exit=False,
    ) as live:
        live.add_event("e", {"k": "v"}, timestamp=6)
        live.set_status(Status(StatusCode.ERROR, "it broke"))
        live.end(9)
    record = to_span_record(ended()[0])
    assert record.trace_id == f"{0xABC:032x}"
    assert record.parent_id == f"{0xDEF:016x}"
    assert record.parent_is_remote
    assert (record.name, record.kind) == ("chat", "client")
    assert (record.start_ns, record.end_ns) == (5, 9)
    assert (record.status, record.status_message) == ("error", "it broke")
    assert record.attributes == {"a": 1, "b": ("x", "y")}
    assert [(e.name, e.time_ns, e.attributes) for e in record.events] == [
        ("e", 6, {"k": "v"})
    ]
    [link] = record.links
    assert (link.trace_id, link.span_id) == (f"{1:032x}", f"{2:016x}")
    assert link.attributes == {"l": True}
    assert (record.scope_name, record.scope_version) == ("scope", "1.2")
    assert record.resource["service.name"] == "shop"


def test_the_attributes_are_a_copy(spans):
    """What another processor does to a span later does not change the record."""
    tracer, ended = spans
    with tracer.start_as_current_span("a", attributes={"k": 1}):
        pass
    record = to_span_record(ended()[0])
    ended()[0]._attributes._dict["k"] = 2
    assert record.attributes == {"k": 1}


def test_an_sdk_that_keeps_its_attributes_elsewhere():
    """What the SDK keeps under private names is read by its public ones otherwise."""

    class Later:
        """A span whose properties are all that there is."""

        __module__ = ReadableSpan.__module__

        def __init__(self, span):
            self._span = span

        def __getattr__(self, name):
            if name in ("_attributes", "_events", "_links"):
                raise AttributeError(name)
            return getattr(self._span, name)

    with TracerProvider().get_tracer("t").start_as_current_span("run") as span:
        span.set_attribute("a", 1)
        span.add_event("e")
    assert to_span_record(Later(span)) == to_span_record(span)
    assert to_span_start(Later(span), with_attributes=True).attributes == {"a": 1}


def test_evicted_attributes_are_counted(spans):
    """The number of attributes evicted by the SDK's limit is kept."""
    tracer, ended = spans
    with tracer.start_as_current_span("a") as live:
        for number in range(140):
            live.set_attribute(f"k{number}", number)
    assert to_span_record(ended()[0]).dropped_attributes == 12


def test_a_span_with_almost_no_data():
    """A span with almost no data is still a record."""
    record = to_span_record(ReadableSpan("x", context=REMOTE, resource=Resource({})))
    assert (record.start_ns, record.end_ns, record.parent_id) == (0, 0, None)
    assert record.attributes is NOTHING
    assert (record.scope_name, record.status) == ("", "unset")


def test_a_span_without_a_start():
    """A span with only an end time starts when it ends."""
    record = to_span_record(ReadableSpan("x", context=REMOTE, end_time=7))
    assert (record.start_ns, record.end_ns) == (7, 7)


def odd(**changes):
    plain = {
        "context": REMOTE,
        "parent": None,
        "name": "x",
        "kind": SpanKind.INTERNAL,
        "status": SimpleNamespace(status_code=StatusCode.OK, description=None),
        "instrumentation_scope": None,
        "start_time": 1,
        "end_time": 2,
        "attributes": {},
        "events": (),
        "links": (),
        "resource": None,
        "dropped_attributes": 0,
    }
    return SimpleNamespace(**plain | changes)


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        pytest.param({"name": 7}, "name", "7", id="name-no-text"),
        pytest.param({"name": None}, "name", "", id="no-name"),
        pytest.param({"kind": "client"}, "kind", "internal", id="kind-no-enum"),
        pytest.param({"kind": 99}, "kind", "internal", id="kind-unknown"),
        pytest.param({"attributes": [1]}, "attributes", {}, id="attributes-no-mapping"),
        pytest.param({}, "resource", {}, id="no-resource"),
        pytest.param(
            {"resource": SimpleNamespace(attributes={"a": 1})},
            "resource",
            {"a": 1},
            id="plain-resource",
        ),
        pytest.param({}, "status", "ok", id="status"),
    ],
)
def test_odd_spans(changes, field, expected):
    """Any object with a span's shape works; a wrong type is a missing value."""
    assert getattr(to_span_record(odd(**changes)), field) == expected


@pytest.mark.parametrize("item", [None, 1, "span", object(), odd(context=None)])
def test_no_span_at_all(item):
    """What is not a span raises one of three built-in exceptions."""
    with pytest.raises((AttributeError, TypeError, ValueError)):
        to_span_record(item)


def old_log(**changes):
    """The shape of SDK 1.30: `LogData` over a record with resource and no event name."""
    plain = {
        "trace_id": 1,
        "span_id": 2,
        "timestamp": 3,
        "observed_timestamp": 4,
        "attributes": {"event.name": "gen_ai.choice"},
        "body": {"message": {"content": "hi"}},
        "severity_number": SimpleNamespace(value=9),
        "resource": Resource({"service.name": "shop"}),
    }
    return SimpleNamespace(
        log_record=SimpleNamespace(**plain | changes),
        instrumentation_scope=SimpleNamespace(name="scope", version="1"),
    )


def new_log(**changes):
    """The shape since SDK 1.39: the resource beside the record, which has a name."""
    log = old_log(event_name="gen_ai.choice", attributes={"a": 1}, **changes)
    log.resource = log.log_record.resource
    del log.log_record.resource
    return log


@pytest.mark.parametrize("make", [old_log, new_log])
def test_log_records_of_all_sdks(make):
    """Log records of SDK 1.30 and of the current one give the same event."""
    event = to_log_event(make())
    assert (event.trace_id, event.span_id) == (f"{1:032x}", f"{2:016x}")
    assert (event.name, event.time_ns, event.severity) == ("gen_ai.choice", 3, 9)
    assert event.body == {"message": {"content": "hi"}}
    assert event.resource["service.name"] == "shop"
    assert event.scope_name == "scope"


def test_sparse_log_record():
    """A log record may contain little more than its span's ids."""
    log = new_log(timestamp=None, severity_number=None)
    log.instrumentation_scope = None
    event = to_log_event(log)
    assert (event.time_ns, event.severity, event.scope_name) == (4, 0, "")


@pytest.mark.parametrize("changes", [{"trace_id": 0}, {"span_id": None}])
def test_log_record_without_span(changes):
    """A log record that has no span is ignored."""
    assert to_log_event(old_log(**changes)) is None


def test_log_record_of_this_sdk():
    """The installed SDK's log records are read."""
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    provider.get_logger("scope").emit(
        LogRecord(
            timestamp=3,
            context=set_span_in_context(NonRecordingSpan(REMOTE)),
            severity_number=SeverityNumber.INFO,
            body="hello",
            event_name="gen_ai.choice",
        )
    )
    event = to_log_event(memory.get_finished_logs()[0])
    assert (event.name, event.body, event.severity) == ("gen_ai.choice", "hello", 9)
    assert event.span_id == f"{0xDEF:016x}"
    assert event.resource["service.name"] == "shop"
    provider.shutdown()
