"""OpenInference's messages, which are flattened into keys with indices.

Source: openinference-semantic-conventions 0.1.42.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import indexed, structure
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.dialects.messages import is_preamble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts


def put_flattened_messages(facts: Facts, attributes: Mapping[str, Any]) -> None:
    """Put the message lists where they hold more than the raw request and response.

    The raw response stays as the fact `response`: only it contains the ids.
    """
    inputs = indexed(attributes, "llm.input_messages") or structure(
        attributes.get("llm.prompts")
    )
    if inputs and not _has_lost(facts.get("input"), inputs):
        _put_inputs(facts, inputs)
    outputs = indexed(attributes, "llm.output_messages") or indexed(
        attributes, "llm.choices"
    )
    if outputs and (_has_content(outputs) or "output" not in facts):
        facts["response"] = facts.get("output")
        facts["output"] = [_to_message(item) for item in outputs]


def _put_inputs(facts: Facts, items: Any) -> None:
    if _has_content(items) or "input" not in facts:
        messages = [_to_message(item) for item in items]
        if "input" not in facts or not is_preamble(messages):
            facts["input"] = messages


def _has_lost(request: Any, items: Any) -> bool:
    """Whether the raw request has what the flattened messages lost."""
    return (
        _has_error_flag(request)
        or _lost_results(request, items)
        or _lost_contents(request, items)
    )


def _lost_contents(request: Any, items: Any) -> bool:
    """Whether some, not all, messages have only a role, and the raw ones more."""
    kept = [_is_more_than_a_role(item) for item in items]
    if all(kept) or not any(kept):
        return False
    found = structure(request)
    messages = found.get("messages") if isinstance(found, MAPPING) else found
    return isinstance(messages, list) and len(messages) >= len(kept)


def _has_error_flag(request: Any) -> bool:
    """Whether the raw request has a tool's error flag, which flattening loses."""
    return isinstance(request, str) and (
        '"is_error": true' in request or '"is_error":true' in request
    )


def _lost_results(request: Any, items: Any) -> bool:
    """Whether the raw request has more tool results than the flattened messages.

    A message of the user with several results, as Anthropic's have, keeps only the last.
    """
    if not isinstance(request, str) or '"tool_use_id"' not in request:
        return False
    messages = [_to_message(item) for item in items]
    kept = sum(1 for m in messages if isinstance(m, MAPPING) and m.get("tool_call_id"))
    return 0 < kept < request.count('"tool_use_id"')


def _has_content(items: Any) -> bool:
    """Whether any message has more than a role: attribute limits can leave only roles."""
    return any(map(_is_more_than_a_role, items))


def _is_more_than_a_role(item: Any) -> bool:
    message = item.get("message") if isinstance(item, MAPPING) else None
    return not isinstance(message, MAPPING) or len(message) > 1


def _to_message(item: Any) -> Any:
    """A message without OpenInference's nesting."""
    if not isinstance(item, MAPPING):
        return item
    message = item.get("message")
    if not isinstance(message, MAPPING):
        if "role" in item:
            return item
        inner = item.get("completion", item.get("prompt", item))
        return {"content": inner.get("text")} if isinstance(inner, MAPPING) else inner
    result = dict(message)
    if isinstance(message.get("tool_calls"), MAPPING):  # one, written without an index
        result["tool_calls"] = [message["tool_calls"]]
    contents = message.get("contents")
    if isinstance(contents, list):
        result["parts"] = [_to_part(part) for part in contents]
        result.pop("contents")
    if message.get("function_call_name"):
        result["function_call"] = {
            "name": message["function_call_name"],
            "arguments": message.get("function_call_arguments_json"),
        }
    return result


def _to_part(part: Any) -> Any:
    if not isinstance(part, MAPPING):
        return part
    call = part.get("tool_call")
    if isinstance(call, MAPPING):
        return {"type": "tool_call", **call}
    return part.get("message_content", part)
