"""Records to OTLP/JSON requests and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.otlp import from_json, from_protobuf, to_otlp
from infinium_otel.records import LogEvent, SpanRecord
from support.corpus import names, recording
from support.otlp_requests import SPAN_ID, TRACE_ID, protobuf
from support.telemetry import LOGS, SPANS


def record(**members):
    times = {"start_ns": 1, "end_ns": 2}
    return SpanRecord(TRACE_ID, SPAN_ID, None, **{"name": "s", **times, **members})


@given(st.lists(SPANS, max_size=4), st.lists(LOGS, max_size=2))
def test_records_come_back_as_they_were(spans, logs):
    """JSON text and back is the identity, spans first and in their order."""
    text = json.dumps(to_otlp([*logs, *spans]))
    decoded = from_json(json.loads(text))
    assert decoded.records == spans + logs
    assert decoded.problem_count == 0


@given(st.lists(SPANS, max_size=3))
def test_the_protobuf_library_reads_what_is_written(spans):
    """Spans as JSON are read by the protobuf library as the same spans."""
    assert from_protobuf(protobuf(to_otlp(spans))).records == spans


@given(st.lists(LOGS, min_size=1, max_size=3))
def test_the_protobuf_library_reads_logs_that_are_written(logs):
    """Logs as JSON are read by the protobuf library as the same logs."""
    assert from_protobuf(protobuf(to_otlp(logs)), "logs").records == logs


@pytest.mark.parametrize("name", names()[::15])
def test_recordings_come_back_as_they_were(name):
    """Real spans survive decoding, encoding and decoding."""
    records = from_json(recording(name).spans).records
    assert from_json(to_otlp(records)).records == records


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(float("nan"), {"doubleValue": "NaN"}, id="nan"),
        pytest.param(float("inf"), {"doubleValue": "Infinity"}, id="infinity"),
        pytest.param(float("-inf"), {"doubleValue": "-Infinity"}, id="minus-infinity"),
        pytest.param(2**63, {"stringValue": str(2**63)}, id="past-int64"),
        pytest.param(["a"], {"arrayValue": {"values": [{"stringValue": "a"}]}}, id="l"),
        pytest.param({1}, {"stringValue": "{1}"}, id="no-attribute-value"),
    ],
)
def test_values_json_has_no_word_for(value, expected):
    """They are written as protobuf's JSON has them, or as text."""
    request = to_otlp([record(attributes={"k": value})])
    written = request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert written["attributes"] == [{"key": "k", "value": expected}]


def test_neighbours_share_their_resource_and_scope():
    """Spans are grouped only with their neighbours, so that their order is kept."""
    a, b = {"service.name": "a"}, {"service.name": "b"}
    request = to_otlp(
        [
            record(name="1", resource=a, scope_name="x"),
            record(name="2", resource=a, scope_name="x"),
            record(name="3", resource=a, scope_name="y"),
            record(name="4", resource=b, scope_name="y"),
            record(name="5", resource=a, scope_name="x"),
        ]
    )
    shape = [
        [[span["name"] for span in scope["spans"]] for scope in group["scopeSpans"]]
        for group in request["resourceSpans"]
    ]
    assert shape == [[["1", "2"], ["3"]], [["4"]], [["5"]]]


def test_defaults_are_omitted():
    """A request holds the signals there are, and an empty one is an empty request."""
    log = LogEvent(TRACE_ID, SPAN_ID, "e", 1)
    assert to_otlp([]) == {"resourceSpans": []}
    assert list(to_otlp([log])) == ["resourceLogs"]
    assert list(to_otlp([log, record()])) == ["resourceSpans", "resourceLogs"]


@pytest.mark.parametrize("levels", [64, 65, 100_000])
def test_what_is_nested_deeper_than_decoders_read_is_cut(levels):
    """The deepest value that is read again is written as it is; deeper ones are marked."""
    value = "x"
    for _ in range(levels):
        value = (value,)
    text = json.dumps(to_otlp([record(attributes={"k": value})]))
    decoded = from_json(json.loads(text))
    assert decoded.problem_count == 0
    assert (
        (decoded.records[0].attributes["k"] == value)
        if levels == 64
        else ("(nested too deeply)" in text)
    )
