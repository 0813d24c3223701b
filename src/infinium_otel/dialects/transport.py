"""Requests and errors on any span, whatever instrumentation wrote it.

Source: semantic-conventions v1.44.0 (HTTP, RPC, errors, AWS's client); the spellings
before v1.23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import count, first, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

FIELDS = {
    "http_status": first(count, "http.response.status_code", "http.status_code"),
    "retry_count": first(count, "http.request.resend_count"),
    "error_type": first(text, "error.type", "exception.type"),
    "error_message": first(text, "error.message", "exception.message"),
    "error_code": first(text, "error.code", "rpc.response.status_code"),
    "stack_trace": first(text, "error.stack_trace", "exception.stacktrace"),
}

_OPERATIONS = {
    "retrieve": "retrieval",
    "retrieveandgenerate": "retrieval",
    "retrieveandgeneratestream": "retrieval",
    "retrievememoryrecords": "memory",
    "queryvectors": "retrieval",
    "applyguardrail": "guardrail",
    "rerank": "rerank",
}
"""Operations of AWS's services for agents that are an agent's work, by their method."""
_SERVICES = ("bedrock", "s3vectors", "s3 vectors")
_SOURCES = (
    "aws.bedrock.knowledge_base.id",
    "aws.bedrock.guardrail.id",
    "aws.bedrock.agentcore.memory.id",
)


def refine(record: SpanRecord, facts: Facts) -> None:
    """A request of AWS's client to a knowledge base and the like is what it requests."""
    attributes = record.attributes
    service = text(attributes.get("rpc.service"))
    method = text(attributes.get("rpc.method"))
    if not (service and method and service.lower().startswith(_SERVICES)):
        return
    kind = _OPERATIONS.get(method.rpartition("/")[2].lower())
    if kind and "gen_ai.operation.name" not in attributes:
        facts["kind"] = kind
        sources = (text(attributes.get(key)) for key in _SOURCES)
        put(facts, "label", next(filter(None, sources), None))


TRANSPORT = Dialect(
    name="transport",
    key_segments=("http", "error", "exception", "rpc"),
    fields=FIELDS,
    refine=refine,
    source="semantic-conventions 1.44.0",
    common=True,
)
