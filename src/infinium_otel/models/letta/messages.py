"""Letta's messages to the convention's message list, and the tool runs in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.spans import as_json, from_json, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.models.letta.types import Message, ToolReturn

ASKING = frozenset({"assistant", "approval"})
ANSWERING = frozenset({"tool", "function"})


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One tool's run as the messages of a step tell it.

    Args:
        key: the message that brought the answer, and which answer of it.
        asked_at: ISO time of the request; None if no message has it.
        arguments: JSON text; None if no message has it.
        failed: Letta says so; `result` then tells why.
    """

    key: str
    name: str
    call_id: str | None = None
    arguments: str | None = None
    result: Any = None
    failed: bool = False
    stderr: str | None = None
    asked_at: str | None = None
    answered_at: str | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    name: str
    arguments: str | None
    asked_at: str | None


def tool_runs(messages: Iterable[Message]) -> list[ToolRun]:
    """The tool runs that *messages* tell of, in the order of the answers."""
    asked: dict[str, _Request] = {}
    found: list[ToolRun] = []
    for each in messages:
        if each.role in ASKING:
            asked |= dict(_requests(each))
        if each.tool_returns or each.role in ANSWERING:
            found += _answers(each, asked)
    return found


def _requests(message: Message) -> Iterator[tuple[str, _Request]]:
    for call_id, name, arguments in requested(message):
        if call_id is not None:
            raw = arguments if isinstance(arguments, str) else as_json(arguments)
            yield call_id, _Request(name, raw, message.created_at)


def requested(message: Message) -> Iterator[tuple[str | None, str, Any]]:
    """Id, name and arguments of each tool a message asks for."""
    for call in message.tool_calls or ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            name = text(function.get("name")) or "unknown"
            yield text(call.get("id")), name, function.get("arguments")


def _answers(message: Message, asked: dict[str, _Request]) -> Iterator[ToolRun]:
    if not message.tool_returns:
        yield _run(message, asked, 0, message.tool_call_id, None)
    for number, answer in enumerate(message.tool_returns or ()):
        call_id = text(answer.tool_call_id) or message.tool_call_id
        yield _run(message, asked, number, call_id, answer)


def _run(
    message: Message,
    asked: dict[str, _Request],
    number: int,
    call_id: str | None,
    answer: ToolReturn | None,
) -> ToolRun:
    request = asked.get(call_id or "")
    name = (request.name if request else None) or message.name or "unknown"
    result = answer.func_response if answer else None
    return ToolRun(
        key=f"{message.id}:{number}",
        name=name,
        call_id=call_id,
        arguments=request.arguments if request else None,
        result=_said(message) if result is None else result,
        failed=answer.status == "error" if answer else bool(message.is_err),
        stderr=answer.stderr[-1] if answer and answer.stderr else None,
        asked_at=request.asked_at if request else None,
        answered_at=message.created_at,
    )


def _said(message: Message) -> str | None:
    return "".join(parts.part_texts(as_message(message), "text")) or None


def as_message(message: Message) -> parts.Message:
    """A message in the convention's shape; its id rides along."""
    found = [_part(item) for item in message.content or ()]
    for call_id, name, arguments in requested(message):
        found.append(parts.tool_call_part(call_id, name, from_json(arguments)))
    for answer in message.tool_returns or ():
        call_id = text(answer.tool_call_id) or message.tool_call_id
        found.append(parts.tool_response_part(call_id, answer.func_response))
    return parts.message(message.role, found, id=message.id, name=message.name)


def _part(item: Any) -> parts.Part:
    if not isinstance(item, Mapping):
        return parts.text_part(item if isinstance(item, str) else as_json(item))
    kind = item.get("type")
    if kind == "text":
        return parts.text_part(text(item.get("text")) or "")
    if kind == "reasoning":
        return parts.reasoning_part(text(item.get("reasoning")) or "")
    if kind == "tool_call":
        call_id, name = text(item.get("id")), text(item.get("name")) or "unknown"
        return parts.tool_call_part(call_id, name, item.get("input"))
    if kind == "tool_return":
        return parts.tool_response_part(
            text(item.get("tool_call_id")), item.get("content")
        )
    return _image(item) if kind == "image" else dict(item)


def _image(item: Mapping[str, Any]) -> parts.Part:
    source = item.get("source")
    said = source if isinstance(source, Mapping) else {}
    mime = text(said.get("media_type"))
    if isinstance(said.get("url"), str):
        return parts.uri_part(said["url"], mime, "image")
    if isinstance(said.get("data"), str):
        return parts.blob_part(said["data"], mime, "image")
    return dict(item)


def input_of(messages: Iterable[Message]) -> list[parts.Message]:
    """What was put to the model: all that stands before its answer."""
    found = []
    for each in messages:
        if each.role in ASKING:
            break
        found.append(as_message(each))
    return found


def output_of(messages: Iterable[Message]) -> list[parts.Message]:
    """What the model answered."""
    return [as_message(each) for each in messages if each.role in ASKING]
