"""The kind of a span that no dialect knows: one decision, in one place."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from infinium_otel.dialects._ai_scopes import is_ai_scope
from infinium_otel.dialects._attributes import structure, word
from infinium_otel.dialects._call_signs import CallSigns
from infinium_otel.dialects._conversations import find_conversation
from infinium_otel.dialects._fact_table import CALLS
from infinium_otel.dialects._facts import read_tool_request
from infinium_otel.dialects._generic_values import find_model_name, name
from infinium_otel.dialects._infer_kind import (
    infer_from_facts,
    infer_from_name,
    is_client_method,
)
from infinium_otel.dialects._operations import OPERATIONS
from infinium_otel.dialects._providers import is_model_family
from infinium_otel.dialects._words import names_ai, split_words
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import KeyShape
    from infinium_otel.records import SpanRecord

_KIND_WORDS = {
    "llm": (
        "llm llmcall llmrequest llmgeneration llmspan chat chatmodel chatcompletion "
        "completion textcompletion generation modelcall modelrequest modelgeneration "
        "languagemodel"
    ),
    "embedding": "embedding embeddings embedder embeddingmodel",
    "rerank": "rerank reranker reranking",
    "retrieval": "retriever retrieval rag vectorstore vectordb",
    "tool": "tool toolcall toolexecution toolrun functioncall mcptool mcptoolcall",
    "agent": "agent agentrun agentcall agentturn subagent",
    "guardrail": (
        "guardrail guardrailinput guardrailoutput inputguardrail outputguardrail"
    ),
    "evaluator": "evaluator evaluation",
    "memory": "memory",
    "handoff": "handoff agenthandoff",
}
_GENERIC_KIND_WORDS = {
    "workflow": "workflow chain flow graph pipeline crew chatclient",
    "step": "task step span node advisor prompt parser function toolsnode",
}
_KINDS = {w: kind for kind, line in _KIND_WORDS.items() for w in line.split()}
_GENERIC_KINDS = {
    w: kind for kind, line in _GENERIC_KIND_WORDS.items() for w in line.split()
}

_INVOCATION = "invocation"
_INVOKED = {"": "agent", "mcp": "tool"}
"""What Monocle's `agentic.invocation` and `agentic.mcp.invocation` invoke."""

_OVERRULED = frozenset({"guardrail", "evaluator"})
"""Kinds of frameworks' spans around any call, which are model calls if they have tokens."""
_TO_CONFIRM = frozenset({"tool", "agent"})


def put_kind(record: SpanRecord, facts: Facts, shape: KeyShape) -> None:
    """Add the kind, by the best evidence there is.

    A vendor's own word for it comes first, then what the dialects' facts show, a tool's
    name, the signs of a model call, the span's name, and a protocol.
    """
    if "worker_role" in shape.candidates and _only_prefills(record, shape):
        facts["weak_kind"] = "step"
        return
    if "kind" not in facts:
        _put_named_kind(record, facts, shape)
    if not facts.get("kind"):
        kind = infer_from_facts(record, facts) or _infer_tool(record, facts, shape)
        if kind:
            facts["kind"] = kind
    if not facts.get("kind") or facts["kind"] in _OVERRULED:
        _put_inferred_call(record, facts, shape)
    if not facts.get("kind"):
        kind = _infer_from_name(record, facts, shape) or shape.protocol
        if kind:
            facts["kind"] = kind
        elif "weak_kind" not in facts and is_client_method(record.name):
            facts["maybe_call"] = True


def _only_prefills(record: SpanRecord, shape: KeyShape) -> bool:
    """Whether a model server's worker only reads the prompt for the one that answers."""
    places = shape.candidates["worker_role"]
    return any(word(record.attributes[key]) == "prefill" for _, key in places)


