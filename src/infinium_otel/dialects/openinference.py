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
    current_agent,
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
from infinium_otel.dialects._facts import dig, put_refusal
from infinium_otel.dialects._flattened import put_flattened_messages
from infinium_otel.dialects._printed import PRINTED_TEXT, unquoted
from infinium_otel.dialects.genai import KINDS as OPERATIONS
from infinium_otel.jsontext import decode

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
    # model_name is the model asked for until an answer names its own
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
    # provider is who hosts, system whose interface it is
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
    "label": first(text, "graph.node.name"),
    "conversation_id": first(text, "session.id"),
    "user_id": first(text, "user.id", "llm.user"),
    "input": first(data, "input.value", "reranker.query"),
    "output": first(data, "output.value"),
    "tags": first(texts, "tag.tags"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Flattened lists, and what a kind means to its emitter."""
    attributes = record.attributes
    if not record.scope_name.startswith("openinference"):
        _own_kind(attributes, facts)
    if facts.get("kind") == "agent":
        _agent(record, facts)
    kind = facts.get("kind")
    if kind == "tool":
        _tool(record, facts)
    else:
        put_flattened_messages(facts, attributes)
    if kind is None:
        _running_agent(attributes, facts)
    elif kind == "embedding":
        facts.setdefault("input", indexed(attributes, "embedding.embeddings"))
    elif kind == "llm":
        _response_facts(facts)
        facts["dropped"] = _prepares(record)
    if record.scope_name.endswith(".autogen_agentchat"):
        _autogen(facts)
    _documents(attributes, facts)
    for fact in [name for name, value in facts.items() if value is None]:
        del facts[fact]


def _own_kind(attributes: Mapping[str, Any], facts: Facts) -> None:
    """What the emitter calls a span that a processor added these keys to later.

    The processor for OpenLIT says TOOL of calls that asked for one, that for OpenLLMetry
    says LLM of embeddings.
    """
    said = attributes.get("gen_ai.operation.name", attributes.get("llm.request.type"))
    own = OPERATIONS.get(word(said) or "")
    if own and "kind" in facts:
        facts["kind"] = own


def _documents(attributes: Mapping[str, Any], facts: Facts) -> None:
    for prefix in ("retrieval.documents", "reranker.output_documents"):
        documents = indexed(attributes, prefix)
        if documents:
            facts["documents"] = documents


def _prepares(record: SpanRecord) -> bool:
    """A private method that only readies a request: marked LLM, but no call."""
    method = record.name.rpartition(".")[2]
    quiet = record.status != "error" and not any(
        key.startswith(("llm.token_count", "llm.output_messages"))
        for key in record.attributes
    )
    return method.startswith("_prepare") and quiet


def _response_facts(facts: Facts) -> None:
    """The response's id and model stand only in the raw response."""
    response = facts.pop("response", None)
    body = decode(facts.get("output") if response is None else response)
    if not isinstance(body, Mapping):
        return
    source = _response_body(body)
    model = text(source.get("model"))
    if model and model != facts.get("model"):
        facts.setdefault("model_requested", facts.get("model"))
        facts["model"] = model
    if text(source.get("id")):
        facts.setdefault("response_id", source["id"])
    _automatic_calls(body, facts)
    put_refusal(facts, source)


def _automatic_calls(body: Mapping[str, Any], facts: Facts) -> None:
    """Gemini's client runs tools itself: what it asked with last is in its answer."""
    history = body.get("automatic_function_calling_history")
    asked = facts.get("input")
    if isinstance(history, list) and isinstance(asked, list):
        questions = sum(message.get("role") != "system" for message in asked)
        facts["input"] = [*asked, *history[questions:]]


def _response_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The provider's answer inside *body*: itself, or LangChain's wrapping of it."""
    generations = body.get("generations")
    if isinstance(generations, list):
        answer: dict[str, Any] = {}
        for path in (("generation_info",), ("message", "kwargs", "response_metadata")):
            told = dig(generations, 0, 0, *path)
            answer |= told if isinstance(told, Mapping) else {}
        return {"model": answer.get("model_name"), **answer}
    return body if "choices" in body or "content" in body or "output" in body else {}


def _tool(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result; a handoff is told as a tool."""
    facts["arguments"] = facts.pop("input", None)
    facts["result"] = _response(facts.pop("output", None))
    if facts["arguments"] is None:
        facts["arguments"] = _arguments(record.attributes.get("tool.parameters"))
    if record.name.startswith("handoff to ") and "tool_name" not in facts:
        facts["kind"] = "handoff"
        facts["agent_name"] = record.name.removeprefix("handoff to ")


def _arguments(parameters: Any) -> Any:
    """What a tool was called with; LlamaIndex writes there what it may be called with."""
    found = structure(parameters)
    return None if isinstance(found, Mapping) and "properties" in found else found


def _response(output: Any) -> Any:
    """A tool's answer inside Gemini's function response."""
    if isinstance(output, str) and '"response":' in output:
        found = decode(output)
        if isinstance(found, Mapping) and found.keys() == _FUNCTION_RESPONSE:
            return found["response"]
    return output


_FUNCTION_RESPONSE = frozenset({"id", "name", "response"})


def _agent(record: SpanRecord, facts: Facts) -> None:
    """LangChain's callback says AGENT of whatever has "agent" in its name.

    The Agents SDK's processor says it of the trace, which is no agent's but the run's.
    """
    attributes = record.attributes
    if record.scope_name.endswith(".openai_agents") and "agent_name" not in facts:
        facts["kind"] = "workflow"
        return
    if "tool.name" in attributes:
        facts["kind"] = "tool"
        return
    node = text(attributes.get("graph.node.id"))
    name = node or text(record.name.removesuffix(".run").removesuffix(".arun"))
    running = _AGENT_NAME(attributes.get("metadata"))
    if "agent_name" not in facts and running not in (None, name):
        del facts["kind"]
        facts["weak_kind"] = "step"
        name = running
    facts.setdefault("agent_name", name)


_AGENT_NAME = member("lc_agent_name", text)


_PRINTED = re.compile(
    rf"source='(?P<source>[^']{{0,100}})' .{{0,1000}}? content=(?P<text>{PRINTED_TEXT})",
    re.DOTALL,
)


def _autogen(facts: Facts) -> None:
    """AutoGen's messages are printed, each as one text."""
    messages = dig(structure(facts.get("input")), "messages")
    listed = messages if isinstance(messages, list) else ()
    printed = [message for message in listed if isinstance(message, str)]
    found = [match for match in map(_PRINTED.search, printed) if match]
    if found:
        facts["input"] = [
            {
                "role": "user" if match["source"] == "user" else "assistant",
                "content": unquoted(match["text"]),
            }
            for match in found
        ]


def _running_agent(attributes: Mapping[str, Any], facts: Facts) -> None:
    """LlamaIndex's workflow names the agent at work only in what its steps return."""
    for key in ("output.value", "input.value"):
        name = current_agent(attributes.get(key))
        if name:
            facts.setdefault("agent_name", name)
            break


OPENINFERENCE = Dialect(
    name="openinference",
    speaks=(
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
