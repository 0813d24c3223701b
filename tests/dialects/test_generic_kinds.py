"""Kinds of spans whose vocabulary no dialect knows."""

from __future__ import annotations

import json

import pytest

from support.records import assert_fields, read_span

MESSAGES = json.dumps([{"role": "user", "content": "Hi?"}])
ANSWER = json.dumps([{"role": "assistant", "content": "Yo."}])


TOKENS = {"acme.tokens.in": 3, "acme.tokens.out": 2}


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"acme.span.type": "LLM"}, "llm"),
        ({"acme.kind": "chat_model"}, "llm"),
        ({"acme.span.kind": "tool-call"}, "tool"),
        ({"acme.node.type": "VectorStore"}, "retrieval"),
        ({"acme.span.type": "rag"}, "retrieval"),
        ({"acme.span.type": "subAgent"}, "agent"),
        ({"acme.span.type": "chain"}, "workflow"),
        ({"span.type": "agentic.invocation"}, "agent"),
        ({"span.type": "agentic.tool.invocation"}, "tool"),
        ({"span.type": "agentic.mcp.invocation"}, "tool"),
        ({"span.type": "agentic.turn"}, ""),
        ({"acme.span.type": "advisor"}, "step"),
        ({"span.kind": "server"}, ""),
        ({"acme.kind": "of thing"}, ""),
        ({"acme.kind": 7}, ""),
        ({"acme.tool.name": "f"}, "tool"),
        ({"acme.toolCall.id": "k"}, "tool"),
        ({"acme.tool.name": 3}, ""),
        ({"entity.type": "agent", "entity.name": "s"}, "agent"),
        ({"entity.type": "agent", "entity.name": "other"}, ""),
        ({"entity.type": "agent", "entity.name": "other", "span.type": "llm"}, "llm"),
    ],
)
def test_kinds_under_any_prefix(attributes, kind):
    """A vendor's span type is read; an entity's only if the span has its name."""
    assert read_span(attributes, name="s").kind == kind


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"acme.model": "m", "acme.tokens.in": 3, "acme.tokens.out": 0}, "llm"),
        ({"acme.model": "m", "acme.tokens.in": 3}, ""),
        ({"acme.model": "gpt-4o", "acme.tokens.out": 3}, "llm"),
        ({"acme.mdl": "gpt-4o", "acme.frage": "Hi?", "acme.antwort": "Yo."}, "llm"),
        ({"acme.model": "text-embedding-3-small", "acme.tokens.in": 3}, "embedding"),
        ({"acme.model": "payg", "usage.input": 3, "usage.output": 1}, ""),
        ({"acme.model": "m", "acme.messages": MESSAGES}, "llm"),
        ({"acme.model": "m", "a.msgs.0.role": "user", "a.input.0.role": "user"}, "llm"),
        ({"acme.tokens.out": 3, "a.messages": MESSAGES, "a.output": ANSWER}, "llm"),
        ({"acme.model": "m"}, ""),
        ({"acme.model": "m", "acme.tokens.in": 3, "db.system": "x"}, "db"),
        ({"acme.model": "m", "acme.tokens.in": 3, "http.method": "GET"}, "http"),
        ({"acme.model": "m", **TOKENS, "http.method": "GET"}, "llm"),
        ({"acme.messages": MESSAGES, **TOKENS, "http.method": "GET"}, "llm"),
        ({"acme.model": "m", **TOKENS, "messaging.system": "kafka"}, "llm"),
        ({"acme.model": "m", **TOKENS, "db.system": "redis"}, "db"),
        ({"acme.model": "m", **TOKENS, "acme.agent.name": "a"}, ""),
        (
            {
                "acme.model": "m",
                "acme.tokens.in": 3,
                "acme.agent.name": "a",
                "acme.messages": MESSAGES,
            },
            "llm",
        ),
        (
            {
                "openinference.span.kind": "GUARDRAIL",
                "llm.model_name": "m",
                "llm.token_count.prompt": 4,
            },
            "llm",
        ),
        ({"openinference.span.kind": "GUARDRAIL", "llm.model_name": "m"}, "guardrail"),
    ],
)
def test_a_call_by_two_signs(attributes, kind):
    """Two of model, tokens and messages show a call, but not on transport or an agent."""
    assert read_span(attributes).kind == kind


def test_a_failed_call_has_only_its_request():
    """A model and an input show a call that failed before any answer, if it is a model's."""
    attributes = {"acme.kind": "workflow", "acme.model": "m", "acme.input": "Hi?"}
    assert read_span(attributes, status="error").kind == "workflow"
    attributes["acme.llm.vendor"] = "acme"
    assert read_span(attributes, status="error").kind == "llm"
    assert read_span(attributes).kind == "workflow"


