"""The role of a message, in any library's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._repr_text import CLASS_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping


ROLES = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "ai": "assistant",
    "model": "assistant",
    "choice": "assistant",
    "human": "user",
    "developer": "system",
    "function": "tool",
}

KNOWN_ROLES = frozenset(ROLES.values())
_KINDS = {"request": "user", "response": "assistant"}


def read_role(value: Mapping[str, Any], default: str) -> str:
    if _is_response_to_call(value):
        return "tool"
    for key in ("role", "type", CLASS_NAME, "event.name"):
        word = value.get(key)
        if isinstance(word, str) and word:
            role = ROLES.get(word) or _normalize_role(word)
            if role in KNOWN_ROLES or (key == "role" and role != "unknown"):
                return role
    if "parts" in value and value.get("kind") in _KINDS:  # Pydantic AI's own
        return _KINDS[value["kind"]]
    return default if _RESPONSE_KEYS.isdisjoint(value) else "assistant"


_CALL_IDS = ("tool_call_id", "toolCallId", "tool_use_id")
_RESPONSE_KEYS = frozenset(
    {"response_metadata", "usage_metadata", "tool_calls", "toolCalls"}
)
"""Members that only a model's message has."""


def _is_response_to_call(value: Mapping[str, Any]) -> bool:
    """Whether a message answers a tool call, whatever its role: it has the call's id."""
    if value.get("tool_calls") or value.get("toolCalls") or "parts" in value:
        return False
    for key in _CALL_IDS:
        if key in value and isinstance(value[key], str) and value[key]:
            return True
    return False


def _normalize_role(word: str) -> str:
    """The role that *word* means, in the conventions' spelling."""
    word = word.removeprefix("gen_ai.").removesuffix(".message").lower()
    word = word.removeprefix("messagerole.").removeprefix("chatrole.")
    return ROLES.get(word) or ROLES.get(
        word.removesuffix("chunk").removesuffix("message"), word
    )
