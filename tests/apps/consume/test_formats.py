"""What a message is, recognized by its bytes."""

from __future__ import annotations

import json

import pytest

from infinium_otel.apps.consume import formats
from infinium_otel.errors import DecodingError
from infinium_otel.records import LogEvent, SpanRecord
from support.otlp_requests import SPAN_ID, TRACE_ID, agent_span, logs, protobuf, traces

LOG = {"traceId": TRACE_ID, "spanId": SPAN_ID, "body": {"stringValue": "hello"}}
TIMED = {"timeUnixNano": "5", **LOG}
TRACES, LOGS = traces(agent_span(1)), logs(LOG)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(protobuf(TRACES), SpanRecord, id="protobuf-traces"),
        pytest.param(protobuf(LOGS), LogEvent, id="protobuf-logs"),
        pytest.param(protobuf(logs(TIMED)), LogEvent, id="protobuf-logs-with-a-time"),
        pytest.param(json.dumps(TRACES).encode(), SpanRecord, id="json-traces"),
        pytest.param(b"\n " + json.dumps(LOGS).encode(), LogEvent, id="json-logs"),
    ],
)
def test_otlp_is_recognized(value, kind):
    """Both encodings of both signals."""
    (record,) = formats.decode(value).records
    assert isinstance(record, kind)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(b'[{"traceId": "1"}]', "as zipkin_json writes it", id="zipkin"),
        pytest.param(b"\x1f\x8b\x08", "begins like gzip", id="gzip"),
        pytest.param(b"\x00\x00\x00\x00\x01", "schema registry", id="confluent"),
        pytest.param(b"hello world", "not a protobuf request", id="text"),
        pytest.param(b"\x12\x03abc", "neither spans nor log records", id="protobuf"),
        pytest.param(b'{"batch": {}}', "neither resourceSpans", id="jaeger-json"),
        pytest.param(b"\x0a\xff\xff", "not a protobuf request", id="cut"),
        pytest.param(b"\xff" * 12, "not a protobuf request", id="endless-number"),
    ],
)
def test_what_it_is_not_is_in_the_error(value, message):
    """As far as the first byte shows what else it may be."""
    with pytest.raises(DecodingError, match=message):
        formats.decode(value)


def test_an_empty_message_is_empty():
    """A tombstone, or a request without spans."""
    assert formats.decode(b"").records == []
    assert formats.decode(b"{}").records == []
    assert formats.decode_protobuf(b"").records == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("otlp_json", protobuf(TRACES), id="json"),
        pytest.param("otlp_proto", json.dumps(TRACES).encode(), id="protobuf"),
    ],
)
def test_a_format_that_is_set_is_the_only_one(name, value):
    """The other one is an error."""
    with pytest.raises(DecodingError):
        formats.choose_decoder(name)(value)
    assert formats.choose_decoder("auto")(value).records
