"""Letta's messages as the conventions' messages, and the tool runs in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.spans import as_text, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.models.letta.types import Message, ToolReturn

MODEL_ROLES = frozenset({"assistant", "approval"})
TOOL_ROLES = frozenset({"tool", "function"})


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One tool run, as reported by the messages of a step.

    Args:
        key: id of the message with the result, and the result's index in it.
        request_at: ISO time of the request; None if there is no request.
        response_at: ISO time of the message with the result.
        arguments: JSON text; None if there is no request.
        failed: whether Letta reports an error; `result` is then its message.
    """

    key: str
    name: str
    call_id: str | None = None
    arguments: str | None = None
    result: Any = None
    failed: bool = False
    stderr: str | None = None
    request_at: str | None = None
    response_at: str | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    name: str
    arguments: str | None
    request_at: str | None


def find_tool_runs(messages: Iterable[Message]) -> list[ToolRun]:
    """The tool runs in *messages*, in the order of their results."""
    requests: dict[str, _Request] = {}
    found: list[ToolRun] = []
    for each in messages:
        if each.role in MODEL_ROLES:
            requests |= dict(_iter_requests(each))
        if each.tool_returns or each.role in TOOL_ROLES:
            found += _iter_runs(each, requests)
    return found


def _iter_requests(message: Message) -> Iterator[tuple[str, _Request]]:
    for call_id, name, arguments in iter_tool_calls(message):
        if call_id is not None:
            raw = arguments if isinstance(arguments, str) else to_json(arguments)
            yield call_id, _Request(name, raw, message.created_at)


def iter_tool_calls(message: Message) -> Iterator[tuple[str | None, str, Any]]:
    """Id, name and arguments of each tool call in a message."""
    for call in message.tool_calls or ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            name = as_text(function.get("name")) or "unknown"
            yield as_text(call.get("id")), name, function.get("arguments")


def _iter_runs(message: Message, requests: dict[str, _Request]) -> Iterator[ToolRun]:
    if not message.tool_returns:
        yield _to_run(message, requests, 0, message.tool_call_id, None)
    for number, answer in enumerate(message.tool_returns or ()):
        call_id = as_text(answer.tool_call_id) or message.tool_call_id
        yield _to_run(message, requests, number, call_id, answer)


def _to_run(
    message: Message,
    requests: dict[str, _Request],
    number: int,
    call_id: str | None,
    answer: ToolReturn | None,
) -> ToolRun:
    request = requests.get(call_id or "")
    name = (request.name if request else None) or message.name or "unknown"
    result = answer.func_response if answer else None
    return ToolRun(
        key=f"{message.id}:{number}",
        name=name,
        call_id=call_id,
        arguments=request.arguments if request else None,
        result=_join_text(message) if result is None else result,
        failed=answer.status == "error" if answer else bool(message.is_err),
        stderr=answer.stderr[-1] if answer and answer.stderr else None,
        request_at=request.request_at if request else None,
        response_at=message.created_at,
    )


def _join_text(message: Message) -> str | None:
    return "".join(parts.list_part_texts(to_message(message), "text")) or None


def to_message(message: Message) -> parts.Message:
    """A message in the conventions' shape, with its id as an extra key."""
    found = [_part(item) for item in message.content or ()]
    for call_id, name, arguments in iter_tool_calls(message):
        found.append(parts.tool_call_part(call_id, name, from_json(arguments)))
    for answer in message.tool_returns or ():
        call_id = as_text(answer.tool_call_id) or message.tool_call_id
        found.append(parts.tool_response_part(call_id, answer.func_response))
    return parts.message(message.role, found, id=message.id, name=message.name)


def _part(item: Any) -> parts.Part:
    if not isinstance(item, Mapping):
        return parts.text_part(item if isinstance(item, str) else to_json(item))
    kind = item.get("type")
    if kind == "text":
        return parts.text_part(as_text(item.get("text")) or "")
    if kind == "reasoning":
        return parts.reasoning_part(as_text(item.get("reasoning")) or "")
    if kind == "tool_call":
        call_id, name = as_text(item.get("id")), as_text(item.get("name")) or "unknown"
        return parts.tool_call_part(call_id, name, item.get("input"))
    if kind == "tool_return":
        return parts.tool_response_part(
            as_text(item.get("tool_call_id")), item.get("content")
        )
    return _image(item) if kind == "image" else dict(item)


def _image(item: Mapping[str, Any]) -> parts.Part:
    source = item.get("source")
    fields = source if isinstance(source, Mapping) else {}
    mime = as_text(fields.get("media_type"))
    if isinstance(fields.get("url"), str):
        return parts.uri_part(fields["url"], mime, "image")
    if isinstance(fields.get("data"), str):
        return parts.blob_part(fields["data"], mime, "image")
    return dict(item)


def to_input(messages: Iterable[Message]) -> list[parts.Message]:
    """The model's input: all messages before its first answer."""
    found = []
    for each in messages:
        if each.role in MODEL_ROLES:
            break
        found.append(to_message(each))
    return found


def to_output(messages: Iterable[Message]) -> list[parts.Message]:
    """The model's output: its own messages."""
    return [to_message(each) for each in messages if each.role in MODEL_ROLES]
