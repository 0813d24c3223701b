"""The spans Anthropic's own client makes.

Source: anthropic 2.11.0 (scope `com.anthropic.sdk.python`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import data, first, text, texts
from infinium_otel.dialects._dialect import Dialect, Facts

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

FIELDS = {
    "finish_reasons": first(texts, "anthropic.message.stop_reason"),
    "result": first(data, "anthropic.tool_result.content"),
    "conversation_id": first(text, "anthropic.session.id"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Endpoints other than messages are plain requests, models named or not."""
    if "gen_ai.operation.name" not in record.attributes:
        facts["kind"] = "http"


ANTHROPIC = Dialect(
    name="anthropic",
    speaks=("anthropic",),
    scopes=("com.anthropic.sdk.python", "com.anthropic.sdk.python.platform"),
    fields=FIELDS,
    refine=refine,
    source="anthropic 2.11.0",
)
