"""Finds the messages in any shape, and decodes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.dialects.messages._message import add_message
from infinium_otel.dialects.messages._parts import add_part
from infinium_otel.dialects.messages._recognition import (
    MAX_DEPTH,
    has_roles,
    is_block,
    is_converse_response,
    is_pair,
    is_printed_message,
    is_response,
    list_role_objects,
    parse_printed,
)
from infinium_otel.dialects.messages._roles import read_role
from infinium_otel.dialects.messages._tool_parts import is_tool_call
from infinium_otel.dialects.messages._values import Message, MessageBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


MAX_MESSAGES = 2_000

WRAPPERS = (
    "messages",
    "contents",
    "chat_history",
    "input_messages",
    "generations",
    "candidates",
    "requests",
)


def decode_messages(value: Any, role: str = "user") -> tuple[Message, ...]:
    """The messages in *value*.

    Args:
        value: a list of messages, one message, JSON text of either, an object that
            holds them (`messages`, `contents`, `generations`), or a bare text.
        role: the role of a message that names none.

    Returns:
        Empty if *value* contains no message.
    """
    found: list[Message] = []
    _add_messages(loads(value), role, found)
    return tuple(found[:MAX_MESSAGES])


def is_preamble(value: Any) -> bool:
    """Whether *value* is a message list of the system alone: the question is elsewhere."""
    if isinstance(value, str):
        if value[:1] != "[" or '"system"' not in value or '"user"' in value:
            return False
        value = loads(value)
    return has_roles(value) and all(read_role(m, "user") == "system" for m in value)


def _add_messages(
    value: Any, role: str, found: list[Message], depth: int = MAX_DEPTH
) -> None:
    """Append the messages in *value* to *found*; lists may nest *depth* deep."""
    by_role = list_role_objects(value) if isinstance(value, (list, tuple)) else ()
    if by_role:
        found += [Message(own_role, text) for own_role, text in by_role]
    elif isinstance(value, str):
        parsed = parse_printed(value) if is_printed_message(value) else None
        if isinstance(parsed, MAPPING):
            _add_message(parsed, role, found)
        elif value:
            found.append(Message(role, value))
    elif isinstance(value, (list, tuple)):
        if is_pair(value):
            _add_pair(value, found)
        else:
            _add_list(value if depth else (), role, found, depth - 1)
    elif isinstance(value, MAPPING):
        inner = _find_inner_messages(value)
        if inner is not None:
            _add_messages(loads(inner), role, found, depth)
        elif "role" not in value and is_tool_call(value):
            _add_list((value,), role, found, 0)
        else:
            _add_message(value, role, found)


def _find_inner_messages(value: Mapping[str, Any]) -> Any:
    """The message list in an object under a well-known name; None if there is none."""
    if "role" in value or "event.name" in value:
        return None
    if is_response(value):
        return value["output"]
    if is_converse_response(value):
        return value["output"]["message"]
    for key in WRAPPERS:
        if isinstance(value.get(key), (list, tuple)):
            return value[key]
    for key in ("message", "choices", "delta", "new_message"):
        if isinstance(value.get(key), (list, tuple, *MAPPING)):
            return value[key]
    content = value.get("content")  # Gemini's candidates are whole messages
    return content if isinstance(content, MAPPING) and "parts" in content else None


def _add_list(
    values: Iterable[Any], role: str, found: list[Message], depth: int
) -> None:
    block_builder: MessageBuilder | None = None
    for value in values:
        if type(value) is dict and "role" in value:  # neither a block nor a wrapper
            _close_message(block_builder, found)
            block_builder = None
            _add_message(value, role, found)
            if len(found) >= MAX_MESSAGES:
                break
            continue
        if is_block(value):
            block_builder = _add_block(block_builder, value, role, found)
            continue
        _close_message(block_builder, found)
        block_builder = None
        _add_messages(value, role, found, depth)
        if len(found) >= MAX_MESSAGES:
            break
    _close_message(block_builder, found)


def _add_pair(pair: Any, found: list[Message]) -> None:
    _add_message({"role": pair[0], "content": pair[1]}, "user", found)


def _add_block(
    builder: MessageBuilder | None,
    block: Mapping[str, Any],
    role: str,
    found: list[Message],
) -> MessageBuilder:
    """Blocks of one role make one message; a tool's response is one of its own."""
    kind = str(block.get("type"))
    block_role = role
    if kind.endswith(("_output", "_call_result")):
        block_role = "tool"
    elif (
        kind.endswith("_call")
        or kind in ("reasoning", "output_text")
        or is_tool_call(block)
    ):
        block_role = "assistant"
    if builder is None or builder.role != block_role or block_role == "tool":
        _close_message(builder, found)
        builder = MessageBuilder(block_role)
    add_part(builder, block)
    return builder


def _close_message(builder: MessageBuilder | None, found: list[Message]) -> None:
    """Append the message of the blocks before, if there were any."""
    if builder is not None and not builder.is_empty():
        found.append(builder.build())


def _add_message(value: Mapping[str, Any], role: str, found: list[Message]) -> None:
    """Append the message in *value*, or the messages that are listed in its text."""
    listed = add_message(value, role, found)
    if listed is not None:
        _add_messages(listed, role, found)
