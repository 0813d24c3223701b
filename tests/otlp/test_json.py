"""OTLP/JSON requests to records."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import DecodingError
from infinium_otel.otlp import from_json, from_protobuf
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord
from support.corpus import names, recording
from support.otlp_requests import (
    SPAN_ID,
    TRACE_ID,
    logs,
    protobuf,
    snake,
    span,
    traces,
    with_base64_ids,
)

FULL = traces(
    span(
        parentSpanId="00f067aa0ba902b7",
        name="chat",
        kind=3,
        startTimeUnixNano="1795229843924199398",
        endTimeUnixNano="1795229843962295693",
        flags=0x301,
        droppedAttributesCount=2,
        status={"code": 2, "message": "boom"},
        attributes=[{"key": "model", "value": {"stringValue": "m"}}],
        events=[{"name": "e", "timeUnixNano": "5", "attributes": []}],
        links=[{"traceId": TRACE_ID, "spanId": SPAN_ID}],
    ),
    resource={"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
    scope={"name": "lib", "version": "1"},
)

RECORD = SpanRecord(
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    parent_id="00f067aa0ba902b7",
    name="chat",
    start_ns=1795229843924199398,
    end_ns=1795229843962295693,
    attributes={"model": "m"},
    kind="client",
    status="error",
    status_message="boom",
    events=(SpanEvent("e", 5),),
    links=(SpanLink(TRACE_ID, SPAN_ID),),
    scope_name="lib",
    scope_version="1",
    resource={"service.name": "s"},
    parent_is_remote=True,
    dropped_attributes=2,
)


def one(request):
    decoded = from_json(request)
    assert len(decoded.records) == 1
    return decoded.records[0]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(FULL, id="as-specified"),
        pytest.param(with_base64_ids(FULL), id="base64-ids"),
        pytest.param(snake(FULL), id="snake-case"),
        pytest.param({"resource_spans": FULL["resourceSpans"]}, id="snake-on-top"),
        pytest.param(
            json.loads(json.dumps(FULL).replace(TRACE_ID, TRACE_ID.upper())),
            id="upper-case-ids",
        ),
    ],
)
def test_every_way_of_writing_a_request_gives_the_same_record(request_):
    """Hex or base64 ids, camelCase or snake_case: the record is the same."""
    decoded = from_json(request_)
    assert decoded.records == [RECORD]
    assert decoded.problems == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"stringValue": "x"}, "x", id="text"),
        pytest.param({"string_value": "x"}, "x", id="snake"),
        pytest.param({"stringValue": "\ud800"}, "\ud800", id="lone-surrogate"),
        pytest.param({"intValue": "-9223372036854775808"}, -(2**63), id="int64"),
        pytest.param({"intValue": 7}, 7, id="int-as-number"),
        pytest.param({"intValue": 7.0}, 7, id="int-as-whole-float"),
        pytest.param({"boolValue": False}, False, id="bool"),
        pytest.param({"doubleValue": 1}, 1.0, id="double-as-int"),
        pytest.param({"doubleValue": "-Infinity"}, float("-inf"), id="infinity"),
        pytest.param({"bytesValue": "AP8="}, b"\x00\xff", id="bytes"),
        pytest.param({"bytesValue": "__8"}, b"\xff\xff", id="url-safe-unpadded"),
        pytest.param({}, None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param({"arrayValue": {}}, (), id="empty-array"),
        pytest.param({"kvlistValue": {}}, {}, id="empty-mapping"),
        pytest.param(
            {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}, {}]}},
            (1, "a", None),
            id="array",
        ),
        pytest.param(
            {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}},
            {"k": True},
            id="mapping",
        ),
    ],
)
def test_attribute_values(value, expected):
    """Each kind of value becomes Python's: arrays tuples, mappings dicts, bytes bytes."""
    request = traces(span(attributes=[{"key": "k", "value": value}]))
    decoded = from_json(request)
    assert decoded.records[0].attributes == {"k": expected}
    assert decoded.problem_count == 0


