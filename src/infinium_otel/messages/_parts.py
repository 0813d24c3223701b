"""The parts of a message, in every dialect's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infinium_otel.jsontext import MAPPING, decode, text_of
from infinium_otel.messages._media import media_label
from infinium_otel.messages._values import Draft, ToolReply, ToolRequest

Part = Mapping[str, Any]
PartReader = Callable[[Draft, Part], None]

ARGUMENT_KEYS = ("arguments", "args", "input", "parameters", "tool_kwargs")
ID_KEYS = (
    "tool_call_id",
    "toolCallId",
    "tool_use_id",
    "toolUseId",
    "call_id",
    "id",
    "ref",
)
RESULT_KEYS = ("response", "result", "output", "content", "tool_response", "value")


def add_part(draft: Draft, part: Any) -> None:
    """Add *part* to *draft*; an unknown part is named by its type."""
    if isinstance(part, str):
        if part:
            draft.texts.append(part)
        return
    if not isinstance(part, MAPPING):
        if part is not None:
            draft.texts.append(text_of(part))
        return
    kind = part.get("type") or part.get("part_kind") or part.get("block_type")
    reader = PARTS.get(kind) if isinstance(kind, str) else None
    if reader is not None:
        reader(draft, part)
    else:
        _add_keyed(draft, part, kind)


def _add_keyed(draft: Draft, part: Part, kind: Any) -> None:
    for key, reader in KEYED_PARTS.items():
        if part.get(key) is not None:
            reader(draft, part)
            return
    if isinstance(kind, str):
        draft.texts.append(f"[{kind}]")


def _text(draft: Draft, part: Part) -> None:
    for key in ("content", "text", "value"):
        said = part.get(key)
        if isinstance(said, str):
            if said:
                draft.texts.append(said)
            return
        if isinstance(said, MAPPING):
            _text(draft, said)
            return


def _thought(draft: Draft, part: Part) -> None:
    for key in ("content", "thinking", "text", "reasoning", "summary"):
        thought = part.get(key)
        if isinstance(thought, str) and thought:
            draft.thoughts.append(thought)
            return


def _asks(draft: Draft, part: Part) -> None:
    request = request_of(part)
    if request is not None and request not in draft.requests:
        draft.requests.append(request)


def _asks_provider(draft: Draft, part: Part) -> None:
    call = part.get("server_tool_call", part)
    call = call if isinstance(call, MAPPING) else part
    request = request_of({"name": part.get("name") or call.get("type"), **call})
    if request is not None:
        call_id = request.id or id_of(part)
        draft.requests.append(
            ToolRequest(request.name, request.arguments, call_id, by_provider=True)
        )


def _replies(draft: Draft, part: Part) -> None:
    result = None
    for key in RESULT_KEYS:
        if part.get(key) is not None:
            result = plain(part[key])
            break
    name = part.get("name") or part.get("toolName")
    draft.replies.append(
        ToolReply(
            result, id_of(part), name if isinstance(name, str) else None, failed(part)
        )
    )


def _media(draft: Draft, part: Part) -> None:
    draft.texts.append(media_label(part))


def _nothing(_draft: Draft, _part: Part) -> None:
    """A part that says nothing to a reader."""


def request_of(call: Any) -> ToolRequest | None:
    """The tool that *call* asks for, in any dialect's shape; None if it names none."""
    if not isinstance(call, MAPPING):
        return None
    inner = call.get("tool_call", call)
    if not isinstance(inner, MAPPING):
        return None
    function = inner.get("function")
    source = function if isinstance(function, MAPPING) else inner
    name = source.get("name") or call.get("toolName") or source.get("tool_name")
    if not isinstance(name, str) or not name:
        return None
    given = next((source[k] for k in ARGUMENT_KEYS if source.get(k) is not None), None)
    return ToolRequest(name, decode(given), id_of(inner) or id_of(call))


def id_of(source: Part) -> str | None:
    """The id that ties a request and its answer."""
    for key in ID_KEYS:
        found = source.get(key)
        if isinstance(found, str) and found:
            return found
    return None


def failed(answer: Part) -> bool | None:
    """Whether an answer says that the tool failed; None where it does not say."""
    status = answer.get("status")
    if status in ("success", "error"):
        return bool(status == "error")
    output = answer.get("output")
    if isinstance(output, MAPPING) and output.get("type") in _FAILED_OUTPUTS:
        return True
    for key in ("is_error", "isError"):
        if isinstance(answer.get(key), bool):
            return bool(answer[key])
    return None


