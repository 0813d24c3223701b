"""OpenTelemetry's GenAI conventions, every generation of them.

Source: semantic-conventions v1.26.0 to v1.41.0 and the semantic-conventions-genai
repository (autumn 2026); emitters: opentelemetry-instrumentation-genai-* 1.3b0,
-openai-v2 2.4b0, -google-genai 1.3b0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    amount,
    any_of,
    count,
    data,
    first,
    flag,
    indexed,
    number,
    one_of,
    structure,
    text,
    texts,
    times,
    word,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._events import (
    put_counts_of_turns,
    put_messages,
    put_tool_content,
)
from infinium_otel.dialects._facts import dig, put
from infinium_otel.dialects._operations import GENERIC_OPERATIONS, OPERATIONS
from infinium_otel.dialects._providers import identify_provider

if TYPE_CHECKING:
    from infinium_otel.records import Attributes, SpanRecord


FIELDS = {
    "kind": first(one_of(OPERATIONS), "gen_ai.operation.name")
    # Sentry's Relay adds a type to names of any kind.
    | first(
        one_of(OPERATIONS | {"agent": "agent", "ai_client": "llm"}),
        "gen_ai.operation.type",
    ),
    "weak_kind": first(one_of(GENERIC_OPERATIONS), "gen_ai.operation.name"),
    "operation": first(word, "gen_ai.operation.name"),
    "model": first(text, "gen_ai.response.model"),
    "model_requested": first(text, "gen_ai.request.model"),
    # gen_ai.system until 1.36, gen_ai.provider.name from 1.37
    "provider": first(text, "gen_ai.provider.name", "gen_ai.system"),
    "server": first(text, "server.address"),
    # prompt_tokens and completion_tokens in 1.26 only
    "input_tokens": first(
        count, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"
    ),
    "output_tokens": first(
        count, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"
    ),
    "total_tokens": first(count, "gen_ai.usage.total_tokens"),
    "cache_read": first(
        count,
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.input_cached_tokens",
        "gen_ai.usage.input_cache_read",
    ),
    "cache_write": first(
        count,
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.input_cache_creation",
        "gen_ai.usage.details.cache_write_tokens",
    ),
    "reasoning": first(
        count,
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.output_reasoning_tokens",
    ),
    "aggregate_input": first(count, "gen_ai.aggregated_usage.input_tokens"),
    "aggregate_output": first(count, "gen_ai.aggregated_usage.output_tokens"),
    "aggregate_cache_read": first(
        count,
        "gen_ai.aggregated_usage.cache_read.input_tokens",
        "gen_ai.aggregated_usage.details.cache_read_tokens",
    ),
    "aggregate_cache_write": first(
        count, "gen_ai.aggregated_usage.cache_write.input_tokens"
    ),
    "aggregate_reasoning": first(
        count, "gen_ai.aggregated_usage.details.reasoning_tokens"
    ),
    "temperature": first(number, "gen_ai.request.temperature"),
    "top_p": first(number, "gen_ai.request.top_p"),
    "max_tokens": first(
        count,
        "gen_ai.request.max_tokens",
        "gen_ai.request.max_completion_tokens",
        "gen_ai.request.max_output_tokens",
    ),
    "seed": first(number, "gen_ai.request.seed", "gen_ai.openai.request.seed"),
    "reasoning_effort": first(
        text,
        "gen_ai.request.reasoning.level",
        "gen_ai.request.reasoning_effort",
        "gen_ai.request.reasoning.effort",
    ),
    "response_id": first(text, "gen_ai.response.id"),
    "finish_reasons": first(
        texts,
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "gen_ai.completion.0.finish_reason",
    ),
    "streaming": first(flag, "gen_ai.request.stream", "gen_ai.is_streaming"),
    "ttft_ms": first(
        times(1000),
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
    ),
    "cost_usd": first(
        amount, "gen_ai.usage.cost", "gen_ai.usage.total_cost", "operation.cost"
    ),
    "purpose": first(text, "gen_ai.prompt.name"),
    "tool_name": first(text, "gen_ai.tool.name"),
    "tool_call_id": first(text, "gen_ai.tool.call.id"),
    "arguments": first(data, "gen_ai.tool.call.arguments"),
    "result": first(data, "gen_ai.tool.call.result"),
    "agent_name": first(
        text, "gen_ai.agent.name", "gen_ai.main_agent.name", "gen_ai.handoff.to_agent"
    ),
    "label": first(text, "gen_ai.guardrail.name"),
    "agent_id": first(text, "gen_ai.agent.id"),
    "agent_description": first(text, "gen_ai.agent.description"),
    "agent_version": first(text, "gen_ai.agent.version"),
    "task_name": first(text, "gen_ai.workflow.name"),
    "conversation_id": first(
        text,
        "gen_ai.conversation.id",
        "session.id",
        "gen_ai.thread.id",
        "microsoft.session.id",
        "gen_ai.live_session.id",
    ),
    "user_id": first(text, "user.id", "enduser.id", "enduser.pseudo.id", "gen_ai.user")
    | first(text, "gen_ai.request.user"),
    "input": first(data, "gen_ai.input.messages")
    | first(structure, "gen_ai.prompt", "gen_ai.prompt_json")
    | first(text, "gen_ai.retrieval.query.text", "gen_ai.prompt", "transcript"),
    "output": first(data, "gen_ai.output.messages")
    | first(structure, "gen_ai.completion", "gen_ai.completion_json")
    | first(text, "gen_ai.completion"),
    "system": first(data, "gen_ai.system_instructions"),
    "documents": first(structure, "gen_ai.retrieval.documents"),
    "http_status": first(
        count, "http.response.status_code", "http.status_code", "status_code"
    ),
    "retry_count": first(count, "http.request.resend_count"),
    "failed": first(any_of("failed"), "gen_ai.response.status"),
    "error_type": first(text, "error.type", "exception.type"),
    "error_message": first(text, "error.message", "exception.message"),
    "error_code": first(text, "error.code", "rpc.response.status_code"),
    "stack_trace": first(text, "error.stack_trace", "exception.stacktrace"),
}


def tool_attributes(
    name: str | None,
    *,
    call_id: str | None = None,
    arguments: str | None = None,
    result: str | None = None,
    tool_type: str | None = None,
) -> dict[str, Any]:
    """The attributes of a tool's run, under the keys of today's conventions.

    Args:
        arguments: as JSON text.
        tool_type: "function", "extension" or "datastore".

    Returns:
        Only the attributes with a value: OpenTelemetry has no null.

    Source: semantic-conventions v1.41.0, span `execute_tool`.
    """
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": tool_type,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": arguments,
        "gen_ai.tool.call.result": result,
    }
    return {key: value for key, value in attributes.items() if value is not None}


UNBILLED = frozenset({"fetch_response", "count_tokens"})
"""Operations whose token counts are those of a call made earlier or later.