def nested(depth):
    value = {"stringValue": "deep"}
    for _ in range(depth):
        value = {"arrayValue": {"values": [value]}}
    return value


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param("text", id="no-object"),
        pytest.param({"value": {"stringValue": "x"}}, id="no-key"),
        pytest.param({"key": 7, "value": {"stringValue": "x"}}, id="key-no-text"),
        pytest.param({"key": "k", "value": {"newValue": "x"}}, id="unknown-kind"),
        pytest.param({"key": "k", "value": "x"}, id="bare-value"),
        pytest.param({"key": "k", "value": {"stringValue": 7}}, id="no-text"),
        pytest.param({"key": "k", "value": {"intValue": "x"}}, id="no-integer"),
        pytest.param({"key": "k", "value": {"intValue": True}}, id="bool-integer"),
        pytest.param({"key": "k", "value": {"intValue": 2**63}}, id="past-int64"),
        pytest.param({"key": "k", "value": {"intValue": 1e300}}, id="huge-float"),
        pytest.param({"key": "k", "value": {"intValue": 0.5}}, id="fraction"),
        pytest.param({"key": "k", "value": {"boolValue": 1}}, id="no-bool"),
        pytest.param({"key": "k", "value": {"doubleValue": "x"}}, id="no-double"),
        pytest.param({"key": "k", "value": {"doubleValue": True}}, id="bool-double"),
        pytest.param({"key": "k", "value": {"doubleValue": 10**400}}, id="overflow"),
        pytest.param({"key": "k", "value": {"bytesValue": "!"}}, id="no-base64"),
        pytest.param({"key": "k", "value": {"arrayValue": 7}}, id="no-array"),
        pytest.param({"key": "k", "value": {"kvlistValue": []}}, id="no-mapping"),
        pytest.param({"key": "k", "value": nested(100)}, id="too-deep"),
    ],
)
def test_an_attribute_that_cannot_be_read_is_skipped(pair):
    """It is noted, and its neighbours and its span stay."""
    good = {"key": "good", "value": {"intValue": "1"}}
    decoded = from_json(traces(span(attributes=[pair, good])))
    assert decoded.records[0].attributes == {"good": 1}
    assert decoded.problems == ["an attribute cannot be read; skipped"]
    assert decoded.skipped == 0


@pytest.mark.parametrize(
    ("members", "field", "expected"),
    [
        pytest.param({"kind": "SPAN_KIND_SERVER"}, "kind", "server", id="kind-name"),
        pytest.param({"kind": 0}, "kind", "internal", id="kind-unspecified"),
        pytest.param(
            {"kind": "SPAN_KIND_UNSPECIFIED"}, "kind", "internal", id="kind-none"
        ),
        pytest.param(
            {"status": {"code": "STATUS_CODE_OK"}}, "status", "ok", id="status-name"
        ),
        pytest.param(
            {"parentSpanId": ""}, "parent_id", None, id="empty-parent-is-a-root"
        ),
        pytest.param(
            {"parentSpanId": "0" * 16}, "parent_id", None, id="zero-parent-is-a-root"
        ),
        pytest.param({"flags": 0x100}, "parent_is_remote", False, id="known-local"),
        pytest.param({"flags": 0x200}, "parent_is_remote", False, id="unknown"),
        pytest.param({"startTimeUnixNano": 5}, "end_ns", 5, id="end-from-start"),
        pytest.param({"endTimeUnixNano": "5"}, "start_ns", 5, id="start-from-end"),
        pytest.param({"name": None}, "name", "", id="null-is-absent"),
    ],
)
def test_span_members(members, field, expected):
    """What a member may be instead of its usual form, without a problem."""
    decoded = from_json(traces(span(**members)))
    assert getattr(decoded.records[0], field) == expected
    assert decoded.problem_count == 0


