"""pydantic-ai and Logfire, which share their vocabulary.

Source: pydantic-ai-slim 1.0.18 (format versions 1 and 2) and 2.68.0 (to version 6);
the logfire repository of August 2026, its OpenAI Agents bridge included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    MAX_TOKENS,
    amount,
    count,
    data,
    first,
    flag,
    member,
    number,
    one_of,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put, put_usage_details
from infinium_otel.jsontext import decode

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

_PASSING = re.compile(r"^OpenAI Agents trace: | took [\d.]+s$")
"""What of a span's message is no part of a name: it is the same, or another, each time."""


def _name(value: Any) -> str | None:
    found = text(value)
    return _PASSING.sub("", found) if found else None


FIELDS = {
    "dropped": first(one_of({"pending_span": "dropped"}), "logfire.span_type"),
    "label": first(_name, "logfire.msg"),
    "agent_name": first(text, "agent_name"),
    "agent_id": first(text, "gen_ai.agent.call.id"),
    "model_requested": first(text, "model_name")
    | first(member("model", text), "request_data"),
    "temperature": first(
        member("temperature", number), "request_data", "model_settings", "model_config"
    ),
    "top_p": first(
        member("top_p", number), "request_data", "model_settings", "model_config"
    ),
    "max_tokens": first(
        member(MAX_TOKENS, count), "request_data", "model_settings", "model_config"
    ),
    "streaming": first(member("stream", flag), "request_data"),
    "cost_usd": first(amount, "operation.cost"),
    "arguments": first(data, "tool_arguments"),
    "result": first(data, "tool_response"),
    # its messages moved to the conventions' keys; then only the model is left in it
    "input": first(member("messages input contents", data), "request_data")
    | first(structure, "raw_input")
    | first(structure, "pydantic_ai.all_messages", "all_messages_events"),
    "output": first(data, "final_result")
    | first(member("message", structure), "response_data")
    | first(member("combined_chunk_content", text), "response_data"),
    "retry_count": first(count, "pydantic_ai.tool.retry.attempt"),
    "tags": first(texts, "logfire.tags"),
    "error_message": first(member("message", text), "error"),
}

_TEMPLATES = tuple(
    (re.compile(pattern), fact, kind)
    for pattern, fact, kind in (
        (r"OpenAI Agents trace: ", "weak_kind", "workflow"),
        (r"(agent run$|Agent run: )", "kind", "agent"),
        (r"(running tool$|running tool: |Function: )", "kind", "tool"),
        (r"running (\d+ )?tools$|running output function", "weak_kind", "step"),
        (r"(Turn |Task: )", "weak_kind", "step"),
        (r"Handoff: ", "kind", "handoff"),
        (r"Guardrail ", "kind", "guardrail"),
        (r"(Responses API with|[Cc]hat [Cc]ompletion with) ", "kind", "llm"),
        (r"streaming response from ", "kind", "llm"),
        (r"model request attempt ", "kind", "llm"),
        (r"MCP request: tools/call ", "kind", "tool"),
    )
)
FATAL_LEVEL = 17


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by the name's template, and messages in the older event lists."""
    for pattern, fact, word in _TEMPLATES:
        if pattern.match(record.name):
            facts.setdefault(fact, word)
            break
    attributes = record.attributes
    events = structure(attributes.get("events"))
    if events:
        _from_events(events, facts)
    if attributes.get("pydantic_ai.tool.failure_stage") == "validation":
        _refused(record, facts)
    kind = facts.get("kind")
    if kind in _OF_KIND:
        _OF_KIND[kind](record, facts)
    level = count(attributes.get("logfire.level_num"))
    if level is not None and level >= FATAL_LEVEL:
        facts["failed"] = True
    if "input" in facts and kind not in ("agent", "llm"):
        facts.setdefault("weak_kind", "step")


def _refused(record: SpanRecord, facts: Facts) -> None:
    """A call whose arguments did not validate never reached the tool."""
    name = text(record.attributes.get("gen_ai.tool.name"))
    facts["kind"] = "refused"
    facts["label"] = f"Refused the arguments for {name}"


