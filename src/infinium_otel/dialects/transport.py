"""Requests and errors on any span, whatever instrumentation wrote it.

Source: semantic-conventions v1.44.0 (HTTP, RPC, errors); the spellings before v1.23.
"""

from __future__ import annotations

from infinium_otel.dialects._attributes import count, first, text
from infinium_otel.dialects._dialect import Dialect

FIELDS = {
    "http_status": first(count, "http.response.status_code", "http.status_code"),
    "retry_count": first(count, "http.request.resend_count"),
    "error_type": first(text, "error.type", "exception.type"),
    "error_message": first(text, "error.message", "exception.message"),
    "error_code": first(text, "error.code", "rpc.response.status_code"),
    "stack_trace": first(text, "error.stack_trace", "exception.stacktrace"),
}

TRANSPORT = Dialect(
    name="transport",
    key_segments=("http", "error", "exception", "rpc"),
    fields=FIELDS,
    source="semantic-conventions 1.44.0",
    common=True,
)
