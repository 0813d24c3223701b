"""agentix's messages as the conventions' messages, and back.

Each message carries whether it is trusted. Without that attribute, messages of the
user, the system and the model are trusted; a tool's message never is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads, to_text
from infinium_otel.dialects.messages import decode_messages
from infinium_otel.models import parts
from infinium_otel.models.agentix.types import MEDIA, MediaPart, Message, TextPart
from infinium_otel.models.documents import dump, empty_mapping
from infinium_otel.models.spans import (
    as_text,
    drop_nulls,
    json_list,
    json_object,
    to_json,
    to_plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.dialects.messages import Message as DecodedMessage
    from infinium_otel.dialects.messages import ToolResponsePart
    from infinium_otel.models.agentix.types import ContentPart, ToolCall

TRUSTED = "agentix.trusted"
META = "agentix.meta"
CONTENT = "agentix.content"

TRUSTED_ROLES = frozenset({"system", "user", "assistant"})
"""Roles whose messages are trusted unless they are marked otherwise."""


def to_messages(messages: Iterable[Message]) -> str | None:
    """Messages for an attribute, as JSON; None if there are none."""
    found = [to_message(message) for message in messages]
    return to_json(found) if found else None


def to_message(message: Message) -> parts.Message:
    """One message of the conventions, with agentix's own fields as extra keys."""
    calls = message.tool_calls
    raw_calls = message.meta.get("tool_calls")
    exact = dump(calls) == dump(raw_calls) if calls else False
    meta = {k: v for k, v in message.meta.items() if k != "tool_calls" or not exact}
    found = _parts(message)
    if exact:
        found += [parts.tool_call_part(c.id, c.name, dump(c.args)) for c in calls]
    marks = {
        TRUSTED: message.trusted,
        "name": message.name,
        META: dump(meta) or None,
        CONTENT: None if isinstance(message.content, str) else "parts",
        "agentix.other": dump(message.other) or None,
    }
    return parts.message(message.role, found, **marks)


def _parts(message: Message) -> list[parts.Part]:
    if not isinstance(message.content, str):
        return [_part(part) for part in message.content]
    if message.role == "tool":
        call_id = as_text(message.meta.get("call_id"))
        return [parts.tool_response_part(call_id, message.content)]
    return [parts.text_part(message.content)]


def _part(part: ContentPart) -> parts.Part:
    left = {"agentix.other": dump(part.other)} if part.other else {}
    if isinstance(part, TextPart):
        return {**parts.text_part(part.text), **left}
    kind = part.media_type or None
    name = drop_nulls({"filename": part.filename})
    if part.data is not None:
        return {**parts.blob_part(part.data, kind, part.type), **name, **left}
    return {**parts.uri_part(part.url or "", kind, part.type), **name, **left}


def from_messages(value: Any) -> tuple[Message, ...]:
    """Messages from an attribute of any dialect; empty if it contains none."""
    listed = json_list(loads(value)) or []
    if listed and all(_is_of_conventions(item) for item in listed):
        return tuple(m for item in listed for m in _message(item))
    return tuple(m for decoded in decode_messages(value) for m in from_decoded(decoded))


def _is_of_conventions(item: Any) -> bool:
    fields = json_object(item) or {}
    return isinstance(fields.get("role"), str) and isinstance(fields.get("parts"), list)


def _message(item: Mapping[str, Any]) -> list[Message]:
    """A message of the conventions; one with several tool responses becomes several."""
    message = parts.read_messages([item])[0]
    found = [
        part for part in message["parts"] if part.get("type") == "tool_call_response"
    ]
    if CONTENT not in message and found:
        return [_to_reply(message, part) for part in found]
    return [_to_spoken(message)]


def _to_spoken(message: parts.Message) -> Message:
    role = str(message["role"])
    calls = parts.find_parts([message], "tool_call")
    meta = dict(json_object(message.get(META)) or {})
    if calls:
        meta["tool_calls"] = [_call(part) for part in calls]
    return Message(
        role=role,
        content=_content(message),
        trusted=is_trusted(role, message.get(TRUSTED)),
        name=as_text(message.get("name")),
        meta=meta or empty_mapping(),
        other=json_object(message.get("agentix.other")) or empty_mapping(),
    )