@pytest.mark.parametrize(
    ("members", "field", "expected"),
    [
        pytest.param({"kind": 9}, "kind", "internal", id="kind"),
        pytest.param({"kind": []}, "kind", "internal", id="kind-type"),
        pytest.param({"status": {"code": 9}}, "status", "unset", id="status"),
        pytest.param({"status": "error"}, "status", "unset", id="status-no-object"),
        pytest.param({"name": 7}, "name", "", id="name"),
        pytest.param({"startTimeUnixNano": "x"}, "start_ns", 0, id="time"),
        pytest.param({"startTimeUnixNano": "-1"}, "start_ns", 0, id="negative-time"),
        pytest.param({"attributes": {}}, "attributes", {}, id="attributes-no-list"),
        pytest.param({"events": ["e"]}, "events", (), id="event-no-object"),
        pytest.param({"links": [{"traceId": "x"}]}, "links", (), id="link-without-id"),
        pytest.param({"parentSpanId": "xyz"}, "parent_id", None, id="parent"),
        pytest.param({"parentSpanId": "!!!="}, "parent_id", None, id="parent-base64"),
    ],
)
def test_a_member_that_cannot_be_read_takes_its_default(members, field, expected):
    """The span stays, and the problem is noted."""
    decoded = from_json(traces(span(**members)))
    assert getattr(decoded.records[0], field) == expected
    assert decoded.problem_count == 1


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("text", id="no-object"),
        pytest.param({}, id="no-ids"),
        pytest.param(span(traceId="0" * 32), id="zero-trace-id"),
        pytest.param(span(spanId="xyz"), id="malformed-span-id"),
        pytest.param(span(traceId=7), id="number-as-id"),
    ],
)
def test_a_span_without_usable_ids_is_rejected_alone(bad):
    """It is counted; the spans before and after it stay, in their order."""
    first, last = span(name="first"), span(name="last")
    decoded = from_json(traces(first, bad, last))
    assert [record.name for record in decoded.records] == ["first", "last"]
    assert decoded.rejected_spans == 1
    assert decoded.skipped == 1


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="list"),
        pytest.param("resourceSpans", id="text"),
        pytest.param({"name": "a task"}, id="another-object"),
    ],
)
def test_what_is_no_otlp_is_one_clear_error(document):
    """The message begins with the problem: invalid OTLP."""
    with pytest.raises(DecodingError, match=r"^invalid OTLP: "):
        from_json(document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="empty"),
        pytest.param({"resourceMetrics": []}, id="metrics"),
        pytest.param({"resourceSpans": []}, id="no-spans"),
        pytest.param({"resourceSpans": 7}, id="no-list"),
        pytest.param({"resourceSpans": [7, {"scopeSpans": 7}]}, id="no-objects"),
        pytest.param({"resourceSpans": [{"resource": 7}]}, id="resource-no-object"),
    ],
)
def test_a_request_may_hold_nothing(document):
    """An empty request is valid."""
    assert from_json(document).records == []


def test_problems_are_kept_once_and_within_bounds():
    """A thousand mistakes of one kind are one sentence and a count."""
    decoded = from_json(traces(*[{"traceId": "x"}] * 1000))
    assert decoded.problem_count == 1000
    assert decoded.problems == ["a span has no usable traceId and spanId"]
    for number in range(100):
        decoded.note(f"problem {number}")
    assert len(decoded.problems) == 20


