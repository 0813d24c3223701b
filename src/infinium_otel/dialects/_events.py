"""Messages in span events, in the four forms of the conventions' generations.

Source: semantic-conventions v1.26.0 to v1.38.0; the emitters without logs: Strands and
Azure's clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import PLACEHOLDERS, count, text
from infinium_otel.dialects._facts import dig, put
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import SpanEvent

_DETAILS = {
    "gen_ai.input.messages": "input",
    "gen_ai.output.messages": "output",
    "gen_ai.system_instructions": "system",
}


def put_messages(facts: Facts, events: tuple[SpanEvent, ...]) -> None:
    """Add the messages in *events*."""
    inputs: list[Any] = []
    outputs: list[Any] = []
    details: dict[str, list[Any]] = {}
    for event in events:
        if _is_withheld(event) or _only_counts(event):
            continue
        if event.name == "gen_ai.choice":
            outputs.append(_read_message(event, "assistant"))
        elif event.name.startswith("gen_ai.") and event.name.endswith(".message"):
            role = event.name.removeprefix("gen_ai.").removesuffix(".message")
            inputs.append(_read_message(event, role))
        else:
            _collect_details(event, details)
    has_choice = any(event.name == "gen_ai.choice" for event in events)
    if inputs and not has_choice and inputs[-1].get("role") == "assistant":
        outputs.append(inputs.pop())  # the answer, as the last message
    put(facts, "input", details.get("input") or inputs or None)
    put(facts, "output", details.get("output") or outputs or None)
    put(facts, "system", details.get("system"))
    if not facts.get("finish_reasons"):
        _put_finish_reasons(facts, events)


def _put_finish_reasons(facts: Facts, events: tuple[SpanEvent, ...]) -> None:
    """Add why each choice ended, which the choice's event has, or its message."""
    reasons = []
    for event in events:
        if event.name == "gen_ai.choice":
            body = loads(event.attributes.get("gen_ai.event.content"))
            holders = (event.attributes, body)
            found = [text(dig(holder, "finish_reason")) for holder in holders]
            reasons += [reason for reason in found if reason][:1]
    if reasons:
        facts["finish_reasons"] = tuple(reasons)


def _is_withheld(event: SpanEvent) -> bool:
    """An event with a placeholder instead of its content."""
    content = event.attributes.get("content")
    return isinstance(content, str) and bool(content) and content in PLACEHOLDERS


_COUNTS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}


def _only_counts(event: SpanEvent) -> bool:
    """Whether an event of a message has the tokens of a turn instead of its content."""
    attributes = event.attributes
    return (
        event.name.endswith(".message")
        and not any(key in attributes for key in _CONTENT)
        and any(key in attributes for key in _COUNTS.values())
    )


_CONTENT = ("content", "message", "gen_ai.event.content", "tool_calls")


def put_counts_of_turns(facts: Facts, events: tuple[SpanEvent, ...]) -> None:
    """Add the tokens of the turns of a session that has an event for each."""
    for fact, key in _COUNTS.items():
        counts = [count(event.attributes.get(key)) for event in events]
        found = [each for each in counts if each is not None]
        if found and facts.get(fact) is None:
            facts[fact] = sum(found)


_CONTENT_EVENTS = {
    "gen_ai.content.prompt": ("input", "gen_ai.prompt", "user"),
    "gen_ai.content.completion": ("output", "gen_ai.completion", "assistant"),
}
"""Version 1.26's events: the fact, the key of its content, and who speaks."""


def _collect_details(event: SpanEvent, details: dict[str, list[Any]]) -> None:
    """The details event (several are concatenated), Azure's, and those of 1.26."""
    for key, fact in _DETAILS.items():
        value = event.attributes.get(key)
        if value is None and event.name == key:
            value = event.attributes.get("gen_ai.event.content")
        found = loads(value)
        if found:
            details.setdefault(fact, []).extend(
                found if isinstance(found, (list, tuple)) else [found]
            )
    if event.name in _CONTENT_EVENTS:  # not the chunks of a stream, which begin alike
        fact, key, role = _CONTENT_EVENTS[event.name]
        found = loads(event.attributes.get(key)) or _read_parts(event, role)
        if found:
            details.setdefault(fact, []).append(found)


def _read_parts(event: SpanEvent, role: str) -> Any:
    """The message whose role and content are attributes: `gen_ai.message.content`."""
    found = {"role": role}
    for key, value in event.attributes.items():
        name = key.rpartition(".")[2]
        if name in ("role", "content"):
            found[name] = loads(value)
    return found if found.get("content") else None


_MESSAGE = frozenset({"role", "content", "tool_calls"})


def _read_message(event: SpanEvent, role: str) -> Any:
    """The message of one event, from any of the attributes in use."""
    attributes = event.attributes
    inner = loads(attributes.get("message", attributes.get("gen_ai.event.content")))
    if isinstance(inner, Mapping):
        inner = inner.get("message", inner)  # one level down in Azure's choice
    if isinstance(inner, Mapping) and not _MESSAGE.isdisjoint(inner):
        calls = {k: attributes[k] for k in ("tool_calls",) if k in attributes}
        return {"role": role, **calls, **inner}
    if inner is not None:
        return {"role": role, "content": inner}
    return {"role": role, **attributes, "content": loads(attributes.get("content"))}


def put_tool_content(facts: Facts, events: tuple[SpanEvent, ...]) -> None:
    """Add the arguments and the result of a tool that reports them as messages."""
    for event in events:
        if event.name == "gen_ai.tool.message":
            put(facts, "arguments", loads(event.attributes.get("content")) or None)
        elif event.name == "gen_ai.choice":
            put(facts, "result", loads(event.attributes.get("message")) or None)
