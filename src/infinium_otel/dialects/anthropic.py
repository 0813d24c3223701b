"""The spans of Anthropic's own client.

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
    """Endpoints other than messages are plain requests, with a model or not."""
    is_own = record.scope_name.startswith("com.anthropic.")
    if is_own and "gen_ai.operation.name" not in record.attributes:
        facts["kind"] = "http"


ANTHROPIC = Dialect(
    name="anthropic",
    key_segments=("anthropic",),
    scopes=("com.anthropic.sdk.python", "com.anthropic.sdk.python.platform"),
    fields=FIELDS,
    refine=refine,
    source="anthropic 2.11.0",
)
