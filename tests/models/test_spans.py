from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.models import spans
from infinium_otel.records import Failure, SpanEvent, SpanRecord

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1970-01-01T00:00:01Z", SECOND, id="zulu"),
        pytest.param("1970-01-01T00:00:01", SECOND, id="no-offset-is-utc"),
        pytest.param("1970-01-01 02:00:01+02:00", SECOND, id="east"),
        pytest.param("1969-12-31T22:30:01.5-0130", SECOND * 3 // 2, id="west"),
        pytest.param("1970-01-01T00:00:00.123456789Z", 123456789, id="nanoseconds"),
        pytest.param("1970-01-01T00:00:00.1234567891Z", 123456789, id="more-digits"),
        pytest.param("1970-01-02", 86_400 * SECOND, id="day"),
        pytest.param("1970-01-01T00:01", 60 * SECOND, id="minute"),
        pytest.param("1970-13-01T00:00:00Z", None, id="no-such-month"),
        pytest.param("1969-12-31T23:59:59Z", None, id="before-the-epoch"),
        pytest.param("9999-12-31T23:59:59Z", None, id="after-the-last"),
        pytest.param("yesterday", None, id="no-time"),
        pytest.param("", None, id="empty"),
        pytest.param(12, None, id="a-number"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_iso_is_read(text, expected):
    """An offset, `Z` and neither are accepted; anything else gives None."""
    assert spans.to_ns(text) == expected


@given(st.integers(min_value=0, max_value=2**64))
def test_times_survive_to_the_microsecond(time_ns):
    """A time written as ISO reads back as itself, cut to microseconds."""
    assert spans.to_ns(spans.to_iso(time_ns)) == time_ns // 1000 * 1000


@pytest.mark.parametrize(
    ("time_ns", "expected"),
    [
        pytest.param(-1, "1970-01-01T00:00:00.000000Z", id="before-the-epoch"),
        pytest.param(10**30, "9999-12-31T23:59:59.999999Z", id="after-the-end"),
    ],
)
def test_impossible_times_move_to_the_edge(time_ns, expected):
    """A time outside the calendar is clamped to it."""
    assert spans.to_iso(time_ns) == expected


@pytest.mark.parametrize(
    ("vendor_id", "expected"),
    [
        pytest.param(
            "0AF76519-16cd-43dd-8448-eb211c80319c",
            "0af7651916cd43dd8448eb211c80319c",
            id="uuid",
        ),
        pytest.param(
            "0af7651916cd43dd8448eb211c80319c",
            "0af7651916cd43dd8448eb211c80319c",
            id="hex",
        ),
        pytest.param("run-1", "ac3eb138baaa53e899cc7aee3317dfea", id="hashed"),
    ],
)
def test_trace_ids(vendor_id, expected):
    """A UUID is its 32 digits; any other id is hashed, always to the same."""
    assert spans.to_trace_id(vendor_id, "ns:") == expected


def test_a_trace_id_of_zeros_is_hashed():
    """No trace id is all zeros, whatever the vendor's id."""
    assert int(spans.to_trace_id("0" * 32, "ns:"), 16)


def test_a_trace_id_reads_as_a_uuid():
    """A trace id can be written as the UUID it came from."""
    uuid = "0af76519-16cd-43dd-8448-eb211c80319c"
    assert spans.to_uuid(spans.to_trace_id(uuid, "")) == uuid


@given(st.lists(st.text()))
def test_span_ids_are_stable(parts):
    """The same parts give the same 16 hex digits, and never zeros."""
    found = spans.make_span_id(*parts)
    assert found == spans.make_span_id(*parts)
    assert len(found) == 16
    assert int(found, 16)


@dataclass
class Point:
    x: int
    y: float


LOOP: list = []
LOOP += [LOOP, LOOP]
HUGE = 10**5_000
"""More digits than Python writes."""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"b": 1, "a": "ü"}, '{"b": 1, "a": "ü"}', id="order-and-letters"),
        pytest.param([float("nan")], "[null]", id="nan"),
        pytest.param([HUGE], "[null]", id="too-great-a-number"),
        pytest.param(Point(1, 2.0), '{"x": 1, "y": 2.0}', id="dataclass"),
        pytest.param({1: (True, None)}, '{"1": [true, null]}', id="tuple-and-key"),
        pytest.param({"a": {2}}, '{"a": [2]}', id="set"),
        pytest.param({"a": Point}, f'{{"a": "{Point}"}}', id="class"),
    ],
)
def test_json_is_always_written(value, expected):
    """Values that JSON cannot represent are written as close as possible."""
    assert spans.to_json(value) == expected


