"""CrewAI's own spans: GenAI keys beside `crewai.*`.

Source: crewai 1.15.30 (`crewai.telemetry.tracing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    count,
    data,
    first,
    flag,
    member,
    structure,
    text,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "call llm": "llm",
    "call tool": "tool",
    "execute mcp tool": "tool",
    "execute agent": "agent",
    "agent reasoning": "planning",
    "evaluate guardrail": "guardrail",
    "query memory": "memory",
    "retrieve memory": "memory",
    "save memory": "memory",
    "query knowledge": "retrieval",
    "search knowledge": "retrieval",
    "connect mcp": "mcp",
}
GENERIC_KINDS = {
    "execute crew": "workflow",
    "execute flow": "workflow",
    "execute task": "step",
    "call method": "step",
}


def deliverable(value: Any) -> tuple[str, ...] | None:
    """The expected output of a task: one text, even with commas."""
    found = text(value)
    return (found,) if found else None


def description(tasks: Any) -> str | None:
    """What a crew is to do: the description of its first task."""
    return text(dig(structure(tasks), 0, "description"))


_USAGE = "crewai.crew.usage_metrics"

FIELDS = {
    "objective": first(text, "crewai.task.description"),
    "deliverables": first(deliverable, "crewai.task.expected_output"),
    # gen_ai.agent.name is the agent's key, a checksum
    "agent_name": first(text, "crewai.agent.role", "gen_ai.agent.name"),
    "task_name": first(text, "crewai.crew.name", "crewai.flow.name"),
    "label": first(text, "crewai.task.name", "crewai.method.name"),
    "tool_name": first(text, "crewai.mcp.tool_name"),
    "arguments": first(data, "crewai.mcp.tool_args"),
    "result": first(data, "crewai.mcp.tool_result"),
    "replayed": first(flag, "crewai.tool.from_cache"),
    "retry_count": first(count, "crewai.guardrail.retry_count"),
    "error_type": first(text, "crewai.mcp.error_type", "crewai.tool.failure.reason"),
    "error_message": first(text, "crewai.tool.failure.message")
    | first(text, "crewai.guardrail.error"),
    "error_code": first(text, "crewai.tool.failure.code"),
    "aggregate_input": first(member("prompt_tokens", count), _USAGE),
    "aggregate_output": first(member("completion_tokens", count), _USAGE),
    "aggregate_cache_read": first(member("cached_prompt_tokens", count), _USAGE),
    "aggregate_cache_write": first(member("cache_creation_tokens", count), _USAGE),
    "aggregate_reasoning": first(member("reasoning_tokens", count), _USAGE),
    "input": first(data, "gen_ai.input.messages")
    | first(data, "crewai.crew.inputs", "crewai.flow.inputs", "crewai.memory.query")
    | first(data, "crewai.memory.value", "crewai.knowledge.query")
    | first(data, "crewai.knowledge.task_prompt", "crewai.method.params")
    | first(description, "crewai.crew.tasks")
    | first(text, "crewai.task.description"),
    "output": first(data, "gen_ai.output.messages")
    | first(
        data,
        "crewai.crew.result",
        "crewai.crew.output",
        "crewai.task.output",
        "crewai.flow.result",
    )
    | first(data, "crewai.memory.results", "crewai.memory.content")
    | first(data, "crewai.knowledge.retrieved_knowledge", "crewai.method.result")
    | first(data, "crewai.reasoning.plan", "crewai.guardrail.result"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Kinds by the span's name, which is fixed here."""
    kind = KINDS.get(record.name)
    if kind:
        facts["kind"] = kind
    else:
        put(facts, "weak_kind", GENERIC_KINDS.get(record.name))
    if kind == "tool":
        as_tool(facts, None)
    elif "null" in map(record.attributes.get, _INPUTS):
        facts["input"] = None  # the conventions' key has the same "null" as a message
    if record.name == "tool failure":
        # the tool's own span, a sibling, reports the failure too
        facts["dropped"] = True
    if record.attributes.get("crewai.tool.failure.message"):
        facts["failed"] = True
    if record.scope_name == OPENINFERENCE:
        _put_task(structure(record.attributes.get("output.value")), facts)


_INPUTS = ("crewai.crew.inputs", "crewai.flow.inputs")
OPENINFERENCE = "openinference.instrumentation.crewai"


def _put_task(output: Any, facts: Facts) -> None:
    """Add an agent's task, which OpenInference records only in its output."""
    objective = text(dig(output, "description"))
    if objective and dig(output, "raw") is not None:
        put(facts, "objective", objective)
        put(facts, "deliverables", deliverable(dig(output, "expected_output")))
        put(facts, "input", objective)
        put(facts, "output", text(dig(output, "raw")))


CREWAI = Dialect(
    name="crewai",
    key_segments=("crewai",),
    scopes=("crewai", OPENINFERENCE),
    fields=FIELDS,
    refine=refine,
    source="crewai 1.15.30",
)
