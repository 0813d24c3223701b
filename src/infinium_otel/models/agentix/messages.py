"""agentix's messages as the conventions' messages, and back.

Whether a message may be trusted rides on each one. Where nobody said, what the user,
the system prompt or the model said is, and what a tool said never is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import decode, text_of
from infinium_otel.messages import decode_messages
from infinium_otel.models import parts
from infinium_otel.models.agentix.types import MEDIA, MediaPart, Message, TextPart
from infinium_otel.models.documents import dump, nothing
from infinium_otel.models.spans import (
    as_json,
    json_list,
    json_object,
    plain,
    present,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.messages import Message as Told
    from infinium_otel.messages import ToolReply
    from infinium_otel.models.agentix.types import ContentPart, ToolCall

TRUSTED = "agentix.trusted"
META = "agentix.meta"
CONTENT = "agentix.content"

SPEAKERS = frozenset({"system", "user", "assistant"})
"""Roles whose words are trusted unless something else is said."""


def to_messages(messages: Iterable[Message]) -> str | None:
    """Messages for an attribute, as JSON; None for none."""
    found = [to_message(message) for message in messages]
    return as_json(found) if found else None


def to_message(message: Message) -> parts.Message:
    """One message of the conventions, with agentix's marks on it."""
    calls = message.tool_calls
    said = message.meta.get("tool_calls")
    exact = dump(calls) == dump(said) if calls else False
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
        call_id = text(message.meta.get("call_id"))
        return [parts.tool_response_part(call_id, message.content)]
    return [parts.text_part(message.content)]


def _part(part: ContentPart) -> parts.Part:
    left = {"agentix.other": dump(part.other)} if part.other else {}
    if isinstance(part, TextPart):
        return {**parts.text_part(part.text), **left}
    kind = part.media_type or None
    name = present({"filename": part.filename})
    if part.data is not None:
        return {**parts.blob_part(part.data, kind, part.type), **name, **left}
    return {**parts.uri_part(part.url or "", kind, part.type), **name, **left}


def from_messages(value: Any) -> tuple[Message, ...]:
    """Messages from an attribute of any dialect; empty if it holds none."""
    listed = json_list(decode(value)) or []
    if listed and all(_is_of_conventions(item) for item in listed):
        return tuple(m for item in listed for m in _message(item))
    return tuple(m for told in decode_messages(value) for m in from_told(told))


def _is_of_conventions(item: Any) -> bool:
    said = json_object(item) or {}
    return isinstance(said.get("role"), str) and isinstance(said.get("parts"), list)


def _message(item: Mapping[str, Any]) -> list[Message]:
    """A message; what several tools answered in one is a message each."""
    said = parts.read_messages([item])[0]
    found = [part for part in said["parts"] if part.get("type") == "tool_call_response"]
    if CONTENT not in said and found:
        return [_reply(said, part) for part in found]
    return [_spoken(said)]


def _spoken(said: parts.Message) -> Message:
    role = str(said["role"])
    calls = parts.parts_of([said], "tool_call")
    meta = dict(json_object(said.get(META)) or {})
    if calls:
        meta["tool_calls"] = [_call(part) for part in calls]
    return Message(
        role=role,
        content=_content(said),
        trusted=trusted(role, said.get(TRUSTED)),
        name=text(said.get("name")),
        meta=meta or nothing(),
        other=json_object(said.get("agentix.other")) or nothing(),
    )


def _reply(said: parts.Message, part: parts.Part) -> Message:
    meta = dict(json_object(said.get(META)) or {})
    call_id = text(part.get("id"))
    if call_id is not None:
        meta.setdefault("call_id", call_id)
    return Message(
        role="tool",
        content=_answer(part),
        trusted=False,
        name=text(said.get("name")),
        meta=meta or nothing(),
        other=json_object(said.get("agentix.other")) or nothing(),
    )


def _answer(part: parts.Part) -> str:
    """What a tool answered, under whichever of its names."""
    keys = ("response", "result", "output", "content")
    said = next((part[key] for key in keys if part.get(key) is not None), "")
    return text_of(plain(said))


def trusted(role: str, mark: Any) -> bool:
    """Whether a message may instruct: fails closed.

    Args:
        role: who speaks; nothing makes a tool's message trusted.
        mark: what stands on the message; None if nobody said, and what is no truth
            value is a no.
    """
    if role == "tool":
        return False
    return role in SPEAKERS if mark is None else mark is True


def _content(said: parts.Message) -> str | tuple[ContentPart, ...]:
    found = [_content_part(part) for part in said["parts"]]
    known = tuple(part for part in found if part is not None)
    media = any(isinstance(part, MediaPart) for part in known)
    if said.get(CONTENT) == "parts" or media:
        return known
    return "".join(part.text for part in known if isinstance(part, TextPart))


def _content_part(part: parts.Part) -> ContentPart | None:
    """A text or media part; None for what a message of agentix has no room for."""
    kind = part.get("type")
    left = json_object(part.get("agentix.other")) or nothing()
    if kind == "text":
        return TextPart(str(part.get("content") or ""), other=left)
    data = text(part.get("content")) if kind == "blob" else None
    url = text(part.get("uri")) if kind in ("uri", "file") else None
    if data is None and url is None:
        return None
    return MediaPart(
        type=text(part.get("modality")) or "document",
        data=data,
        url=url,
        media_type=text(part.get("mime_type")) or "",
        filename=text(part.get("filename")),
        other=left,
    )


def _call(part: parts.Part) -> dict[str, Any]:
    found = decode(part.get("arguments"))
    return {
        "name": str(part.get("name") or "unknown"),
        "args": _arguments(found),
        "id": text(part.get("id")),
    }


def _arguments(found: Any) -> dict[str, Any]:
    """Arguments as agentix has them, an object; what is none is its only member."""
    if found is None:
        return {}
    return json_object(found) or ({} if found == {} else {"input": plain(found)})


def from_told(told: Told) -> list[Message]:
    """Messages from one of any dialect."""
    replies = [_told_reply(reply) for reply in told.replies]
    if replies and not told.text and not told.requests:
        return replies
    calls = [
        {"name": r.name, "args": _arguments(decode(r.arguments)), "id": r.id}
        for r in told.requests
    ]
    spoken = Message(
        role=told.role,
        content=told.text,
        trusted=trusted(told.role, None),
        meta={"tool_calls": calls} if calls else nothing(),
    )
    return [*replies, spoken]


def _told_reply(reply: ToolReply) -> Message:
    meta = {"call_id": reply.id, "ok": not reply.failed}
    return Message(
        role="tool",
        content="" if reply.result is None else text_of(reply.result),
        name=reply.name,
        meta=meta,
    )


def acceptable(message: Message) -> Message:
    """A message as agentix's own codec takes it.

    An unknown role becomes the user's, untrusted; media without exactly one of data
    and address, or of an unknown kind, is left out.
    """
    content = message.content
    if not isinstance(content, str):
        content = tuple(part for part in content if _is_acceptable(part))
    known = message.role in SPEAKERS or message.role == "tool"
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
        other=nothing(),
    )


def _is_acceptable(part: ContentPart) -> bool:
    if isinstance(part, TextPart):
        return True
    if part.type not in MEDIA or (part.data is None) == (part.url is None):
        return False
    return part.data is None or bool(part.media_type)
