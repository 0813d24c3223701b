"""Pydantic AI and Logfire, which share their vocabulary.

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
    any_of,
    count,
    data,
    first,
    flag,
    member,
    number,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put, put_usage_details
from infinium_otel.dialects._provider_objects import put_response
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

_NOT_IN_NAME = re.compile(r"^OpenAI Agents trace: | took [\d.]+s$")
"""Parts of a span's message that are not its name: a prefix and the duration."""


def _clean_name(value: Any) -> str | None:
    found = text(value)
    return _NOT_IN_NAME.sub("", found) if found else None


FIELDS = {
    "dropped": first(any_of("pending_span"), "logfire.span_type"),
    "label": first(_clean_name, "logfire.msg"),
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
    # newer versions put the messages under the conventions' keys, and only the model here
    "input": first(member("messages input contents", data), "request_data")
    | first(structure, "raw_input")
    | first(
        structure, "pydantic_ai.all_messages", "all_messages_events", "all_messages"
    ),
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
        (r"(agent run$|Agent run: |\{agent_name\} run )", "kind", "agent"),
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
    """Kinds by the template of the span's name, messages in the older event lists."""
    for pattern, fact, word in _TEMPLATES:
        if pattern.match(record.name):
            facts.setdefault(fact, word)
            break
    attributes = record.attributes
    if "tool_arguments" in attributes:
        facts.setdefault("kind", "tool")
    if "kind" not in facts and "response_data" in attributes:
        _put_whole_response(facts, attributes["response_data"])
    events = structure(attributes.get("events"))
    if events:
        _put_event_messages(events, facts)
    if attributes.get("pydantic_ai.tool.failure_stage") == "validation":
        _mark_refused(record, facts)
    kind = facts.get("kind")
    if kind in _REFINE_KIND:
        _REFINE_KIND[kind](record, facts)
    level = count(attributes.get("logfire.level_num"))
    if level is not None and level >= FATAL_LEVEL:
        facts["failed"] = True
    if "input" in facts and kind not in ("agent", "llm"):
        facts.setdefault("weak_kind", "step")


def _put_whole_response(facts: Facts, value: Any) -> None:
    """Add a provider's response that an application put on a span of its own."""
    response = structure(value)
    if isinstance(response, Mapping) and response.get("choices"):
        put(facts, "output", response)
        put_response(facts, response)


def _mark_refused(record: SpanRecord, facts: Facts) -> None:
    """Mark a tool call whose arguments did not validate; the tool did not run."""
    tool = text(record.attributes.get("gen_ai.tool.name"))
    facts["kind"] = "refused"
    facts["label"] = f"Refused the arguments for {tool}"


def _put_event_messages(events: Any, facts: Facts) -> None:
    """Add the messages of version 1's list of events: the input, then the choice."""
    messages = [event for event in events if isinstance(event, Mapping)]
    start = next((n for n, m in enumerate(messages) if _is_choice(m)), None)
    if start is None:
        start = _find_first_output(messages)
    inputs = messages[:start]
    outputs = [m.get("message", m) for m in messages[start:]]
    if inputs:
        facts["input"] = inputs
    if outputs:
        facts["output"] = [
            {"role": "assistant", **output} if isinstance(output, Mapping) else output
            for output in outputs
        ]


def _is_choice(event: Mapping[str, Any]) -> bool:
    return event.get("event.name") == "gen_ai.choice"


def _find_first_output(messages: list[Mapping[str, Any]]) -> int:
    """The index of the first output: the assistant's messages at the end."""
    start = len(messages)
    while start and messages[start - 1].get("role") == "assistant":
        start -= 1
    return start


def _refine_agent(record: SpanRecord, facts: Facts) -> None:
    """Restrict the conversation to the run; the messages before it are history."""
    if record.name.startswith("Agent run: "):
        put(facts, "agent_name", text(record.attributes.get("name")))
    messages = facts.get("input")
    start = count(record.attributes.get("pydantic_ai.new_message_index"))
    if isinstance(messages, (list, tuple)):
        run = messages[start:] if start else messages
        facts["input"] = [m for m in run if not _is_assistant(m)]
        if "output" not in facts:
            facts["output"] = [m for m in run if _is_assistant(m)]


def _is_assistant(message: Any) -> bool:
    return isinstance(message, Mapping) and (
        message.get("role") == "assistant" or message.get("kind") == "response"
    )


def _refine_tool(record: SpanRecord, facts: Facts) -> None:
    """Add the tool of a span of the OpenAI Agents integration, from keys without a prefix."""
    attributes = record.attributes
    if record.name.startswith("Function: "):
        for fact, key in (
            ("tool_name", "name"),
            ("arguments", "input"),
            ("result", "output"),
        ):
            value = loads(attributes.get(key))
            if value:
                facts.setdefault(fact, value)
    elif record.name.startswith("MCP request: tools/call "):
        facts.setdefault("tool_name", record.name.rpartition(" ")[2])


def _refine_call(record: SpanRecord, facts: Facts) -> None:
    """Content and counts; a stream has a second span without length, with its duration."""
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
    """Whether it is a stream's request in a trace of its own, without its response."""
    return (
        record.parent_id is None
        and record.status != "error"
        and record.name.startswith(("Chat Completion with", "Responses API with"))
        and record.scope_name.startswith("logfire")
        and "gen_ai.request.model" in record.attributes
        and not _OF_A_RESPONSE.intersection(record.attributes)
    )


_OF_A_RESPONSE = frozenset(
    {
        "gen_ai.usage.raw",
        "gen_ai.usage.input_tokens",
        "gen_ai.output.messages",
        "response_data",
        "events",
    }
)
"""A call with a response has at least one of these."""


def _refine_handoff(record: SpanRecord, facts: Facts) -> None:
    put(facts, "agent_name", text(record.attributes.get("to_agent")))


_REFINE_KIND = {
    "agent": _refine_agent,
    "tool": _refine_tool,
    "llm": _refine_call,
    "handoff": _refine_handoff,
}


LOGFIRE = Dialect(
    name="logfire",
    key_segments=(
        "logfire",
        "pydantic_ai",
        "tool_arguments",
        "tool_response",
        "all_messages_events",
        "all_messages",
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
