"""OpenInference's messages, flattened into keys with indices, as plain ones.

Source: openinference-semantic-conventions 0.1.42.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import indexed, structure
from infinium_otel.jsontext import MAPPING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts


def put_flattened_messages(facts: Facts, attributes: Mapping[str, Any]) -> None:
    """Take the message lists where they say more than the raw request and response.

    The raw response stays as the fact `response`: ids stand only there.
    """
    asked = indexed(attributes, "llm.input_messages") or structure(
        attributes.get("llm.prompts")
    )
    if asked and _tells_failure(facts.get("input")):
        return
    if asked and (_says_something(asked) or "input" not in facts):
        facts["input"] = [_message(item) for item in asked]
    answered = indexed(attributes, "llm.output_messages") or indexed(
        attributes, "llm.choices"
    )
    if answered and (_says_something(answered) or "output" not in facts):
        facts["response"] = facts.get("output")
        facts["output"] = [_message(item) for item in answered]


def _tells_failure(request: Any) -> bool:
    """Flattening loses a tool answer's error flag, which the raw request still has."""
    return isinstance(request, str) and (
        '"is_error": true' in request or '"is_error":true' in request
    )


def _says_something(items: Any) -> bool:
    """Whether any message has more than a role: capture limits leave bare roles."""
    return any(
        not isinstance(item, MAPPING)
        or not isinstance(item.get("message"), MAPPING)
        or len(item["message"]) > 1
        for item in items
    )


def _message(item: Any) -> Any:
    """OpenInference's nested words to the plain ones of a message."""
    if not isinstance(item, MAPPING):
        return item
    message = item.get("message")
    if not isinstance(message, MAPPING):
        inner = item.get("completion", item.get("prompt", item))
        return {"content": inner.get("text")} if isinstance(inner, MAPPING) else inner
    plain = dict(message)
    contents = message.get("contents")
    if isinstance(contents, list):
        plain["parts"] = [_part(part) for part in contents]
        plain.pop("contents")
    if message.get("function_call_name"):
        plain["function_call"] = {
            "name": message["function_call_name"],
            "arguments": message.get("function_call_arguments_json"),
        }
    return plain


def _part(part: Any) -> Any:
    if not isinstance(part, MAPPING):
        return part
    call = part.get("tool_call")
    if isinstance(call, MAPPING):
        return {"type": "tool_call", **call}
    return part.get("message_content", part)
