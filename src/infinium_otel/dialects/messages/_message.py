"""Reads one message, in the envelope and with the members of any library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.dialects.messages._parts import (
    PARTS,
    add_part,
    add_reasoning_beside,
    is_prose,
)
from infinium_otel.dialects.messages._recognition import is_block, is_capitalized
from infinium_otel.dialects.messages._roles import ROLES, read_role
from infinium_otel.dialects.messages._tool_parts import (
    find_call_id,
    parse_tool_call,
    read_failed,
)
from infinium_otel.dialects.messages._values import (
    Message,
    MessageBuilder,
    ToolResponsePart,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def add_message(value: Mapping[str, Any], role: str, found: list[Message]) -> Any:
    """Append the message in *value*, of any shape, to *found*.

    Returns:
        Instead, a list of messages that is all of its text; None if it is not one.
    """
    if _is_plain(value):
        role = ROLES[value["role"]]
        text = None if role == "tool" else _find_only_text(value)
        if text is not None and is_prose(text):
            found.append(Message(role, text))
            return None
        source, builder = value, MessageBuilder(role)
    else:
        source = _unwrap_message(value)
        if _is_tool_definition(source):
            return None
        builder = MessageBuilder(read_role(source, role))
    parts = _find_parts(source)
    inner = _find_listed_messages(parts, builder.role)
    if inner is not None:
        return inner
    for part in parts:
        add_part(builder, part)
    if not source.keys() <= _PLAIN_KEYS:
        _add_beside_content(builder, source)
    if builder.role == "tool" and not builder.responses:
        _convert_to_response(builder, source)
    if not builder.is_empty() or isinstance(source.get("role"), str) or "lc" in value:
        found.append(builder.build())
    return None


_PLAIN_KEYS = frozenset({"role", "content", "parts", "finish_reason"})


def _is_plain(value: Mapping[str, Any]) -> bool:
    """Whether a message has no envelope and nothing beside its content, as most have."""
    role = value.get("role")
    return (
        isinstance(role, str)
        and role in ROLES
        and value.keys() <= _PLAIN_KEYS
        and not isinstance(value.get("content"), MAPPING)
    )


def _find_only_text(value: Mapping[str, Any]) -> str | None:
    """The text of a plain message that is nothing else; None if there may be more."""
    found = value.get("parts") or value.get("content")
    if type(found) is list and len(found) == 1:
        part = found[0]
        if type(part) is not dict or part.get("type") != "text":
            return None
        found = part["content"] if "content" in part else part.get("text")
    return found if type(found) is str else None


def _add_beside_content(builder: MessageBuilder, source: Mapping[str, Any]) -> None:
    """Add reasoning, metadata and tool calls that stand beside a message's content."""
    if builder.role == "assistant":
        add_reasoning_beside(builder, source)
        builder.metadata = _find_metadata(source)
    _add_tool_calls(builder, source)