@pytest.mark.parametrize(
    ("attributes", "maybe"),
    [
        ({"acme.model": "claude-sonnet-4-5"}, True),
        ({"acme.model": "Invoice"}, False),
        ({"acme.messages": MESSAGES}, True),
        ({"acme.model": "Gemini North"}, False),
        ({"acme.model": "claude"}, False),
        ({"acme.tokens.in": 3}, False),
        ({"acme.llm.tokens.in": 3}, True),
        ({"acme.prompt_tokens": 3}, True),
        (TOKENS, True),
        ({**TOKENS, "db.system": "x"}, False),
        ({**TOKENS, "openinference.span.kind": "CHAIN"}, False),
        ({"acme.messages": '[{"role": "admin", "content": "x"}]'}, False),
        ({"acme.messages": '[{"role": "user", "text": "x", "author": "a"}]'}, False),
        ({"acme.messages.0.role": "moderator"}, False),
        ({"acme.messages.0.role": "user"}, True),
        ({"acme.messages": '[{"message": "x"}]'}, False),
        ({"acme.output": '{"choices": [{"delta": {"role": "assistant"}}]}'}, True),
    ],
)
def test_signs(attributes, maybe):
    """One sign makes a call only in a trace without any other."""
    assert read_span(attributes).maybe_call is maybe


def test_an_operation_as_a_kind():
    """A vendor's kind may be the conventions' operation, with their prefix or without."""
    assert read_span({"sentry.op": "gen_ai.invoke_agent"}).kind == "agent"
    assert read_span({"acme.span.kind": "execute_tool"}).kind == "tool"


@pytest.mark.parametrize(
    ("attributes", "scope", "unconfirmed"),
    [
        ({"tool.name": "gcc"}, "make", True),
        ({"ci.tool.name": "gcc", "ci.tool.args": "-O2"}, "make", True),
        ({"acme.tool.name": "f", "acme.tool.args": '{"x": 1}'}, "make", False),
        ({"acme.tool.name": "f", "acme.toolCall.id": "c1"}, "make", False),
        ({"acme.llm.tool.name": "f"}, "make", False),
        ({"tool.name": "f"}, "openinference.instrumentation.beeai", False),
        ({"resource.kind": "Agent"}, "controller", True),
        ({"step.type": "tool"}, "ci", True),
        ({"acme.kind": "agent", "acme.input": "a", "acme.output": "b"}, "app", False),
        ({"acme.span.kind": "agent"}, "app", False),
    ],
)
def test_a_word_alone(attributes, scope, unconfirmed):
    """A tool or an agent by a word alone needs a model's work elsewhere in the trace."""
    found = read_span(attributes, scope=scope)
    assert found.kind in ("tool", "agent")
    assert found.unconfirmed is unconfirmed


@pytest.mark.parametrize(
    ("name", "scope", "kind"),
    [
        ("chat room-7", "app", ""),
        ("chat gpt-4o", "app", "llm"),
        ("chat room-7", "openlit.instrumentation.openai", "llm"),
        ("embeddings refresh", "app", ""),
        ("retrieval of parcels", "app", "retrieval"),
        ("create_agent", "app", ""),
        ("invoke_agent helper", "app", "agent"),
        ("agent.tool: search", "app", "tool"),
        ("tool.search_docs", "app", "tool"),
        ("tool.execution", "app", ""),
        ("tool results", "app", ""),
        ("guardrail.input", "app", "guardrail"),
        ("execute_guardrail pii", "app", "guardrail"),
        ("guardrails", "app", "guardrail"),
        ("guardrailed", "app", ""),
    ],
)
def test_names(name, scope, kind):
    """A name of the conventions' form needs a model's name, or an AI library's scope."""
    assert read_span({}, name=name, scope=scope).kind == kind


@pytest.mark.parametrize("name", ["tiktoken.encode", "count_tokens", "Tokenizer.run"])
def test_counting_tokens_is_no_call(name):
    """What a tokenizer counted is in the call's own counts."""
    found = read_span({"model": "gpt-4o", "prompt_tokens": 4, "text": "x"}, name=name)
    assert_fields(found, kind="", maybe_call=False, usage=None)


def test_types_that_are_words():
    """A plant's `generation` or a channel's `chat` is no model call."""
    assert read_span({"plant.kind": "generation"}).kind == ""
    assert read_span({"llm.kind": "generation"}).kind == "llm"


@pytest.mark.parametrize("op", ["gen_ai.guardrail.input", "gen_ai.guardrail.output"])
def test_sentrys_guardrails(op):
    """They have the keys of a tool beside an operation of their own."""
    found = read_span({"sentry.op": op, "gen_ai.tool.name": "math"})
    assert found.kind == "guardrail"
