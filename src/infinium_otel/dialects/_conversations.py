"""Which values are a conversation with a model, and not one of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import structure
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._key_shapes import KeyShape

MAX_MESSAGES = 50
_SPEAKERS = frozenset(
    "system developer user human assistant ai model chatbot tool function".split()
)
_MODELS = frozenset("developer assistant ai model chatbot tool function".split())
"""Roles of which one at least is in no forum; "user" and "system" are."""
_MEMBERS = frozenset(
    "role content parts text name type id refusal tool_calls tool_call_id toolCalls "
    "finish_reason images cache_control".split()
)
"""What a message to a model has; a forum's has an author, a room, a time."""


def is_conversation(value: Any) -> bool:
    """Whether a value is a list of messages to a model, or an object that holds one."""
    if isinstance(value, str) and '"role"' not in value:
        return False
    found = structure(value)
    if isinstance(found, MAPPING):
        found = found.get("messages", found.get("choices"))
    if not isinstance(found, (list, tuple)) or not found:
        return False
    messages = [_unwrap_message(each) for each in found[:MAX_MESSAGES]]
    roles = {_get_role(message) for message in messages}
    if not roles <= _SPEAKERS:
        return False
    return not roles.isdisjoint(_MODELS) or all(m.keys() <= _MEMBERS for m in messages)


def _unwrap_message(value: Any) -> Mapping[str, Any]:
    """The message in a choice or in a piece of a stream."""
    if isinstance(value, MAPPING):
        for name in ("message", "delta"):
            if isinstance(value.get(name), MAPPING):
                inner = value[name]
                return inner if "role" in inner else {"role": "assistant", **inner}
        return value
    return {}


def _get_role(message: Mapping[str, Any]) -> str:
    role = message.get("role")
    return role.lower() if isinstance(role, str) else ""


def are_speakers(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether the roles of flattened messages are those of a conversation with a model."""
    return all(
        isinstance(role := attributes[key], str) and role.lower() in _SPEAKERS
        for key in keys
    )


def find_conversation(
    attributes: Mapping[str, Any], shape: KeyShape
) -> list[Any] | None:
    """The messages under a key of no known meaning; None if there are none or several."""
    found = [
        value
        for key in shape.histories
        if isinstance(value := attributes[key], str)
        and value[:1] == "["
        and is_conversation(value)
    ]
    return list(structure(found[0])) if len(found) == 1 else None


def split_answer(messages: list[Any]) -> tuple[list[Any], list[Any]]:
    """The messages before the model's last, and that one, if it is the last of all."""
    if messages and _get_role(_unwrap_message(messages[-1])) in _ANSWERING:
        return messages[:-1], messages[-1:]
    return messages, []


_ANSWERING = frozenset({"assistant", "ai", "model", "chatbot"})
