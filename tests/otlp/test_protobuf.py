"""OTLP protobuf requests to records."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import DecodingError, MissingExtraError
from infinium_otel.otlp import _protobuf, from_protobuf

LogsData = pytest.importorskip("opentelemetry.proto.logs.v1.logs_pb2").LogsData
TracesData = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2").TracesData

GOOD = {"trace_id": b"\1" * 16, "span_id": b"\2" * 8}


def traces(**members):
    data = TracesData()
    scope = data.resource_spans.add().scope_spans.add()
    scope.spans.add(**{**GOOD, **members})
    scope.spans.add(**GOOD, name="neighbour")
    return data.SerializeToString()


def logs(**members):
    data = LogsData()
    data.resource_logs.add().scope_logs.add().log_records.add(**members)
    return data.SerializeToString()


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"trace_id": b""}, id="no-trace-id"),
        pytest.param({"trace_id": bytes(16)}, id="zero-trace-id"),
        pytest.param({"span_id": b"\1" * 7}, id="short-span-id"),
    ],
)
def test_a_span_without_usable_ids_is_rejected_alone(members):
    """It is counted, and its neighbour stays."""
    decoded = from_protobuf(traces(**members))
    assert [record.name for record in decoded.records] == ["neighbour"]
    assert decoded.rejected_spans == 1


@pytest.mark.parametrize(
    ("members", "field", "expected"),
    [
        pytest.param({"parent_span_id": b"\1"}, "parent_id", None, id="parent"),
        pytest.param({"kind": 9}, "kind", "internal", id="kind"),
        pytest.param({"links": [{"trace_id": b"\1"}]}, "links", (), id="link"),
    ],
)
def test_a_member_that_cannot_be_read_takes_its_default(members, field, expected):
    """The span stays, and the problem is noted."""
    decoded = from_protobuf(traces(**members))
    assert getattr(decoded.records[0], field) == expected
    assert decoded.problem_count == 1


@pytest.mark.parametrize(
    ("members", "unrelated", "rejected"),
    [
        pytest.param({}, 1, 0, id="no-ids"),
        pytest.param({"trace_id": b"\1" * 16}, 1, 0, id="trace-only"),
        pytest.param({"trace_id": b"\1", "span_id": b"\2" * 8}, 0, 1, id="malformed"),
    ],
)
def test_logs_without_a_span_are_skipped(members, unrelated, rejected):
    """A record without ids is not a mistake; one with unusable ids is rejected."""
    decoded = from_protobuf(logs(**members), "logs")
    assert decoded.records == []
    assert (decoded.unrelated_logs, decoded.rejected_logs) == (unrelated, rejected)


def test_the_name_of_an_event_may_be_an_attribute():
    """Records written before OTLP had the field have an attribute instead."""
    value = {"string_value": "old"}
    attributes = [{"key": "event.name", "value": value}]
    named = from_protobuf(logs(**GOOD, attributes=attributes), "logs").records[0]
    nameless = from_protobuf(logs(**GOOD), "logs").records[0]
    assert (named.name, nameless.name) == ("old", "")


@pytest.mark.parametrize("signal", ["traces", "logs"])
@given(octets=st.binary(min_size=1, max_size=60))
def test_arbitrary_octets_are_a_request_or_one_clear_error(signal, octets):
    """The decoder raises nothing but `DecodingError`."""
    with suppress(DecodingError):
        from_protobuf(octets, signal)


def test_a_request_that_was_cut_is_one_clear_error():
    """Half a message holds nothing that could be trusted."""
    with pytest.raises(DecodingError, match="traces"):
        from_protobuf(traces()[:-3])


def test_without_the_extra_the_error_names_the_install(monkeypatch):
    """The error of a missing extra names the `pip install` that fixes it."""
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.trace.v1.trace_pb2", None)
    load_anew = _protobuf._load_types.__wrapped__
    monkeypatch.setattr(_protobuf, "_load_types", load_anew)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[otlp\]"):
        from_protobuf(b"")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"trace_id": b""},
        {"kind": 9, "links": [{"trace_id": b"\1"}]},
        {"name": "n", "attributes": [{"key": "k", "value": {"int_value": 7}}]},
        {"events": [{"name": "e", "time_unix_nano": 3}], "flags": 0x300},
    ],
)
def test_a_small_request_is_read_alike_at_once_and_in_parts(members):
    """Parsing a small request at once gives what parsing it record by record gives."""
    body = traces(**members)
    whole = _protobuf._parse_whole(body, "traces")
    assert whole is not None
    (parts,) = _protobuf.iter_protobuf(body, "traces")
    assert (whole.records, whole.problems) == (parts.records, parts.problems)
    assert whole.rejected_spans == parts.rejected_spans


def test_small_logs_are_read_alike_at_once_and_in_parts():
    """The same holds for log records."""
    body = logs(**GOOD, event_name="e", body={"string_value": "b"})
    whole = _protobuf._parse_whole(body, "logs")
    assert whole is not None
    assert [whole.records] == [d.records for d in _protobuf.iter_protobuf(body, "logs")]


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_a_text_that_is_not_utf_8_is_one_clear_error(signal):
    """Whichever of protobuf's parsers is installed; no other text is believed either."""
    name = b"\xbe-name-of-a-key"
    body = traces() if signal == "traces" else logs(**GOOD, event_name="neighbour")
    damaged = body.replace(b"neighbour", name[:9])
    assert damaged != body
    with pytest.raises(DecodingError, match=f"not a protobuf request for {signal}"):
        from_protobuf(damaged, signal)


@pytest.mark.skipif(
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION" in os.environ, reason="here"
)
def test_the_parser_without_c_reads_alike_and_has_the_same_errors():
    """Where protobuf has no wheel, it parses in Python, with other errors."""
    files = (Path(__file__), Path(__file__).parents[1] / "fuzz/test_fuzz.py")
    options = ("-q", "-k", "protobuf", "--few-examples", "-p", "no:cacheprovider")
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, files)],
        env=os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        check=True,
    )