LOG = {
    "traceId": TRACE_ID,
    "spanId": SPAN_ID,
    "timeUnixNano": "5",
    "severityNumber": 9,
    "eventName": "gen_ai.choice",
    "body": {"kvlistValue": {"values": [{"key": "i", "value": {"intValue": "0"}}]}},
    "attributes": [{"key": "a", "value": {"stringValue": "b"}}],
}


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        pytest.param({}, "name", "gen_ai.choice", id="name"),
        pytest.param({}, "body", {"i": 0}, id="body"),
        pytest.param({}, "time_ns", 5, id="time"),
        pytest.param({"eventName": ""}, "name", "", id="no-name"),
        pytest.param(
            {
                "eventName": None,
                "attributes": [{"key": "event.name", "value": {"stringValue": "old"}}],
            },
            "name",
            "old",
            id="name-as-attribute",
        ),
        pytest.param(
            {
                "eventName": "",
                "attributes": [{"key": "event.name", "value": {"intValue": "1"}}],
            },
            "name",
            "",
            id="name-attribute-no-text",
        ),
        pytest.param(
            {"timeUnixNano": "0", "observedTimeUnixNano": "6"},
            "time_ns",
            6,
            id="observed-time",
        ),
        pytest.param({"body": {"intValue": "x"}}, "body", None, id="bad-body"),
        pytest.param({"body": None}, "body", None, id="no-body"),
        pytest.param({"severityNumber": 17}, "severity", 17, id="severity"),
        pytest.param(
            {"severityNumber": "SEVERITY_NUMBER_WARN"}, "severity", 13, id="by-name"
        ),
        pytest.param(
            {"severityNumber": "SEVERITY_NUMBER_INFO4"}, "severity", 12, id="by-name-4"
        ),
        pytest.param({"severityNumber": "SEVERITY_NUMBER_X"}, "severity", 0, id="none"),
    ],
)
def test_log_members(changes, field, expected):
    """A log record that belongs to a span becomes a log event."""
    event = one(logs({**LOG, **changes}, scope={"name": "lib"}))
    assert isinstance(event, LogEvent)
    assert (event.trace_id, event.span_id) == (TRACE_ID, SPAN_ID)
    assert event.scope_name == "lib"
    assert getattr(event, field) == expected


@pytest.mark.parametrize(
    ("record", "unrelated", "rejected"),
    [
        pytest.param({}, 1, 0, id="no-ids"),
        pytest.param({"traceId": "", "spanId": "0" * 16}, 1, 0, id="blank-ids"),
        pytest.param({"traceId": TRACE_ID, "spanId": ""}, 1, 0, id="trace-only"),
        pytest.param({"traceId": "xyz", "spanId": SPAN_ID}, 0, 1, id="malformed"),
        pytest.param({"traceId": 7, "spanId": SPAN_ID}, 0, 1, id="number"),
        pytest.param("text", 0, 1, id="no-object"),
    ],
)
def test_logs_without_a_span_are_skipped(record, unrelated, rejected):
    """A record without ids is not a mistake; one with unusable ids is rejected."""
    decoded = from_json(logs(record, LOG))
    assert len(decoded.records) == 1
    assert decoded.unrelated_logs == unrelated
    assert decoded.rejected_logs == rejected


@pytest.mark.parametrize("name", names()[::9])
def test_the_protobuf_library_reads_the_same_from_recordings(name):
    """Our JSON decoder against the protobuf library's JSON decoder and our binary one."""
    recorded = recording(name)
    for document, signal in ((recorded.spans, "traces"), (recorded.logs, "logs")):
        if document is not None:
            decoded = from_json(document)
            assert decoded.records == from_protobuf(protobuf(document), signal).records
            assert decoded.problems == []


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *[
                        "resource",
                        "attributes",
                        "scope",
                        "scopeSpans",
                        "scopeLogs",
                        "key",
                    ],
                    *[
                        "spans",
                        "logRecords",
                        "value",
                        "name",
                        "status",
                        "body",
                        "events",
                    ],
                    *[
                        "links",
                        "stringValue",
                        "intValue",
                        "arrayValue",
                        "values",
                        "kind",
                    ],
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON_LIKE, JSON_LIKE, JSON_LIKE)
def test_nothing_inside_a_request_raises(resources, spans, member):
    """Any other value in place of a list, a span or a member is skipped."""
    from_json({"resourceSpans": resources, "resourceLogs": resources})
    from_json(traces(spans, span(attributes=member, events=member, links=member)))
    decoded = from_json(traces(span(status=member, kind=member, flags=member)))
    assert len(decoded.records) == 1
