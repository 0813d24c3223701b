"""Messages in the shape of `gen_ai.input.messages` and `gen_ai.output.messages`.

A message is `{"role", "parts": [...]}`. Extra keys are allowed on both levels, so a
vendor's own fields can be kept there.

Source: the OpenTelemetry GenAI conventions' JSON schemas of input and output messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.models.spans import as_text, from_json, json_list, to_json

Part = dict[str, Any]
Message = dict[str, Any]


def message(role: str, parts: Iterable[Part], **marks: Any) -> Message:
    """One message; extra keys whose value is None are omitted."""
    given = {key: value for key, value in marks.items() if value is not None}
    return {"role": role, "parts": list(parts), **given}


def text_part(content: str) -> Part:
    """A part with text."""
    return {"type": "text", "content": content}


def reasoning_part(content: str) -> Part:
    """A part with the model's reasoning."""
    return {"type": "reasoning", "content": content}


def tool_call_part(call_id: str | None, name: str, arguments: Any) -> Part:
    """A tool call by the model; *arguments* is a JSON value or unparsed text."""
    part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    return {key: value for key, value in part.items() if value is not None}


def tool_response_part(call_id: str | None, response: Any) -> Part:
    """A tool's result; *response* is a JSON value."""
    part = {"type": "tool_call_response", "id": call_id, "response": response}
    return {key: part[key] for key in part if key != "id" or call_id is not None}


def blob_part(data: str, mime_type: str | None, modality: str) -> Part:
    """Inline media: *data* is base64."""
    part = {"type": "blob", "modality": modality, "mime_type": mime_type}
    return {**{key: value for key, value in part.items() if value}, "content": data}


def uri_part(uri: str, mime_type: str | None, modality: str) -> Part:
    """Media by its address."""
    part = {"type": "uri", "modality": modality, "mime_type": mime_type}
    return {**{key: value for key, value in part.items() if value}, "uri": uri}


def read_messages(value: Any) -> list[Message]:
    """Parse the messages in an attribute.

    Args:
        value: JSON text or the list itself; OpenAI's `{role, content}` shape is
            accepted too. Text that is not JSON becomes one user message.
    """
    found = from_json(value)
    if isinstance(found, str):
        return [message("user", [text_part(found)])]
    if isinstance(found, Mapping):
        found = [found]
    listed = json_list(found) or []
    return [_read_message(item) for item in listed if isinstance(item, (str, Mapping))]


def _read_message(item: str | Mapping[str, Any]) -> Message:
    if isinstance(item, str):
        return message("user", [text_part(item)])
    role = as_text(item.get("role")) or "user"
    marks = {key: item[key] for key in item if key not in {"role", "parts", "content"}}
    parts = item.get("parts")
    found = parts if isinstance(parts, list) else _content_parts(item.get("content"))
    return {"role": role, "parts": [_read_part(part) for part in found], **marks}


def _content_parts(content: Any) -> list[Any]:
    if content is None:
        return []
    return content if isinstance(content, list) else [content]


def _read_part(part: Any) -> Part:
    if not isinstance(part, Mapping):
        return text_part(to_text(part))
    if part.get("type") == "text" and "content" not in part:
        kept = {key: part[key] for key in part if key != "text"}
        return {**kept, "content": part.get("text") or ""}
    return dict(part)


def list_part_texts(item: Message, kind: str) -> list[str]:
    """The texts of a message's parts of one type ("text", "reasoning")."""
    return [
        part["content"]
        for part in item.get("parts") or []
        if part.get("type") == kind and isinstance(part.get("content"), str)
    ]


def find_parts(messages: Iterable[Message], kind: str) -> list[Part]:
    """All parts of one type ("tool_call"), in order."""
    return [
        part
        for item in messages
        for part in item.get("parts") or []
        if part.get("type") == kind
    ]


def write_final_message(content: str | None) -> str | None:
    """A final answer as the conventions' output messages; None if there is none."""
    if content is None:
        return None
    return to_json([message("assistant", [text_part(content)])])


def write_user_message(prompt: str | None) -> str | None:
    """A prompt as the conventions' input messages; None if there is none."""
    if prompt is None:
        return None
    return to_json([message("user", [text_part(prompt)])])


def read_final_text(value: Any) -> str | None:
    """Read the answer that `write_final_message` wrote; None if it is absent."""
    found = read_messages(value) if value is not None else []
    answers = [m for m in found if find_parts([m], "text")]
    return "".join(list_part_texts(answers[-1], "text")) if answers else None