def _put_named_kind(record: SpanRecord, facts: Facts, shape: KeyShape) -> None:
    """Add the kind that a vendor's `*.span.type` or the like names."""
    for _, key in shape.candidates.get("kind", ()):
        found_word = (word(record.attributes[key]) or "").removeprefix("gen_ai.")
        value = "".join(split_words(found_word))
        kind = _KINDS.get(value) or OPERATIONS.get(found_word)
        if kind is None and value.endswith(_INVOCATION):
            invoked = value.removesuffix(_INVOCATION).removeprefix("agentic")
            kind = _INVOKED.get(invoked) or _KINDS.get(invoked)
        if kind is not None and _is_own_type(key, record):
            if _is_ambiguous_type(key, value) and not _has_evidence(record, shape):
                if kind not in _TO_CONFIRM:
                    continue
                facts["unconfirmed"] = True
            facts["kind"] = kind
            if key.endswith("entity.type"):
                _put_entity(record, facts, key)
            return
        if value in _GENERIC_KINDS:
            facts.setdefault("weak_kind", _GENERIC_KINDS[value])


_TYPES_OF_SPANS = frozenset("span observation trace".split())
_AMBIGUOUS_KINDS = frozenset(
    "tool agent memory handoff evaluation generation completion chat subagent".split()
)


def _is_ambiguous_type(key: str, value: str) -> bool:
    """Whether `resource.kind: Agent` may be the type of anything but work."""
    words = split_words(key)
    is_of_span = len(words) > 1 and words[-2] in _TYPES_OF_SPANS
    return value in _AMBIGUOUS_KINDS and not is_of_span and not names_ai(key)


_WORK = (frozenset({"arguments", "result"}), frozenset({"input", "output"}))


def _has_evidence(record: SpanRecord, shape: KeyShape) -> bool:
    """Whether a span shows a model's work by its scope, its keys or what it worked on."""
    return (
        shape.names_ai
        or any(work <= shape.candidates.keys() for work in _WORK)
        or is_ai_scope(record.scope_name)
    )


def _get_entity(record: SpanRecord, key: str) -> str | None:
    return name(record.attributes.get(key.removesuffix("type") + "name"))


def _is_own_type(key: str, record: SpanRecord) -> bool:
    """Whether a type is the span's own; an entity's type is on all spans below it."""
    if not key.endswith("entity.type"):
        return True
    names = (_get_entity(record, key), name(record.attributes.get("subagent.name")))
    return any(entity and entity in record.name for entity in names)


def _put_entity(record: SpanRecord, facts: Facts, key: str) -> None:
    entity = _get_entity(record, key)
    if entity and facts["kind"] in ("agent", "tool"):
        facts.setdefault(f"weak_{facts['kind']}_name", entity)


_TOOL_FACTS = ("tool_name", "tool_call_id")


def _infer_tool(record: SpanRecord, facts: Facts, shape: KeyShape) -> str:
    """A tool by its name or call id, under any prefix but a list of messages.

    A compiler has a name too: without an AI library's word, arguments as a model writes
    them or a call's id it is a tool only beside a model's work.
    """
    attributes = record.attributes
    keys = [
        key
        for fact in _TOOL_FACTS
        for rank, key in shape.candidates.get(fact, ())
        if rank <= 1 and not any(map(str.isdigit, key.split(".")))
    ]
    if not (facts.get("tool_name") or any(name(attributes[key]) for key in keys)):
        request = _find_request(record, facts, shape)
        if request is None:
            return ""
        facts["input"] = request
    if not _is_models_tool(record, facts, shape):
        facts["unconfirmed"] = True
    return "tool"


def _find_request(record: SpanRecord, facts: Facts, shape: KeyShape) -> str | None:
    """The request for a tool that is all that went in: `{"name", "arguments"}`."""
    values = [record.attributes[key] for _, key in shape.candidates.get("input", ())]
    for value in (facts.get("input"), *values):
        if (
            isinstance(value, str)
            and value[:1] == "{"
            and '"arguments"' in value
            and set() < read_tool_request(value).keys() <= _REQUEST
        ):
            return value
    return None


