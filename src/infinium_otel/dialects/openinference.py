"""OpenInference: flattened messages, a kind on every span.

Source: openinference-semantic-conventions 0.1.42 and the instrumentations of
autumn 2026 (openai 0.1.66, langchain 0.1.80, llama-index 4.6.1, ...).
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
    indexed,
    member,
    number,
    one_of,
    structure,
    text,
    texts,
    word,
)
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import dig, put_provider_error
from infinium_otel.dialects._flattened import put_flattened_messages
from infinium_otel.dialects._openinference_agents import (
    put_running_agent,
    refine_agent,
)
from infinium_otel.dialects._operations import OPERATIONS
from infinium_otel.dialects._provider_objects import (
    has_no_answer,
    put_counts_of,
    put_details_of,
    put_finish_reason,
    put_response,
)
from infinium_otel.dialects._providers import identify_provider
from infinium_otel.dialects._repr_text import REPR_STRING, parse_repr_string
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "embedding": "embedding",
    "retriever": "retrieval",
    "reranker": "rerank",
    "tool": "tool",
    "agent": "agent",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
    "decision": "planning",
}
GENERIC_KINDS = {"chain": "step", "prompt": "step", "unknown": "step"}

_PARAMETERS = ("llm.invocation_parameters", "embedding.invocation_parameters")

FIELDS = {
    "kind": first(one_of(KINDS), "openinference.span.kind"),
    "weak_kind": first(one_of(GENERIC_KINDS), "openinference.span.kind"),
    # model_name is the requested model unless the response names its own
    "model": first(
        text,
        "llm.response.model_name",
        "gen_ai.response.model",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "decision.model_name",
    ),
    "model_requested": first(text, "llm.request.model_name")
    | first(member("model", text), *_PARAMETERS),
    # provider hosts the model, system is the API it has
    "provider": first(text, "llm.provider", "llm.system"),
    "input_tokens": first(
        count, "llm.token_count.prompt", "decision.token_count.input"
    ),
    "output_tokens": first(
        count, "llm.token_count.completion", "decision.token_count.output"
    ),
    "total_tokens": first(count, "llm.token_count.total"),
    "cache_read": first(count, "llm.token_count.prompt_details.cache_read"),
    "cache_write": first(count, "llm.token_count.prompt_details.cache_write"),
    "reasoning": first(count, "llm.token_count.completion_details.reasoning"),
    "temperature": first(member("temperature", number), *_PARAMETERS),
    "top_p": first(member("top_p topP", number), *_PARAMETERS),
    "max_tokens": first(member(MAX_TOKENS, count), *_PARAMETERS),
    "seed": first(member("seed", number), *_PARAMETERS),
    "streaming": first(member("stream", flag), *_PARAMETERS),
    "finish_reasons": first(texts, "llm.finish_reason"),
    "cost_usd": first(amount, "llm.cost.total"),
    "tool_name": first(text, "tool.name"),
    "tool_call_id": first(text, "tool.id"),
    "agent_name": first(text, "agent.name"),
    "weak_agent_name": first(text, "graph.node.name"),
    "label": first(text, "graph.node.name"),
    "conversation_id": first(text, "session.id"),
    "user_id": first(text, "user.id", "llm.user"),
    "input": first(data, "input.value", "reranker.query"),
    "output": first(data, "output.value"),
    "tags": first(texts, "tag.tags"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Flattened lists, and the kinds as their emitters mean them."""
    attributes = record.attributes
    _correct_kind(record, facts)
    if facts.get("kind") == "agent":
        refine_agent(record, facts)
    kind = facts.get("kind")
    if kind == "tool":
        _refine_tool(record, facts)
    else:
        put_flattened_messages(facts, attributes)
    if kind is None:
        put_running_agent(attributes, facts)
    elif kind == "embedding":
        facts.setdefault("input", indexed(attributes, "embedding.embeddings"))
    elif kind == "llm":
        _put_response_facts(facts)
        facts["dropped"] = _is_preparation(record)
    if record.scope_name.endswith(".autogen_agentchat"):
        _put_autogen_messages(facts)
    if facts.get("cache_read") and _excludes_cache(record.scope_name, facts):
        facts["excludes_cache"] = True
    _put_documents(attributes, facts)
    for fact in [name for name, value in facts.items() if value is None]:
        del facts[fact]


_SPEECH = ("stt", "tts")
"""Pipecat's services that hear and speak; its instrumentation calls them LLM too."""
_INSTRUMENTATION = "openinference"
"""In the scope of an instrumentation, Python's or JavaScript's, not of a processor."""


def _excludes_cache(scope_name: str, facts: Facts) -> bool:
    """Whether the input lacks the cached tokens: Agno's with Anthropic's own counts."""
    is_agno = scope_name.startswith("openinference.instrumentation.agno")
    return is_agno and identify_provider(facts.get("kind", ""), facts) == "anthropic"


def _correct_kind(record: SpanRecord, facts: Facts) -> None:
    if record.attributes.get("service.type") in _SPEECH:
        facts.pop("kind", None)
        facts["weak_kind"] = "step"
    elif _INSTRUMENTATION not in record.scope_name:
        _restore_kind(record.attributes, facts)


def _restore_kind(attributes: Mapping[str, Any], facts: Facts) -> None:
    """Restore the kind of a span to which a processor added these keys later.

    The processor for OpenLIT writes TOOL on calls that requested one, the one for
    OpenLLMetry LLM on embeddings.
    """
    operation = attributes.get(
        "gen_ai.operation.name", attributes.get("llm.request.type")
    )
    own = OPERATIONS.get(word(operation) or "")
    if own and "kind" in facts:
        facts["kind"] = own


