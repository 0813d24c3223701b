"""LangSmith's client, which makes spans of its finished runs.

Source: langsmith 0.14.17 (`langsmith._internal.otel`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
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
from infinium_otel.dialects._facts import (
    as_tool,
    dig,
    put,
    put_counts,
    put_members,
    put_provider_error,
)
from infinium_otel.dialects._failures import split_description

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "tool": "tool",
    "retriever": "retrieval",
    "embedding": "embedding",
    # Their gen_ai.operation.name is chat, but no model was called.
    "prompt": "step",
    "parser": "step",
}
GENERIC_KINDS = {"chain": "workflow"}

_METADATA = "langsmith.metadata."
_INPUT_DETAILS = "gen_ai.usage.input_token_details"
_OUTPUT_DETAILS = "gen_ai.usage.output_token_details"

FIELDS = {
    "kind": first(one_of(KINDS), "langsmith.span.kind"),
    "weak_kind": first(one_of(GENERIC_KINDS), "langsmith.span.kind"),
    "label": first(text, "langsmith.trace.name"),
    # gen_ai.system is only guessed from the model's name
    "provider": first(text, _METADATA + "ls_provider"),
    "model_requested": first(text, _METADATA + "ls_model_name"),
    "temperature": first(
        number,
        _METADATA + "ls_temperature",
        _METADATA + "temperature",
        "gen_ai.request.temperature",
    ),
    "top_p": first(number, _METADATA + "top_p", "gen_ai.request.top_p"),
    "max_tokens": first(
        count, _METADATA + "ls_max_tokens", "gen_ai.request.max_tokens"
    ),
    # the text of a Python dict
    "cache_read": first(member("cache_read", count), _INPUT_DETAILS),
    "cache_write": first(member("cache_creation", count), _INPUT_DETAILS),
    "reasoning": first(member("reasoning", count), _OUTPUT_DETAILS),
    "streaming": first(flag, "langsmith.request.streaming"),
    "tags": first(texts, "langsmith.span.tags"),
    # langsmith.trace.session_id is the project, not a conversation
    "conversation_id": first(
        text,
        _METADATA + "session_id",
        _METADATA + "thread_id",
        _METADATA + "conversation_id",
    ),
    "user_id": first(text, _METADATA + "user_id"),
    "agent_name": first(text, _METADATA + "lc_agent_name"),
    "input": first(data, "gen_ai.prompt"),
    "output": first(data, "gen_ai.completion"),
}

_REQUEST = {
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "max_tokens": ("max_tokens", count),
}
_USAGE = {"input_tokens": "input_tokens", "output_tokens": "output_tokens"}
_READ = {"cache_read": "cache_read", "cache_write": "cache_creation"}
_WRITTEN = {"reasoning": "reasoning"}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Facts that only the dumped runs contain, and the error inside its text."""
    if "langsmith.span.kind" not in record.attributes:
        facts.clear()
        return
    kind = facts.get("kind")
    if kind == "tool":
        as_tool(facts, record.name)
    elif kind == "llm":
        put_members(facts, structure(facts.get("input")), _REQUEST)
        _put_response(structure(facts.get("output")), facts)
    if record.status == "error":
        _put_failure(record, facts)


def _put_response(outputs: Any, facts: Facts) -> None:
    """Add model, finish reason and tokens from LangChain's message."""
    message = dig(outputs, "generations", 0, 0, "message", "kwargs")
    if not isinstance(message, Mapping):
        return
    usage = message.get("usage_metadata")
    put_counts(facts, usage, _USAGE)
    put_counts(facts, dig(usage, "input_token_details"), _READ)
    put_counts(facts, dig(usage, "output_token_details"), _WRITTEN)
    response = message.get("response_metadata")
    put_provider_error(facts, response)
    put(facts, "model", text(dig(response, "model_name")))
    put(facts, "response_id", text(dig(response, "id")))
    reason = text(dig(response, "finish_reason")) or text(dig(response, "stop_reason"))
    put(facts, "finish_reasons", (reason,) if reason else None)


def _put_failure(record: SpanRecord, facts: Facts) -> None:
    """Add the real type: the recorded one is Exception, the traceback ends with it."""
    for event in reversed(record.events):
        traceback = text(event.attributes.get("exception.message"))
        if event.name != "exception" or not traceback:
            continue
        lines = traceback.splitlines()
        kind, message = split_description(lines[-1])
        put(facts, "failure_type", kind)
        put(facts, "failure_message", message if kind else lines[0])
        put(facts, "stack_trace", traceback if len(lines) > 1 else None)
        return


LANGSMITH = Dialect(
    name="langsmith",
    key_segments=("langsmith",),
    fields=FIELDS,
    refine=refine,
    source="langsmith 0.14.17",
)
