"""Whether data is messages, and in which of their forms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._repr_text import CLASS_NAME, parse_repr
from infinium_otel.dialects.callback_payloads import RESPONSES
from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.dialects.messages._parts import find_reader
from infinium_otel.dialects.messages._roles import ROLES
from infinium_otel.dialects.messages._tool_parts import is_tool_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MAX_LOOK = 50

MAX_DEPTH = 20

MESSAGE_KEYS = frozenset(
    "role messages contents generations message choices parts kwargs type content "
    "event.name chat_history input_messages new_message _role candidates "
    "toolCalls".split()
)


def has_roles(value: Any) -> bool:
    """Whether *value* is a list in which every item is a message with a role."""
    if not isinstance(value, (list, tuple)):
        return False
    for item in value:
        if type(item) is not dict or "role" not in item:
            return False
    return bool(value)


def has_messages(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether decoded *value* looks like messages rather than other data."""
    if isinstance(value, (list, tuple)):
        return _lists_messages(value, depth)
    if value is None:
        return False
    if isinstance(value, str):
        return depth < MAX_DEPTH and is_printed_message(value)
    return isinstance(value, MAPPING) and (
        (not MESSAGE_KEYS.isdisjoint(value) and not _is_data(value))
        or is_response(value)
        or is_converse_response(value)
        or _has_requests(value)
        or is_tool_call(value)
        or is_capitalized(value)
        or (bool(value.get("tool_calls")) and value.keys() <= _CALLING_KEYS)
    )


def _is_data(value: Mapping[str, Any]) -> bool:
    """Whether its content is one of several texts: `{"path": "a.py", "content": "x"}`."""
    if not isinstance(value.get("content"), str) or len(value) == 1:
        return False
    beside = value.keys() - _BESIDE_CONTENT
    return bool(beside) and MESSAGE_KEYS.isdisjoint(beside)


_BESIDE_CONTENT = frozenset(
    "content type id name tool_call_id additional_kwargs response_metadata usage_metadata "
    "artifact status tool_calls invalid_tool_calls example refusal is_error isError "
    "structuredContent structured_content _meta finish_reason stop_reason annotations usage model "
    "metadata reasoning reasoning_content thinking source models_usage author index "
    "timestamp created_at event tool_name toolCallId toolName __class__ response_id "
    "sender error".split()
)
"""Members of messages that have no role."""


def _lists_messages(value: Sequence[Any], depth: int) -> bool:
    first = value[0] if value else None
    if depth and type(first) is dict and "role" in first and len(first) > 1:
        return True  # the usual case, first
    if is_pair(value) or list_role_objects(value):
        return True
    for item in value[:MAX_LOOK] if depth else ():
        if has_messages(item, depth - 1):
            return True
    return False


_CALLING_KEYS = frozenset(
    "tool_calls id refusal audio annotations reasoning_content text __class__".split()
)
"""Members of a model's message that has no role and no content."""


def is_capitalized(value: Mapping[str, Any]) -> bool:
    """A message as .NET and Go serialize it by default: `{"Role": "user"}`."""
    return isinstance(value.get("Role"), str) and "role" not in value


def _has_requests(value: Mapping[str, Any]) -> bool:
    """A batch of Google's requests, each with a `content`."""
    requests = value.get("requests")
    return (
        isinstance(requests, (list, tuple))
        and bool(requests)
        and isinstance(requests[0], MAPPING)
        and "content" in requests[0]
    )


_PRINTED_MESSAGE = re.compile(
    r"[\w.]*Message(?:Chunk)? ?[({]|(?:role|content)=['\"\[<]|\{ ?(?:role|content): "
)


def is_printed_message(text: str) -> bool:
    """Whether *text* is a message as Python or Node prints it."""
    return _PRINTED_MESSAGE.match(text) is not None


def parse_printed(text: str) -> Any:
    """The data of *text* if it is an object as Python or Node prints it; else *text*."""
    parsed = parse_repr(text)
    return text if parsed is None else parsed


def is_response(value: Mapping[str, Any]) -> bool:
    """A whole response of OpenAI's Responses API, whose `output` is its messages."""
    items = value.get("output")
    if not isinstance(items, list):
        return False
    named = value.get("object") in RESPONSES or value.get(CLASS_NAME) == "Response"
    return named or ("model" in value and "usage" in value and _is_item(items))


def _is_item(items: list[Any]) -> bool:
    """Whether the first of *items* has a type of those that a response's output has."""
    first = items[0] if items else None
    kind = first.get("type") if isinstance(first, MAPPING) else None
    return isinstance(kind, str) and (
        kind in ("message", "reasoning") or kind.endswith("_call")
    )


def is_converse_response(value: Mapping[str, Any]) -> bool:
    """A whole response of Bedrock's Converse API: `{"output": {"message": {...}}}`."""
    output = value.get("output")
    return isinstance(output, MAPPING) and isinstance(output.get("message"), MAPPING)


def list_role_objects(value: Any) -> tuple[tuple[str, str], ...]:
    """Role and text of objects with a role as their only key: `[{"user": "Hello"}]`.

    Objects or their JSON texts, all of a list or none. Alone, an object with nothing but a
    user or an assistant may be anything, such as a handoff's result.
    """
    messages: list[tuple[str, str]] = []
    for each in value:
        found = _read_role_object(loads(each) if isinstance(each, str) else each)
        if found is None:
            return ()
        messages.append(found)
    return tuple(messages)


_ROLE_KEYS = frozenset("system developer user human assistant ai".split())


def _read_role_object(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, MAPPING) or len(value) != 1:
        return None
    role, content = next(iter(value.items()))
    if role not in _ROLE_KEYS or not isinstance(content, str):
        return None
    return ROLES[role], content


def is_pair(value: Any) -> bool:
    """LangChain's short form: ("user", "Hello")."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    role, content = value
    if not isinstance(role, str) or role.lower() not in ROLES:
        return False
    if isinstance(content, str):
        return content.lower() not in ROLES
    return isinstance(content, (list, tuple)) and all(map(is_block, content))


def is_block(value: Any) -> bool:
    """A content block or item directly in the list, without a message around it."""
    if not isinstance(value, MAPPING) or "role" in value:
        return False
    reader = find_reader(value.get("type"))
    return (reader is not None and "data" not in value) or is_tool_call(value)