def _to_reply(message: parts.Message, part: parts.Part) -> Message:
    meta = dict(json_object(message.get(META)) or {})
    call_id = as_text(part.get("id"))
    if call_id is not None:
        meta.setdefault("call_id", call_id)
    return Message(
        role="tool",
        content=_read_answer(part),
        trusted=False,
        name=as_text(message.get("name")),
        meta=meta or empty_mapping(),
        other=json_object(message.get("agentix.other")) or empty_mapping(),
    )


def _read_answer(part: parts.Part) -> str:
    """A tool's response, under any of its names."""
    keys = ("response", "result", "output", "content")
    response = next((part[key] for key in keys if part.get(key) is not None), "")
    return to_text(to_plain(response))


def is_trusted(role: str, mark: Any) -> bool:
    """Whether the model may take instructions from a message: fails closed.

    Args:
        role: the message's role; a tool's message is never trusted.
        mark: the attribute on the message; None if absent. Anything but True is
            untrusted.
    """
    if role == "tool":
        return False
    return role in TRUSTED_ROLES if mark is None else mark is True


def _content(message: parts.Message) -> str | tuple[ContentPart, ...]:
    found = [_content_part(part) for part in message["parts"]]
    known = tuple(part for part in found if part is not None)
    media = any(isinstance(part, MediaPart) for part in known)
    if message.get(CONTENT) == "parts" or media:
        return known
    return "".join(part.text for part in known if isinstance(part, TextPart))


def _content_part(part: parts.Part) -> ContentPart | None:
    """A text or media part; None for a part that agentix's messages cannot hold."""
    kind = part.get("type")
    left = json_object(part.get("agentix.other")) or empty_mapping()
    if kind == "text":
        return TextPart(str(part.get("content") or ""), other=left)
    data = as_text(part.get("content")) if kind == "blob" else None
    url = as_text(part.get("uri")) if kind in ("uri", "file") else None
    if data is None and url is None:
        return None
    return MediaPart(
        type=as_text(part.get("modality")) or "document",
        data=data,
        url=url,
        media_type=as_text(part.get("mime_type")) or "",
        filename=as_text(part.get("filename")),
        other=left,
    )


def _call(part: parts.Part) -> dict[str, Any]:
    found = loads(part.get("arguments"))
    return {
        "name": str(part.get("name") or "unknown"),
        "args": _arguments(found),
        "id": as_text(part.get("id")),
    }


def _arguments(found: Any) -> dict[str, Any]:
    """Arguments as the object that agentix requires; other values go under `input`."""
    if found is None:
        return {}
    return json_object(found) or ({} if found == {} else {"input": to_plain(found)})


def from_decoded(decoded: DecodedMessage) -> list[Message]:
    """Messages from a decoded message of any dialect."""
    responses = [_from_response(each) for each in decoded.responses]
    if responses and not decoded.text and not decoded.tool_calls:
        return responses
    calls = [
        {"name": r.name, "args": _arguments(loads(r.arguments)), "id": r.id}
        for r in decoded.tool_calls
    ]
    message = Message(
        role=decoded.role,
        content=decoded.text,
        trusted=is_trusted(decoded.role, None),
        meta={"tool_calls": calls} if calls else empty_mapping(),
    )
    return [*responses, message]


def _from_response(response: ToolResponsePart) -> Message:
    meta = {"call_id": response.id, "ok": not response.failed}
    return Message(
        role="tool",
        content="" if response.result is None else to_text(response.result),
        name=response.name,
        meta=meta,
    )


def conform(message: Message) -> Message:
    """A message as agentix's own codec accepts it.

    An unknown role becomes an untrusted user; media of an unknown kind, or without
    exactly one of data and URL, is removed.
    """
    content = message.content
    if not isinstance(content, str):
        content = tuple(part for part in content if _is_acceptable(part))
    known = message.role in TRUSTED_ROLES or message.role == "tool"
    calls: tuple[ToolCall, ...] = message.tool_calls
    meta = {k: v for k, v in message.meta.items() if k != "tool_calls"}
    if calls:
        meta["tool_calls"] = [
            {"name": c.name, "args": dump(c.args), "id": c.id} for c in calls
        ]
    return replace(
        message,
        role=message.role if known else "user",
        trusted=message.trusted and known,
        content=content,
        meta=meta,
        other=empty_mapping(),
    )


def _is_acceptable(part: ContentPart) -> bool:
    if isinstance(part, TextPart):
        return True
    if part.type not in MEDIA or (part.data is None) == (part.url is None):
        return False
    return part.data is None or bool(part.media_type)
