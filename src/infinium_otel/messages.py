"""Message lists of every dialect to one form.

A message is who spoke, what was said, which tools were asked for and what they
answered. Shapes read here: OpenTelemetry's parts, OpenAI's and Anthropic's and
Bedrock's content blocks, Gemini's parts, Vercel's, LangChain's dumps, OpenInference's
nested attributes and the older event lists. What is none of these is plain text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from infinium_otel.jsontext import decode, text_of

MAX_MESSAGES = 2_000

ROLES = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "ai": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "choice": "assistant",
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "systemmessage": "system",
    "developer": "system",
    "toolmessage": "tool",
    "function": "tool",
    "functionmessage": "tool",
}


PartReader = Callable[["Message", Mapping[str, Any]], "Message"]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool the model asked for; `arguments` as given, decoded."""

    name: str
    arguments: Any = None
    id: str | None = None
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class ToolReply:
    """What a tool answered; `failed` is None where nobody said."""

    result: Any = None
    id: str | None = None
    name: str | None = None
    failed: bool | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message in one form; `role` is system, user, assistant, tool or as given."""

    role: str
    text: str = ""
    requests: tuple[ToolRequest, ...] = ()
    replies: tuple[ToolReply, ...] = ()
    thought: str = ""

    @property
    def said(self) -> str:
        """The text and the tools asked for, by name with arguments."""
        calls = [f"{r.name}({text_of(r.arguments or {})})" for r in self.requests]
        return "\n".join([self.text, *calls] if self.text else calls)


def decode_messages(value: Any, role: str = "user") -> tuple[Message, ...]:
    """The messages in *value*.

    Args:
        value: a list of messages, one message, JSON text of either, an object that
            holds them (`messages`, `contents`, `generations`), or a bare text.
        role: who speaks where a message names nobody.

    Returns:
        Empty where *value* holds no message.
    """
    return tuple(_messages(decode(value), role))[:MAX_MESSAGES]


def _messages(value: Any, role: str) -> Iterable[Message]:
    if isinstance(value, Mapping):
        inner = _wrapped(value)
        if inner is not None:
            return _messages(decode(inner), role)
        return _one(value, role)
    if isinstance(value, (list, tuple)):
        return _listed(value, role)
    return [Message(role, value)] if isinstance(value, str) and value else []


_WRAPPERS = ("messages", "contents", "chat_history", "input_messages", "generations")


def _wrapped(value: Mapping[str, Any]) -> Any:
    """The message list an object carries under a well-known name."""
    for key in _WRAPPERS:
        if isinstance(value.get(key), (list, tuple)):
            return value[key]
    for key in ("message", "choices", "delta"):
        if isinstance(value.get(key), (list, Mapping)) and "role" not in value:
            return value[key]
    return None


def _listed(values: Iterable[Any], role: str) -> Iterable[Message]:
    found: list[Message] = []
    for value in values:
        if _is_pair(value):
            found += _one({"role": value[0], "content": value[1]}, role)
        elif isinstance(value, (list, tuple)):
            found += _listed(value, role)
        elif isinstance(value, str):
            found += [Message(role, value)] if value else []
        elif _is_block(value):
            found = _with_block(found, value, role)
        else:
            found += _messages(value, role)
        if len(found) >= MAX_MESSAGES:
            break
    return found


def _is_pair(value: Any) -> bool:
    """LangChain's short form: ("user", "Hello")."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2  # noqa: PLR2004: a pair
        and all(isinstance(part, str) for part in value)
        and value[0].lower() in ROLES
    )


def _is_block(value: Any) -> bool:
    """A content block or item that stands in the list itself, without a role."""
    return (
        isinstance(value, Mapping)
        and "role" not in value
        and isinstance(value.get("type"), str)
        and value["type"] in _PARTS
        and "content" not in value.get("data", ())
    )


def _with_block(
    found: list[Message], block: Mapping[str, Any], role: str
) -> list[Message]:
    """*found* with a role-less block as, or in, its last message."""
    speaker = "tool" if "output" in block["type"] else role
    if block["type"] in ("function_call", "reasoning", "tool_call"):
        speaker = "assistant"
    said = _with_part(Message(speaker), block)
    if not said.replies and found and found[-1].role == speaker:
        return [*found[:-1], _with_part(found[-1], block)]
    return [*found, said]