_FAILED_OUTPUTS = ("error-text", "error-json")
"""Vercel's words for the output of a tool that raised."""


def plain(value: Any) -> Any:
    """*value* without the wrapping of content blocks: the text of `[{"text": ...}]`."""
    value = decode(value, 1)
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        texts = [_block_text(block) for block in value]
        if texts and None not in texts:
            return "\n".join(str(text) for text in texts)
    elif isinstance(value, MAPPING):
        if value.keys() <= _TEXT_KEYS:
            return value.get("text", value)
        if value.keys() == _TYPED_VALUE:
            return plain(value["value"])
    return value


_TEXT_KEYS = frozenset({"type", "text", "annotations"})
_TYPED_VALUE = frozenset({"type", "value"})


def _block_text(block: Any) -> str | None:
    if not isinstance(block, MAPPING):
        return None
    for key in ("text", "content"):
        if isinstance(block.get(key), str) and block.get("type", "text") == "text":
            return str(block[key])
    return text_of(block["json"]) if "json" in block else None


def _nested(key: str, reader: PartReader, **told: str) -> PartReader:
    """A reader for parts whose facts stand one level down: `{"toolUse": {...}}`."""

    def read(draft: Draft, part: Part) -> None:
        inner = part[key]
        if isinstance(inner, MAPPING):
            reader(draft, {**told, **inner} if told else inner)

    return read


def _answers(draft: Draft, part: Part) -> None:
    """Haystack's answer holds the request it answers."""
    answer = part["tool_call_result"]
    if isinstance(answer, MAPPING):
        origin = answer.get("origin")
        asked = request_of(origin)
        draft.replies.append(
            ToolReply(
                plain(answer.get("result")),
                asked.id if asked else None,
                asked.name if asked else None,
                answer.get("error") if isinstance(answer.get("error"), bool) else None,
            )
        )


def _reasoning_content(draft: Draft, part: Part) -> None:
    inner = part.get("reasoningText", part)
    _thought(draft, inner if isinstance(inner, MAPPING) else part)


MEDIA = (
    "blob uri file image image_url image-url audio audio_url audio-url video video-url "
    "document document-url input_image input_audio input_file binary media"
).split()

PARTS: dict[str, PartReader] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "user-prompt": _text,
    "system-prompt": _text,
    "compaction": _text,
    "refusal": lambda draft, part: draft.texts.append(str(part.get("refusal", ""))),
    "reasoning": _thought,
    "thinking": _thought,
    "redacted_thinking": _nothing,
    "tool_call": _asks,
    "tool-call": _asks,
    "tool_use": _asks,
    "function": _asks,
    "function_call": _asks,
    "server_tool_call": _asks_provider,
    "server_tool_use": _asks_provider,
    "server_tool_call_response": _nothing,
    "tool_call_response": _replies,
    "tool-result": _replies,
    "tool-return": _replies,
    "tool_result": _replies,
    "function_call_output": _replies,
    **dict.fromkeys(MEDIA, _media),
}

# Parts that name their kind by the key that holds it (Bedrock, Gemini, Genkit, Haystack).
KEYED_PARTS: dict[str, PartReader] = {
    "text": _text,
    "content": _text,
    "toolUse": _nested("toolUse", _asks),
    "toolResult": _nested("toolResult", _replies),
    "toolRequest": _nested("toolRequest", _asks),
    "toolResponse": _nested("toolResponse", _replies),
    "function_call": _nested("function_call", _asks),
    "functionCall": _nested("functionCall", _asks),
    "function_response": _nested("function_response", _replies),
    "functionResponse": _nested("functionResponse", _replies),
    "inline_data": _nested("inline_data", _media, type="blob"),
    "inlineData": _nested("inlineData", _media, type="blob"),
    "image": _nested("image", _media, type="image"),
    "media": _nested("media", _media, type="media"),
    "reasoning": _thought,
    "document": _nested("document", _media, type="document"),
    "reasoningContent": _nested("reasoningContent", _reasoning_content),
    "tool_call": _nested("tool_call", _asks),
    "tool_call_result": _answers,
    "json": lambda draft, part: draft.texts.append(text_of(part["json"])),
    "data": lambda draft, part: draft.texts.append(text_of(part["data"])),
}