def test_endless_values_are_cut():
    """A value that contains itself is cut; nothing raises."""
    assert json.loads(spans.to_json(LOOP)) is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="json"),
        pytest.param("not json", "not json", id="text"),
        pytest.param("NaN", None, id="nan"),
        pytest.param("[" * 100_000, "[" * 100_000, id="too-deep"),
        pytest.param({"a": 1}, {"a": 1}, id="value"),
    ],
)
def test_json_is_read_or_kept(value, expected):
    """Text that is not JSON is returned unchanged."""
    assert spans.from_json(value) == expected


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        pytest.param(spans.json_object, '{"a": 1}', {"a": 1}, id="object"),
        pytest.param(spans.json_object, "[]", None, id="no-object"),
        pytest.param(spans.json_list, "[1]", [1], id="list"),
        pytest.param(spans.json_list, (1,), [1], id="sequence"),
        pytest.param(spans.json_list, "{}", None, id="no-list"),
        pytest.param(spans.as_text, "a", "a", id="text"),
        pytest.param(spans.as_text, 1, None, id="no-text"),
        pytest.param(spans.as_number, 1.5, 1.5, id="number"),
        pytest.param(spans.as_number, True, None, id="a-truth-is-no-number"),
        pytest.param(spans.as_number, float("inf"), None, id="infinite"),
        pytest.param(spans.as_number, HUGE, None, id="too-great-a-number"),
        pytest.param(spans.as_number, "1", None, id="a-text-is-no-number"),
        pytest.param(spans.as_int, 2.0, 2, id="whole"),
        pytest.param(spans.as_int, 2.5, None, id="not-whole"),
        pytest.param(spans.as_int, None, None, id="nothing"),
        pytest.param(spans.as_bool, False, False, id="flag"),
        pytest.param(spans.as_bool, 0, None, id="no-flag"),
    ],
)
def test_wrong_types_are_absent(reader, value, expected):
    """An attribute of the wrong type counts as absent."""
    assert reader(value) == expected


def draft(**given_):
    values = {
        "trace_id": "1" * 32,
        "span_id": "2" * 16,
        "parent_id": None,
        "name": "n",
        "start_ns": 5,
        "end_ns": 9,
    }
    return SpanRecord(**{**values, **given_})


def test_no_null_and_no_negative_time():
    """A span has no null attribute and does not end before it starts."""
    record = spans.finalize(draft(end_ns=1, attributes={"a": None, "b": 0}))
    assert record.attributes == {"b": 0}
    assert (record.start_ns, record.end_ns) == (5, 5)


def test_no_time_after_the_last():
    """A span's times fit into 64 bits."""
    record = spans.finalize(draft(start_ns=2**65, end_ns=2**66))
    assert (record.start_ns, record.end_ns) == (2**64 - 1, 2**64 - 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(2**63 - 1, 2**63 - 1, id="number"),
        pytest.param(2**63, str(2**63), id="too-great-a-number"),
        pytest.param(("a", "b"), ["a", "b"], id="texts"),
        pytest.param([1, "a"], '[1, "a"]', id="mixed"),
        pytest.param({"a": None}, '{"a": null}', id="nested"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_attributes(value, expected):
    """Values that OpenTelemetry has no attribute type for become JSON."""
    assert spans.to_attribute(value) == expected


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Failure("E", "broken", "line 1"), id="all"),
        pytest.param(Failure("E", ""), id="no-message"),
    ],
)
def test_a_failure_is_written_and_read(failure):
    """A failure is written as status, error type and exception event, and read back."""
    record = spans.finalize(draft(), failure)
    assert record.status == "error"
    assert record.attributes["error.type"] == "E"
    assert spans.read_failure(record) == failure


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(draft(), None, id="no-error"),
        pytest.param(draft(status="error"), Failure("error", ""), id="bare"),
        pytest.param(
            draft(
                status="error",
                status_message="no",
                attributes={"error.type": "timeout"},
                events=(SpanEvent("other", 1),),
            ),
            Failure("timeout", "no"),
            id="no-event",
        ),
    ],
)
def test_a_failure_without_an_event(record, expected):
    """Without an exception event, error type and status description are read."""
    assert spans.read_failure(record) == expected


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        pytest.param(spans.as_span_id, "A" * 16, "a" * 16, id="id"),
        pytest.param(spans.as_span_id, "0" * 16, None, id="no-id-is-zero"),
        pytest.param(spans.as_span_id, "xyz", None, id="no-id"),
        pytest.param(spans.as_span_id, 5, None, id="a-number-is-no-id"),
        pytest.param(spans.as_time_ns, 5, 5, id="time"),
        pytest.param(spans.as_time_ns, -1, None, id="before-the-epoch"),
        pytest.param(spans.as_time_ns, 2**64, None, id="after-the-last"),
        pytest.param(spans.as_time_ns, "5", None, id="a-text-is-no-time"),
        pytest.param(spans.as_kind, "CLIENT", "client", id="kind"),
        pytest.param(spans.as_kind, "odd", None, id="no-kind"),
        pytest.param(spans.as_status, "ERROR", "error", id="status"),
        pytest.param(spans.as_status, None, None, id="no-status"),
    ],
)
def test_invalid_values_are_none(reader, value, expected):
    """Only ids, times, kinds and statuses that are valid in OpenTelemetry are read."""
    assert reader(value) == expected