def _find_metadata(source: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What LangChain and Haystack keep of the response beside its message."""
    usage = source.get("usage_metadata")
    for key in ("response_metadata", "meta"):
        found = source.get(key)
        if isinstance(found, MAPPING) and found:
            return {**found, "usage_metadata": usage} if usage else found
    return None


def _find_listed_messages(parts: Sequence[Any], role: str) -> Any:
    """The message list that is, as JSON, the whole text of a user's message.

    OpenLLMetry for JavaScript writes the input of OpenAI's Responses API so.
    """
    if len(parts) != 1 or role != "user":
        return None
    text = parts[0]
    if isinstance(text, MAPPING):
        text = text.get("content", text.get("text"))
    if not isinstance(text, str) or text[:2] != "[{" or '"role"' not in text:
        return None
    listed = loads(text, 1)
    is_list = isinstance(listed, list) and all(map(_is_message, listed))
    return listed if is_list else None


def _is_message(item: Any) -> bool:
    """Whether *item* names a role, or is an item between messages that needs none."""
    if not isinstance(item, MAPPING):
        return False
    return item.get("role") in ROLES or (is_block(item) and "text" not in item)


def _is_tool_definition(source: Mapping[str, Any]) -> bool:
    """A tool's definition, which Langfuse lists among the messages with role "tool"."""
    content = source.get("content")
    return (
        isinstance(content, MAPPING)
        and content.get("type") == "function"
        and isinstance(content.get("function"), MAPPING)
        and source.get("role") == "tool"
    )


def _unwrap_message(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message itself, out of LangChain's dumps and other envelopes."""
    if "_role" in value:  # Haystack's, without its underscores
        value = {str(key).lstrip("_"): member for key, member in value.items()}
    elif is_capitalized(value):
        value = {f"{key[:1].lower()}{key[1:]}": value[key] for key in map(str, value)}
    content = value.get("content")
    if isinstance(content, MAPPING) and "parts" in content:
        return {**value, **content}  # Google's logs have the message as the content
    kwargs = value.get("kwargs")
    if ("lc" in value or "id" in value) and isinstance(kwargs, MAPPING):
        names = value.get("id")
        name = names[-1] if isinstance(names, (list, tuple)) and names else None
        return {"type": name, **kwargs}
    if "content" not in value and "parts" not in value:
        inner = value.get("message", value.get("data"))
        if isinstance(inner, MAPPING):
            outer = value.get("role") or value.get("type") or value.get("event.name")
            return _unwrap_message({"role": outer, **inner} if outer else inner)
    return value


def _find_parts(value: Mapping[str, Any]) -> Sequence[Any]:
    """The parts of a message, from the first key with content."""
    for key in ("parts", "content", "contents", "blocks", "text", "parsed"):
        content = value.get(key)
        if not content:
            continue
        if isinstance(content, MAPPING) and "type" not in content:
            # AWS's logs nest what the event had: {"content": {"content": ...}}
            inner = content.get("content", content.get("message"))
            content = inner if isinstance(inner, str) and inner else content
        if isinstance(content, str):
            return _parse_text_parts(content)
        return content if isinstance(content, (list, tuple)) else (content,)
    return ()


def _parse_text_parts(content: str) -> Sequence[Any]:
    """The blocks in a text that is their JSON, else the text."""
    if content[:2] == "[{" and ('"type"' in content or '"text"' in content):
        blocks = loads(content)
        if isinstance(blocks, (list, tuple)):
            return blocks
    return (content,)


_TOOL_CALL_KEYS = frozenset(
    {"tool_calls", "toolCalls", "additional_kwargs", "function_call"}
)


def _add_tool_calls(builder: MessageBuilder, value: Mapping[str, Any]) -> None:
    """OpenAI's `tool_calls` and `function_call` beside the content."""
    if _TOOL_CALL_KEYS.isdisjoint(value):
        return
    calls = loads(value.get("tool_calls", value.get("toolCalls")))
    if not calls:
        extra = value.get("additional_kwargs")
        calls = extra.get("tool_calls") if isinstance(extra, MAPPING) else None
    if isinstance(value.get("function_call"), MAPPING):
        calls = [value["function_call"]]
    if not isinstance(calls, (list, tuple)):
        return
    known = {call.id for call in builder.tool_calls if call.id}
    for item in calls:
        kind = item.get("type") if isinstance(item, MAPPING) else None
        if isinstance(kind, str) and kind.endswith("_call") and kind not in PARTS:
            add_part(builder, item)  # a tool that the provider ran
            continue
        call = parse_tool_call(item)
        if call is not None and call.id not in known:
            builder.tool_calls.append(call)


def _convert_to_response(builder: MessageBuilder, value: Mapping[str, Any]) -> None:
    """Make the whole content of a tool's message its response."""
    text = "\n".join(builder.texts)
    name = value.get("name")
    builder.responses.append(
        ToolResponsePart(
            result=loads(text, 1) if text else None,
            id=find_call_id(value),
            name=name if isinstance(name, str) else None,
            failed=read_failed(value),
        )
    )
    builder.texts = []