def _one(value: Mapping[str, Any], role: str) -> Iterable[Message]:
    """A single message in any of the shapes."""
    kwargs = value.get("kwargs")
    if isinstance(kwargs, Mapping) and ("lc" in value or "id" in value):
        return _one({"type": _last(value.get("id")), **kwargs}, role)
    inner = value.get("message", value.get("data"))
    if isinstance(inner, Mapping) and "content" not in value:
        return _one({"role": value.get("role") or value.get("type"), **inner}, role)
    speaker = _role(value, role)
    message = Message(speaker)
    for part in _contents(value):
        message = _with_part(message, part)
    message = _with_requests(message, value)
    if speaker == "tool" and not message.replies:
        message = _as_reply(message, value)
    empty = message == Message(speaker)
    return [] if empty and not _has_role(value) else [message]


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, (list, tuple)) and value else value


def _has_role(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("role"), str)


def _role(value: Mapping[str, Any], default: str) -> str:
    for key in ("role", "type", "event.name"):
        word = value.get(key)
        if isinstance(word, str) and word:
            role = _spoken(word)
            if key == "role" or role in ROLES.values():
                return role
    return default


def _spoken(word: str) -> str:
    """The role that *word* names, in the conventions' spelling."""
    word = word.removeprefix("gen_ai.").removesuffix(".message").lower()
    word = word.removeprefix("messagerole.")
    return ROLES.get(word, word)


def _contents(value: Mapping[str, Any]) -> Iterable[Any]:
    """The parts of a message, from whichever key holds them."""
    for key in ("parts", "content", "contents", "blocks", "text", "parsed"):
        content = value.get(key)
        if content is None or content in ("", [], ()):
            continue
        if isinstance(content, str):
            return _parts_in_text(content)
        return content if isinstance(content, (list, tuple)) else [content]
    return ()


def _parts_in_text(content: str) -> Iterable[Any]:
    """Blocks written as JSON inside the text, else the text."""
    if content[:2] in ("[{", '{"') and ('"type"' in content or '"text"' in content):
        blocks = decode(content)
        if isinstance(blocks, (list, tuple)):
            return blocks
    return [content]


def _with_requests(message: Message, value: Mapping[str, Any]) -> Message:
    """OpenAI's `tool_calls` and `function_call` beside the content."""
    calls = decode(value.get("tool_calls")) or ()
    if not calls:
        extra = value.get("additional_kwargs")
        calls = extra.get("tool_calls") or () if isinstance(extra, Mapping) else ()
    if isinstance(value.get("function_call"), Mapping):
        calls = [value["function_call"]]
    known = {r.id for r in message.requests if r.id}
    for call in calls if isinstance(calls, (list, tuple)) else ():
        request = _request(call)
        if request and request.id not in known:
            message = replace(message, requests=(*message.requests, request))
    return message


def _request(call: Any) -> ToolRequest | None:
    if not isinstance(call, Mapping):
        return None
    inner = call.get("tool_call", call)
    function = inner.get("function") if isinstance(inner, Mapping) else None
    source = function if isinstance(function, Mapping) else inner
    if not isinstance(source, Mapping):
        return None
    name = source.get("name") or call.get("toolName") or source.get("tool_name")
    if not isinstance(name, str) or not name:
        return None
    return ToolRequest(name, _arguments(source), _id(inner) or _id(call))


def _arguments(source: Mapping[str, Any]) -> Any:
    for key in ("arguments", "args", "input", "parameters", "tool_kwargs"):
        if source.get(key) is not None:
            return decode(source[key])
    return None