def _put_documents(attributes: Mapping[str, Any], facts: Facts) -> None:
    for prefix in ("retrieval.documents", "reranker.output_documents"):
        documents = indexed(attributes, prefix)
        if documents:
            facts["documents"] = documents


def _is_preparation(record: SpanRecord) -> bool:
    """Whether it is a private method that only prepares a request, though marked LLM."""
    method = record.name.rpartition(".")[2]
    if not method.startswith("_prepare") or record.status == "error":
        return False
    return not any(
        key.startswith(("llm.token_count", "llm.output_messages"))
        for key in record.attributes
    )


def _put_response_facts(facts: Facts) -> None:
    """Add the response's id and model, which only the raw response contains."""
    response = facts.pop("response", None)
    body = loads(facts.get("output") if response is None else response)
    if isinstance(body, list) and len(body) == 1:
        body = body[0]  # the JavaScript Agents SDK lists its one response
    if not isinstance(body, Mapping):
        return
    source = _find_response_body(body)
    model = text(source.get("model"))
    if model and model != facts.get("model"):
        facts.setdefault("model_requested", facts.get("model"))
        facts["model"] = model
    if text(source.get("id")):
        facts.setdefault("response_id", source["id"])
    if not facts.get("input_tokens") and not facts.get("output_tokens"):
        _put_counts_of_response(facts, source)
    put_details_of(facts, source or body)
    put_finish_reason(facts, source or body)
    if response is None and has_no_answer(body):
        put_response(facts, body)
        del facts["output"]
    _add_automatic_calls(body, facts)
    put_provider_error(facts, source)


def _put_counts_of_response(facts: Facts, source: Mapping[str, Any]) -> None:
    """Add the counts of a response where the instrumentation found none, or zeros."""
    found: Facts = {}
    put_counts_of(found, source.get("usage"))
    put_counts_of(found, source.get("usage_metadata"))
    if any(found.values()):
        facts.update(found)


def _add_automatic_calls(body: Mapping[str, Any], facts: Facts) -> None:
    """Add the turns of Gemini's client, which runs tools itself within one call."""
    history = body.get("automatic_function_calling_history")
    messages = facts.get("input")
    if isinstance(history, list) and isinstance(messages, list):
        known = sum(message.get("role") != "system" for message in messages)
        facts["input"] = [*messages, *history[known:]]


def _find_response_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The provider's response: *body* itself, or what LangChain keeps of it inside."""
    generations = body.get("generations")
    if isinstance(generations, list):
        response: dict[str, Any] = {}
        for path in (("generation_info",), ("message", "kwargs", "response_metadata")):
            part = dig(generations, 0, 0, *path)
            response |= part if isinstance(part, Mapping) else {}
        usage = dig(generations, 0, 0, "message", "kwargs", "usage_metadata")
        total = dig(body, "llm_output", "token_usage")
        found = {"model": response.get("model_name"), "usage_metadata": usage or total}
        return found | response
    return body if "choices" in body or "content" in body or "output" in body else {}


def _refine_tool(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result; a handoff is reported as a tool."""
    facts["arguments"] = facts.pop("input", None)
    facts["result"] = _unwrap_response(facts.pop("output", None))
    if facts["arguments"] is None:
        facts["arguments"] = _read_arguments(record.attributes.get("tool.parameters"))
    if _HANDOFF.match(record.name) and _is_handoff(facts):
        facts["kind"] = "handoff"
        facts["agent_name"] = _HANDOFF.sub("", record.name)
        facts.pop("tool_name", None)


_HANDOFF = re.compile(r"handoff(?:s)? to ", re.IGNORECASE)


def _is_handoff(facts: Facts) -> bool:
    """Whether it hands over to an agent, rather than being a tool of that name."""
    name = facts.get("tool_name")
    return name is None or str(name).lower().startswith("handoff")


def _read_arguments(parameters: Any) -> Any:
    """A tool's arguments; LlamaIndex writes the schema of its parameters instead."""
    found = structure(parameters)
    return None if isinstance(found, Mapping) and "properties" in found else found


def _unwrap_response(output: Any) -> Any:
    """A tool's result inside Gemini's function response."""
    if isinstance(output, str) and '"response":' in output:
        found = loads(output)
        if isinstance(found, Mapping) and found.keys() == _FUNCTION_RESPONSE:
            return found["response"]
    return output


_FUNCTION_RESPONSE = frozenset({"id", "name", "response"})


_MESSAGE_REPR = re.compile(
    rf"source='(?P<source>[^']{{0,100}})' .{{0,1000}}? content=(?P<text>{REPR_STRING})",
    re.DOTALL,
)


def _put_autogen_messages(facts: Facts) -> None:
    """AutoGen's messages are reprs, each one text."""
    messages = dig(structure(facts.get("input")), "messages")
    listed = messages if isinstance(messages, list) else ()
    reprs = [message for message in listed if isinstance(message, str)]
    found = [match for match in map(_MESSAGE_REPR.search, reprs) if match]
    if found:
        facts["input"] = [
            {
                "role": "user" if match["source"] == "user" else "assistant",
                "content": parse_repr_string(match["text"]),
            }
            for match in found
        ]


OPENINFERENCE = Dialect(
    name="openinference",
    key_segments=(
        "openinference",
        "llm",
        "input",
        "output",
        "tool",
        "retrieval",
        "embedding",
    ),
    fields=FIELDS,
    refine=refine,
    source="openinference-semantic-conventions 0.1.42",
)
