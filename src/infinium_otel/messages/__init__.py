"""Message lists of every dialect to one form.

A message is who spoke, what was said, which tools were asked for and what they
answered. Shapes read here: OpenTelemetry's parts, OpenAI's and Anthropic's and
Bedrock's content blocks, Gemini's parts, Vercel's, LangChain's dumps, OpenInference's
nested attributes and the older event lists. What is none of these is plain text.
"""

from __future__ import annotations

from infinium_otel.messages._decoding import (
    MAX_MESSAGES,
    decode_messages,
    holds_messages,
    latest_message,
    names_roles,
)
from infinium_otel.messages._media import media_label
from infinium_otel.messages._parts import plain
from infinium_otel.messages._values import Message, ToolReply, ToolRequest

__all__ = [
    "MAX_MESSAGES",
    "Message",
    "ToolReply",
    "ToolRequest",
    "decode_messages",
    "holds_messages",
    "latest_message",
    "media_label",
    "names_roles",
    "plain",
]