_ID_KEYS = ("tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "call_id", "id")


def _id(source: Mapping[str, Any]) -> str | None:
    for key in _ID_KEYS:
        if isinstance(source.get(key), str) and source[key]:
            return str(source[key])
    return None


def _as_reply(message: Message, value: Mapping[str, Any]) -> Message:
    """A tool's message: its whole content is the answer."""
    name = value.get("name")
    reply = ToolReply(
        result=decode(message.text, 1) if message.text else None,
        id=_id(value),
        name=name if isinstance(name, str) else None,
        failed=_failed(value),
    )
    return replace(message, replies=(reply,), text="")


def _failed(value: Mapping[str, Any]) -> bool | None:
    status = value.get("status")
    if isinstance(status, str) and status in ("success", "error"):
        return status == "error"
    for key in ("is_error", "isError"):
        if isinstance(value.get(key), bool):
            return bool(value[key])
    return None


# Parts of a message


def _with_part(message: Message, part: Any) -> Message:
    """*message* with one more part; an unknown part is named by its type."""
    if isinstance(part, str):
        return _with_text(message, part)
    if not isinstance(part, Mapping):
        return _with_text(message, text_of(part)) if part is not None else message
    kind = part.get("type") or part.get("part_kind") or part.get("block_type")
    reader = _PARTS.get(kind) if isinstance(kind, str) else None
    if reader:
        return reader(message, part)
    for key, keyed in _KEYED_PARTS.items():
        if part.get(key) is not None:
            return keyed(message, part)
    return _with_text(message, f"[{kind}]") if isinstance(kind, str) else message


def _with_text(message: Message, text: str) -> Message:
    if not text:
        return message
    both = f"{message.text}\n{text}" if message.text else text
    return replace(message, text=both)


def _text_part(message: Message, part: Mapping[str, Any]) -> Message:
    for key in ("content", "text", "value"):
        if isinstance(part.get(key), str):
            return _with_text(message, part[key])
        if isinstance(part.get(key), Mapping):
            return _text_part(message, part[key])
    return message


def _thought_part(message: Message, part: Mapping[str, Any]) -> Message:
    for key in ("content", "thinking", "text", "reasoning", "summary"):
        thought = part.get(key)
        if isinstance(thought, str) and thought:
            return replace(message, thought=f"{message.thought}\n{thought}".strip())
    return message


def _request_part(message: Message, part: Mapping[str, Any]) -> Message:
    request = _request(part)
    if request is None or request in message.requests:
        return message
    return replace(message, requests=(*message.requests, request))


def _provider_request_part(message: Message, part: Mapping[str, Any]) -> Message:
    call = part.get("server_tool_call", part)
    call = call if isinstance(call, Mapping) else part
    request = _request({"name": part.get("name") or call.get("type"), **call})
    if request is None:
        return message
    request = replace(request, id=request.id or _id(part), by_provider=True)
    return replace(message, requests=(*message.requests, request))


def _reply_part(message: Message, part: Mapping[str, Any]) -> Message:
    result = None
    for key in ("response", "result", "output", "content", "tool_response", "value"):
        if part.get(key) is not None:
            result = plain(part[key])
            break
    name = part.get("name") or part.get("toolName")
    reply = ToolReply(
        result, _id(part), name if isinstance(name, str) else None, _failed(part)
    )
    return replace(message, replies=(*message.replies, reply))


def plain(value: Any) -> Any:
    """*value* without the wrapping of content blocks: the text of `[{"text": ...}]`."""
    value = decode(value, 1)
    if isinstance(value, Mapping) and set(value) <= {"type", "text", "annotations"}:
        return value.get("text", value)
    if isinstance(value, (list, tuple)) and value:
        texts = [_block_text(block) for block in value]
        if all(text is not None for text in texts):
            return "\n".join(str(text) for text in texts)
    return value


def _block_text(block: Any) -> str | None:
    if not isinstance(block, Mapping):
        return None
    for key in ("text", "content"):
        if isinstance(block.get(key), str) and block.get("type", "text") == "text":
            return str(block[key])
    if "json" in block:
        return text_of(block["json"])
    return None


def _media_part(message: Message, part: Mapping[str, Any]) -> Message:
    return _with_text(message, media_label(part))


def media_label(part: Mapping[str, Any]) -> str:
    """What stands for binary content: `[image image/png 34 kB]`."""
    kind = part.get("modality") or part.get("type") or "file"
    kind = str(kind).removesuffix("_url").removesuffix("-url").removeprefix("input_")
    source = _media_source(part)
    mime = next(
        (str(source[k]) for k in _MIME_KEYS if isinstance(source.get(k), str)), ""
    )
    data = next((source[k] for k in _DATA_KEYS if source.get(k) is not None), None)
    if isinstance(data, str) and data.startswith("data:"):
        head, _, data = data.partition(",")
        mime = mime or head[5:].partition(";")[0]
    elif isinstance(data, str) and data.startswith(("http://", "https://", "gs://")):
        return " ".join(filter(None, [f"[{kind}", mime, data[:200]])) + "]"
    size = _size(data)
    return " ".join(filter(None, [f"[{kind}", mime, size])) + "]"


_MIME_KEYS = ("mime_type", "mimeType", "media_type", "mediaType", "format")
_DATA_KEYS = ("data", "content", "url", "uri", "file_uri", "image", "bytes")


def _media_source(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that holds type and data, wherever the dialect nests it."""
    for key in (
        "source",
        "image_url",
        "inline_data",
        "inlineData",
        "image",
        "file",
        "input_audio",
        "audio_url",
        "blob",
    ):
        inner = part.get(key)
        if isinstance(inner, Mapping):
            nested = inner.get("source")
            return {**inner, **nested} if isinstance(nested, Mapping) else inner
        if isinstance(inner, str):
            return {**part, "url": inner}
    return part


def _size(data: Any) -> str:
    if isinstance(data, str):
        count = len(data) * 3 // 4
    elif isinstance(data, (bytes, bytearray)):
        count = len(data)
    else:
        return ""
    return f"{count} B" if count < 1_000 else f"{count // 1_000} kB"


def _nested_part(key: str) -> PartReader:
    """A reader for parts whose facts stand one level down: `{"toolUse": {...}}`."""

    def read(message: Message, part: Mapping[str, Any]) -> Message:
        inner = part[key]
        reader = _NESTED[key]
        return reader(message, inner) if isinstance(inner, Mapping) else message

    return read


def _ignored(message: Message, _part: Mapping[str, Any]) -> Message:
    return message


_PARTS: dict[str, PartReader] = {
    "text": _text_part,
    "input_text": _text_part,
    "output_text": _text_part,
    "user-prompt": _text_part,
    "system-prompt": _text_part,
    "refusal": lambda message, part: _with_text(message, str(part.get("refusal", ""))),
    "reasoning": _thought_part,
    "thinking": _thought_part,
    "redacted_thinking": _ignored,
    "tool_call": _request_part,
    "tool-call": _request_part,
    "tool_use": _request_part,
    "function": _request_part,
    "function_call": _request_part,
    "server_tool_call": _provider_request_part,
    "server_tool_use": _provider_request_part,
    "tool_call_response": _reply_part,
    "tool-result": _reply_part,
    "tool-return": _reply_part,
    "tool_result": _reply_part,
    "function_call_output": _reply_part,
    "server_tool_call_response": _ignored,
    "compaction": _text_part,
} | dict.fromkeys(
    (
        "blob",
        "uri",
        "file",
        "image",
        "image_url",
        "image-url",
        "audio",
        "audio_url",
        "audio-url",
        "video",
        "video-url",
        "document",
        "document-url",
        "input_image",
        "input_audio",
        "input_file",
        "binary",
        "media",
    ),
    _media_part,
)

_NESTED: dict[str, PartReader] = {
    "toolUse": _request_part,
    "toolResult": _reply_part,
    "function_call": _request_part,
    "functionCall": _request_part,
    "function_response": _reply_part,
    "functionResponse": _reply_part,
    "inline_data": lambda m, part: _with_text(m, media_label({"type": "blob", **part})),
    "inlineData": lambda m, part: _with_text(m, media_label({"type": "blob", **part})),
    "image": lambda m, part: _with_text(m, media_label({"type": "image", **part})),
    "document": lambda m, part: _with_text(m, media_label({"type": "file", **part})),
    "reasoningContent": lambda m, part: _thought_part(
        m, part.get("reasoningText", part)
    ),
}

# Parts that name their kind by the key that holds it (Bedrock, Gemini).
_KEYED_PARTS: dict[str, PartReader] = {key: _nested_part(key) for key in _NESTED} | {
    "text": _text_part,
    "content": _text_part,
    "json": lambda m, part: _with_text(m, text_of(part["json"])),
}
