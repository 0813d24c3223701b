"""Facts by the last words of keys."""

from __future__ import annotations

import pytest

from infinium_otel.dialects._key_shapes import MAX_KEYS, find_key_shape
from infinium_otel.dialects._key_words import find_facts
from infinium_otel.dialects._shape import Shape


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        ("spring.ai.chat.client.conversation.id", "conversation_id"),
        ("ai.settings.context.userId", "user_id"),
        ("threadId", "conversation_id"),
        ("thread.id", None),
        ("mcp.session.id", None),
        ("langsmith.trace.session_id", None),
        ("agent.parent.name", None),
        ("http.request.model", None),
        ("gen_ai.client.estimated_cost", "cost_usd"),
        ("acme.input_cost", None),
        ("gen_ai.cost", "cost_usd"),
        ("acme.llm.cost", "cost_usd"),
        ("github.copilot.cost", None),
        ("acme.unit.cost", None),
        ("ag.metrics.unit.costs.total", "cost_usd"),
        ("ag.type.node", "kind"),
        ("gen_ai.agent.handoff.target.name", "handoff_to"),
        ("gen_ai.agent.handoff.source.name", None),
        ("ag.data.outputs.__default__", "output"),
        ("input-json", "arguments"),
        ("acme.output_str", "result"),
        ("acme.llm_request", "input"),
        ("json", None),
    ],
)
def test_facts_by_last_words(key, fact):
    """A key's last words name its fact, whatever stands before them."""
    assert next((found for found, _ in find_facts(key)), None) == fact


def test_the_keys_of_a_span_that_are_looked_at_are_limited():
    """Each key that no dialect knows costs far more than one that is known."""
    keys = Shape(tuple(f"prompt_tokens.{n}.x" for n in range(3 * MAX_KEYS)))
    assert len(find_key_shape(keys, frozenset()).unknown) <= MAX_KEYS
