"""Message lists of every dialect, decoded to one form.

A message has a role, text, tool calls, tool responses and reasoning. Shapes read here:
OpenTelemetry's parts, the content blocks of OpenAI, Anthropic and Bedrock, Gemini's
parts, those of Vercel's AI SDK, LangChain's dumps, OpenInference's nested attributes
and the older event lists. Anything else is plain text.
"""

from __future__ import annotations

from infinium_otel.dialects.messages._content import unwrap_content
from infinium_otel.dialects.messages._decoding import (
    MAX_MESSAGES,
    decode_messages,
    is_preamble,
)
from infinium_otel.dialects.messages._media import describe_media
from infinium_otel.dialects.messages._recognition import (
    has_messages,
    has_roles,
    parse_printed,
)
from infinium_otel.dialects.messages._values import (
    Message,
    ToolCallPart,
    ToolResponsePart,
)

__all__ = [
    "MAX_MESSAGES",
    "Message",
    "ToolCallPart",
    "ToolResponsePart",
    "decode_messages",
    "describe_media",
    "has_messages",
    "has_roles",
    "is_preamble",
    "parse_printed",
    "unwrap_content",
]
