"""Which traces are an agent's, and what spans can be to a run."""

from __future__ import annotations

import pytest

from infinium_otel import Config, spans_to_tasks
from infinium_otel.mapping.signs import (
    SpanRoles,
    is_ai_scope,
    is_library_scope,
    list_scopes,
)
from infinium_otel.records import SpanStart
from support.records import agent, chat, event, make_span, tool
from support.spans import TRACE, sid

LIBRARY = "acme.instrumentation.langmagic"


@pytest.mark.parametrize(
    ("spans", "included"),
    [
        pytest.param([chat()], True, id="call"),
        pytest.param([tool()], True, id="tool"),
        pytest.param([agent()], True, id="agent"),
        pytest.param(
            [make_span("x", None, {"acme.model": "m1", "acme.usage.input_tokens": 3})],
            True,
            id="model-and-tokens-under-any-key",
        ),
        pytest.param(
            [make_span("x", None, scope=LIBRARY, events=(event("LLMChatStartEvent"),))],
            True,
            id="event-of-a-model-call",
        ),
        pytest.param(
            [make_span("x", None, events=(event("chat opened"),))],
            False,
            id="event-of-an-application",
        ),
        pytest.param(
            [make_span("x", None, scope=LIBRARY, status="error")],
            True,
            id="failed-in-an-ai-library",
        ),
        pytest.param(
            [make_span("x", None, {"gen_ai.agent.name": "a"}, status="error")],
            True,
            id="failed-with-an-agent's-name",
        ),
        pytest.param(
            [make_span("x", None, scope=LIBRARY)], False, id="fine-in-an-ai-library"
        ),
        pytest.param(
            [
                make_span(
                    "x",
                    None,
                    {"gen_ai.operation.name": "create_agent", "gen_ai.agent.name": "a"},
                )
            ],
            False,
            id="making-an-agent",
        ),
        pytest.param(
            [make_span("x", None, {"http.request.method": "GET"}, status="error")],
            False,
            id="failed-health-check",
        ),
        pytest.param(
            [
                make_span(
                    "x", None, {"langfuse.internal.is_app_root": True}, status="error"
                )
            ],
            False,
            id="failed-with-a-processor's-stamp-only",
        ),
    ],
)
def test_what_is_included(spans, included):
    """Model work is included by any sign; of a failed run any sign is enough."""
    assert bool(spans_to_tasks(spans)) is included
    assert spans_to_tasks(spans, config=Config(include="all"))


@pytest.mark.parametrize(
    ("scope", "ai", "library"),
    [
        ("openinference.instrumentation.langchain", True, True),
        ("@arizeai/openinference-instrumentation-langchain", True, True),
        ("opentelemetry.instrumentation.openai_v2", True, True),
        ("llamaindex.opentelemetry.tracer", True, True),
        ("Experimental.Microsoft.Extensions.AI", True, False),
        ("Microsoft.SemanticKernel.Diagnostics", True, False),
        ("gcp.vertex.agent", True, False),
        ("pydantic-ai", True, False),
        ("agent_framework", True, False),
        ("strands-agents", True, False),
        ("dev.langchain4j", True, False),
        ("opentelemetry.instrumentation.httpx", False, False),
        ("@opentelemetry/instrumentation-http", False, False),
        ("io.opentelemetry.javaagent", False, False),
        ("newrelic.agent", False, False),
        ("language-service", False, False),
        ("domain.email", False, False),
        ("my.app", False, False),
        ("", False, False),
    ],
)
def test_ai_scopes(scope, ai, library):
    """A scope is an AI library's by the shape of its words, in any language."""
    assert (is_ai_scope(scope), is_library_scope(scope)) == (ai, library)


@pytest.mark.parametrize(
    ("attributes", "scope", "role"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, "my.app", "agent"),
        ({"gen_ai.operation.name": "chat"}, "my.app", "call"),
        ({"openinference.span.kind": "CHAIN"}, "my.app", "workflow"),
        ({"gen_ai.operation.name": "execute_tool"}, "my.app", ""),
        ({"resource.kind": "Agent"}, "my.app", ""),
        ({}, "my.app", ""),
        ({}, "openinference.instrumentation.langchain", "unknown"),
    ],
)
def test_roles(attributes, scope, role):
    """A span that runs in a library's scope may turn out to be an agent."""
    roles = SpanRoles()
    start = SpanStart(TRACE, sid("a"), attributes=attributes, scope_name=scope)
    assert roles.find_start_role(start) == role
    ended = make_span("a", None, attributes, scope=scope)
    assert roles.find_role(ended) == role.replace("unknown", "")


def test_scopes_of_a_trace():
    """A scope is transport if one of its spans is a request, a query or a message."""
    records = [
        make_span("a", None, {"http.route": "/"}, scope="http"),
        make_span("b", "a", scope="http"),
        make_span("c", "a", scope="my.app"),
    ]
    assert list_scopes(records) == {"http": True, "my.app": False}
