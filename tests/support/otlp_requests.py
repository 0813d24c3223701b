"""OTLP requests to test with, and the protobuf library's opinion of them."""

from __future__ import annotations

from base64 import b64encode

import pytest

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def span(**members):
    """A span in OTLP/JSON, with ids; *members* are its other fields."""
    return {"traceId": TRACE_ID, "spanId": SPAN_ID, **members}


def agent_span(number, **members):
    """A span of an agent, the root of a trace of its own."""
    kind = {"key": "gen_ai.operation.name", "value": {"stringValue": "invoke_agent"}}
    ids = {"traceId": f"{number:032x}", "spanId": f"{number:016x}"}
    times = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    return {"name": f"run {number}", "attributes": [kind], **ids, **times, **members}


def traces(*spans, resource=None, scope=None):
    """A request of traces."""
    scopes = [{"scope": scope or {}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": resource or {}, "scopeSpans": scopes}]}


def logs(*records, resource=None, scope=None):
    """A request of logs."""
    scopes = [{"scope": scope or {}, "logRecords": list(records)}]
    return {"resourceLogs": [{"resource": resource or {}, "scopeLogs": scopes}]}


def protobuf(request):
    """An OTLP/JSON request as protobuf, made by the protobuf library's JSON reader.

    Its JSON has ids in base64 where OTLP's has them in hex: nothing else differs.
    """
    json_format = pytest.importorskip("google.protobuf.json_format")
    if "resourceLogs" in request:
        message = pytest.importorskip("opentelemetry.proto.logs.v1.logs_pb2").LogsData()
    else:
        traces = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
        message = traces.TracesData()
    parsed = json_format.ParseDict(with_base64_ids(request), message)
    return parsed.SerializeToString()


def with_base64_ids(item):
    """*item* with every id in base64, as the protobuf library writes them."""
    if isinstance(item, list):
        return [with_base64_ids(inner) for inner in item]
    if not isinstance(item, dict):
        return item
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        name: b64encode(bytes.fromhex(value)).decode()
        if name in ids and isinstance(value, str)
        else with_base64_ids(value)
        for name, value in item.items()
    }


def snake(item):
    """*item* with every field name in snake_case."""
    if isinstance(item, list):
        return [snake(inner) for inner in item]
    if not isinstance(item, dict):
        return item
    turned = {}
    for name, value in item.items():
        letters = (f"_{c.lower()}" if c.isupper() else c for c in name)
        turned["".join(letters)] = snake(value)
    return turned