def _from_events(events: Any, facts: Facts) -> None:
    """Version 1's one list of events: what was asked, then the choice."""
    messages = [event for event in events if isinstance(event, Mapping)]
    start = next((n for n, m in enumerate(messages) if _is_choice(m)), None)
    if start is None:
        start = _answered_from(messages)
    asked = messages[:start]
    answers = [m.get("message", m) for m in messages[start:]]
    if asked:
        facts["input"] = asked
    if answers:
        facts["output"] = [
            {"role": "assistant", **answer} if isinstance(answer, Mapping) else answer
            for answer in answers
        ]


def _is_choice(event: Mapping[str, Any]) -> bool:
    return event.get("event.name") == "gen_ai.choice"


def _answered_from(messages: list[Mapping[str, Any]]) -> int:
    """Where the answer begins: the assistant's messages at the end."""
    start = len(messages)
    while start and messages[start - 1].get("role") == "assistant":
        start -= 1
    return start


def _agent(record: SpanRecord, facts: Facts) -> None:
    """The run's own part of the conversation: what came before it is history."""
    messages = facts.get("input")
    start = count(record.attributes.get("pydantic_ai.new_message_index"))
    if isinstance(messages, (list, tuple)):
        run = messages[start:] if start else messages
        facts["input"] = [m for m in run if not _is_answer(m)]
        if "output" not in facts:
            facts["output"] = [m for m in run if _is_answer(m)]


def _is_answer(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("role") == "assistant"


def _tool(record: SpanRecord, facts: Facts) -> None:
    """The bridge for OpenAI Agents tells a tool in bare words."""
    attributes = record.attributes
    if record.name.startswith("Function: "):
        for fact, key in (
            ("tool_name", "name"),
            ("arguments", "input"),
            ("result", "output"),
        ):
            value = decode(attributes.get(key))
            if value:
                facts.setdefault(fact, value)
    elif record.name.startswith("MCP request: tools/call "):
        facts.setdefault("tool_name", record.name.rpartition(" ")[2])


def _call(record: SpanRecord, facts: Facts) -> None:
    """A stream is told by a second, instant span that knows how long it took."""
    attributes = record.attributes
    if record.name.startswith("Chat completion with"):
        for side in ("input", "output"):
            facts[side] = structure(attributes.get(side)) or facts.get(side)
    usage = structure(attributes.get("gen_ai.usage.raw", attributes.get("usage")))
    put_usage_details(facts, usage)
    facts["dropped"] = _is_stub(record)
    seconds = amount(attributes.get("duration"))
    if record.name.startswith("streaming response from ") and seconds is not None:
        facts["latency_ms"] = seconds * 1000


def _is_stub(record: SpanRecord) -> bool:
    """A stream's request that is its own trace: its answer is told in another."""
    return (
        record.parent_id is None
        and record.status != "error"
        and record.name.startswith(("Chat Completion with", "Responses API with"))
        and record.scope_name.startswith("logfire")
        and "gen_ai.request.model" in record.attributes
        and not _STUB.intersection(record.attributes)
    )


_STUB = frozenset(
    {"gen_ai.usage.raw", "gen_ai.usage.input_tokens", "response_data"}
) | {
    "gen_ai.output.messages",
    "events",
}
"""What a call with an answer has at least one of."""


def _handoff(record: SpanRecord, facts: Facts) -> None:
    put(facts, "agent_name", text(record.attributes.get("to_agent")))


_OF_KIND = {"agent": _agent, "tool": _tool, "llm": _call, "handoff": _handoff}


LOGFIRE = Dialect(
    name="logfire",
    speaks=(
        "logfire",
        "pydantic_ai",
        "tool_arguments",
        "tool_response",
        "all_messages_events",
        "agent_name",
        "model_name",
        "request_data",
        "operation",
    ),
    scopes=("logfire", "pydantic-ai"),
    fields=FIELDS,
    refine=refine,
    source="pydantic-ai-slim 1.0.18 and 2.68.0, logfire (August 2026)",
)