Source: opentelemetry-go-compile-instrumentation, pull request 1330 (`count_tokens`).
"""

BEDROCK = "opentelemetry.instrumentation.bedrock"
BOTOCORE = "opentelemetry.instrumentation.botocore"


def _excludes_cache(scope_name: str, facts: Facts) -> bool:
    """Whether an emitter reports Bedrock's counts as they are, without cached tokens.

    The conventions want them inside `input_tokens`.

    Source: opentelemetry-instrumentation-bedrock (OpenLLMetry) 0.62.4, `span_utils.py`.
    """
    if scope_name.startswith(BEDROCK):
        return True
    is_botocore = scope_name.startswith(BOTOCORE)
    return (
        is_botocore and identify_provider(facts.get("kind", ""), facts) == "aws.bedrock"
    )


def refine(record: SpanRecord, facts: Facts) -> None:
    """Content in events or flattened keys, and the counts to correct or ignore."""
    if facts.get("operation") in UNBILLED:
        for fact in ("input_tokens", "output_tokens", "total_tokens"):
            facts.pop(fact, None)
    if facts.get("cache_read") and _excludes_cache(record.scope_name, facts):
        facts["excludes_cache"] = True
    if "cost_usd" not in facts:
        put(facts, "cost_usd", _sum_costs(record.attributes))
    _put_content(record, facts)
    if facts.get("kind") == "tool":
        put_tool_content(facts, record.events)
    elif facts.get("kind") == "handoff":
        _put_receiver(record, facts)
    elif _is_named_after_its_type(facts):
        del facts["agent_name"]


def _put_content(record: SpanRecord, facts: Facts) -> None:
    for side, prefix in (("input", "gen_ai.prompt"), ("output", "gen_ai.completion")):
        if side not in facts:
            put(facts, side, indexed(record.attributes, prefix))
    if record.events:
        put_messages(facts, record.events)
        put_counts_of_turns(facts, record.events)
    if not facts.get("finish_reasons"):
        put(facts, "finish_reasons", _find_finish_reasons(facts.get("output")))
    if _was_left(record, facts):
        del facts["finish_reasons"]


_OPENAI_SCOPE = "opentelemetry.instrumentation.genai.openai"


def _was_left(record: SpanRecord, facts: Facts) -> bool:
    """Whether the program left a stream before its end, so that no finish reason came.

    Source: opentelemetry-instrumentation-genai-openai 1.3b0, `map_finish_reason`, which
    writes error for a missing one; a stream that fails has that status as well.
    """
    return (
        record.scope_name == _OPENAI_SCOPE
        and facts.get("streaming") is True
        and record.status != "error"
        and facts.get("finish_reasons") == ("error",)
    )


def _find_finish_reasons(output: Any) -> tuple[str, ...] | None:
    """Why each choice ended, which the conventions had in the message from 1.37 on."""
    if isinstance(output, str) and "finish_reason" not in output:
        return None
    found = structure(output)
    listed = found if isinstance(found, (list, tuple)) else ()
    reasons = (text(dig(message, "finish_reason")) for message in listed)
    return tuple(filter(None, reasons)) or None


def _is_named_after_its_type(facts: Facts) -> bool:
    """Whether what orchestrates agents has its type as the agent's name.

    Strands' graph and swarm: `gen_ai.agent.name` is graph under `invoke_graph`.
    """
    name = facts.get("agent_name")
    is_workflow = facts.get("kind") == "workflow"
    return is_workflow and facts.get("operation") == f"invoke_{name}"


def _put_receiver(record: SpanRecord, facts: Facts) -> None:
    """Add the agent that takes over; gen_ai.agent.name is the one that hands over."""
    facts.pop("agent_name", None)
    put(facts, "agent_name", text(record.attributes.get("gen_ai.handoff.to_agent")))


def _sum_costs(attributes: Attributes) -> float | None:
    """The cost of a span that has only the costs of input and output."""
    parts = [amount(attributes[key]) for key in _COSTS if key in attributes]
    return sum(part or 0 for part in parts) if parts else None


_COSTS = ("gen_ai.usage.input_cost", "gen_ai.usage.output_cost")


GENAI = Dialect(
    name="gen_ai",
    key_segments=("gen_ai",),
    fields=FIELDS,
    refine=refine,
    source="OpenTelemetry semantic conventions 1.26 to 1.41 and their successor",
)
