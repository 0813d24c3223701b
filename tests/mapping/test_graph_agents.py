"""Agents that are graphs without a span kind of their own."""

from __future__ import annotations

import json

import pytest

from support.records import chat, make_span, task_of

STATE = json.dumps({"messages": [{"role": "user", "content": "Hi?"}]})


def graph(name, node="model", state=STATE):
    kind = {"langwatch.span.type": "chain"}
    held = json.dumps({"type": "json", "value": json.loads(state)})
    return task_of(
        make_span("answer", None, {"langwatch.span.type": "span"}),
        make_span(name, "answer", {**kind, "langwatch.input": held}),
        make_span(node, name, kind),
        chat("c", node),
    )


@pytest.mark.parametrize(
    ("name", "node", "state", "agent"),
    [
        pytest.param("geo", "model", STATE, "geo", id="create-agent"),
        pytest.param("geo", "agent", STATE, "geo", id="create-react-agent"),
        pytest.param("LangGraph", "model", STATE, None, id="without-a-name"),
        pytest.param("geo", "draft", STATE, None, id="another-graph"),
        pytest.param("geo", "model", '{"question": "Hi?"}', None, id="no-messages"),
    ],
)
def test_a_graph_with_a_model_node(name, node, state, agent):
    """A chain around a node "model", with messages as its state, is an agent's."""
    tags = graph(name, node, state).environment.custom_tags
    assert tags.get("gen_ai.agent.name") == agent