_REQUEST = frozenset("name arguments id type call_id".split())


def _is_models_tool(record: SpanRecord, facts: Facts, shape: KeyShape) -> bool:
    if shape.names_ai or is_ai_scope(record.scope_name) or facts.get("tool_call_id"):
        return True
    found = shape.candidates
    if any(rank == 0 for rank, _ in found.get("tool_call_id", ())):
        return True
    return any(
        isinstance(structure(record.attributes[key]), MAPPING)
        for fact in ("arguments", "input")
        for _, key in found.get(fact, ())
    )


def _put_inferred_call(record: SpanRecord, facts: Facts, shape: KeyShape) -> None:
    """Add the kind of a call by its signs, or that it may be one."""
    kind = facts.get("kind", "")
    if shape.protocol:
        if shape.protocol != "db" and not kind:
            _put_gateways_call(record, facts, shape)
        return
    if not kind and (
        _counts_tokens(record.name) or not _may_show_call(record, facts, shape)
    ):
        return
    signs = CallSigns(record, facts, shape)
    names_agent = bool(facts.get("agent_name") or "agent_name" in shape.candidates)
    is_call = bool(signs.model and signs.counts) if kind else signs.is_call()
    if is_call and (signs.all() or not names_agent):
        _put_call(facts, signs)
    elif not kind and "weak_kind" not in facts and (signs.any() or signs.fails()):
        if signs.is_embedding():
            _put_call(facts, signs)
        else:
            facts["maybe_call"] = True


_SIGNS = frozenset(
    "model model_requested input output input_tokens output_tokens".split()
)


def _may_show_call(record: SpanRecord, facts: Facts, shape: KeyShape) -> bool:
    """Whether there is anything to look at, which most spans do not have."""
    return (
        bool(shape.sides or shape.roles)
        or not _SIGNS.isdisjoint(shape.candidates)
        or not _SIGNS.isdisjoint(facts)
        or find_model_name(record.attributes, shape) is not None
        or find_conversation(record.attributes, shape) is not None
    )


_TOKENIZERS = frozenset(
    "tokenizer tokenize tokenise tokenization tiktoken sentencepiece".split()
)


@cache_names(maxsize=1024)
def _counts_tokens(name: str) -> bool:
    """Whether a span is named after the counting of tokens, before a call or after it."""
    words = split_words(name)
    if not _TOKENIZERS.isdisjoint(words):
        return True
    return any(
        {first, second} in ({"count", "tokens"}, {"count", "token"})
        for first, second in pairwise(words)
    )


def _put_gateways_call(record: SpanRecord, facts: Facts, shape: KeyShape) -> None:
    """Add the call that a gateway or a worker reports in words of its own.

    It stands on the span of the request, or of the message that was consumed.
    """
    signs = CallSigns(record, facts, shape)
    if signs.is_request():
        facts["weak_kind"] = shape.protocol
        _put_call(facts, signs)


def _put_call(facts: Facts, signs: CallSigns) -> None:
    facts["fallback_kind"] = facts.get("kind") or facts.get("weak_kind", "")
    facts["kind"] = "embedding" if signs.is_embedding() else "llm"
    if signs.failed:
        facts.setdefault("failed", True)


def _infer_from_name(record: SpanRecord, facts: Facts, shape: KeyShape) -> str:
    """The kind by the span's name, if a model's name or an AI library's word is with it."""
    kind = infer_from_name(record.name)
    if not kind or shape.names_ai or is_ai_scope(record.scope_name):
        return kind
    if kind in _TO_CONFIRM:
        if not record.name.startswith("mcp."):
            facts["unconfirmed"] = True
        return kind
    if kind not in CALLS:
        return kind
    target = record.name.partition(" ")[2]
    return kind if is_model_family(target) else ""
