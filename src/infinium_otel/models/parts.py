"""Messages as `gen_ai.input.messages` and `gen_ai.output.messages` hold them.

A message is `{"role", "parts": [...]}`; extra keys are allowed on both levels, so a
vendor's own marks can ride along.

Source: the OpenTelemetry GenAI conventions' JSON schemas of input and output messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infinium_otel.jsontext import text_of
from infinium_otel.models.spans import as_json, from_json, json_list, text

Part = dict[str, Any]
Message = dict[str, Any]


def message(role: str, parts: Iterable[Part], **marks: Any) -> Message:
    """One message; *marks* that are None are left out."""
    given = {key: value for key, value in marks.items() if value is not None}
    return {"role": role, "parts": list(parts), **given}


def text_part(content: str) -> Part:
    """A run of text."""
    return {"type": "text", "content": content}


def reasoning_part(content: str) -> Part:
    """What the model thought before it answered."""
    return {"type": "reasoning", "content": content}


def tool_call_part(call_id: str | None, name: str, arguments: Any) -> Part:
    """A call the model asks for; *arguments* is a JSON value or unparsed text."""
    part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    return {key: value for key, value in part.items() if value is not None}


def tool_response_part(call_id: str | None, response: Any) -> Part:
    """What a tool answered; *response* is a JSON value."""
    part = {"type": "tool_call_response", "id": call_id, "response": response}
    return {key: part[key] for key in part if key != "id" or call_id is not None}


def blob_part(data: str, mime_type: str | None, modality: str) -> Part:
    """Inline media: *data* is base64."""
    part = {"type": "blob", "modality": modality, "mime_type": mime_type}
    return {**{key: value for key, value in part.items() if value}, "content": data}


def uri_part(uri: str, mime_type: str | None, modality: str) -> Part:
    """Media that stands elsewhere."""
    part = {"type": "uri", "modality": modality, "mime_type": mime_type}
    return {**{key: value for key, value in part.items() if value}, "uri": uri}


def read_messages(value: Any) -> list[Message]:
    """The messages that an attribute holds, in this shape.

    Args:
        value: JSON text or the list itself; of OpenAI's `{role, content}` shape too.
            A text that is no JSON is one user message.
    """
    found = from_json(value)
    if isinstance(found, str):
        return [message("user", [text_part(found)])]
    if isinstance(found, Mapping):
        found = [found]
    listed = json_list(found) or []
    return [_message_of(item) for item in listed if isinstance(item, (str, Mapping))]


def _message_of(item: str | Mapping[str, Any]) -> Message:
    if isinstance(item, str):
        return message("user", [text_part(item)])
    role = text(item.get("role")) or "user"
    marks = {key: item[key] for key in item if key not in {"role", "parts", "content"}}
    parts = item.get("parts")
    found = parts if isinstance(parts, list) else _content_parts(item.get("content"))
    return {"role": role, "parts": [_part_of(part) for part in found], **marks}


def _content_parts(content: Any) -> list[Any]:
    if content is None:
        return []
    return content if isinstance(content, list) else [content]


def _part_of(part: Any) -> Part:
    if not isinstance(part, Mapping):
        return text_part(text_of(part))
    if part.get("type") == "text" and "content" not in part:
        kept = {key: part[key] for key in part if key != "text"}
        return {**kept, "content": part.get("text") or ""}
    return dict(part)


def texts(messages: Iterable[Message], role: str | None = None) -> list[str]:
    """The text of each message that has any, of one role or of all."""
    chosen = [m for m in messages if role is None or m.get("role") == role]
    found = ["".join(part_texts(m, "text")) for m in chosen]
    return [each for each in found if each]


def part_texts(item: Message, kind: str) -> list[str]:
    """The texts of a message's parts of one type ("text", "reasoning")."""
    return [
        part["content"]
        for part in item.get("parts") or []
        if part.get("type") == kind and isinstance(part.get("content"), str)
    ]


def parts_of(messages: Iterable[Message], kind: str) -> list[Part]:
    """All parts of one type ("tool_call"), in order."""
    return [
        part
        for item in messages
        for part in item.get("parts") or []
        if part.get("type") == kind
    ]


def final_messages(content: str | None) -> str | None:
    """A final answer as the conventions' output messages; None for none."""
    if content is None:
        return None
    return as_json([message("assistant", [text_part(content)])])


def user_messages(prompt: str | None) -> str | None:
    """A prompt as the conventions' input messages; None for none."""
    if prompt is None:
        return None
    return as_json([message("user", [text_part(prompt)])])


def final_text(value: Any) -> str | None:
    """The answer that `final_messages` wrote; None if the attribute is absent."""
    found = read_messages(value) if value is not None else []
    answers = [m for m in found if parts_of([m], "text")]
    return "".join(part_texts(answers[-1], "text")) if answers else None
