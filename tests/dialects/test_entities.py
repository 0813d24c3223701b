"""Who took part in a span, where numbered entities name it."""

from __future__ import annotations

import pytest

from support.records import assert_fields, read_span


def test_entities_of_a_tool():
    """A tool's span names the tool and the agent that called it."""
    found = read_span(
        {
            "span.type": "agentic.tool.invocation",
            "entity.1.type": "tool.adk",
            "entity.1.name": "book_flight",
            "entity.2.type": "agent.adk",
            "entity.2.name": "supervisor",
            "entity.3.type": "agent.adk",
            "entity.3.name": "another",
        }
    )
    assert_fields(found, kind="tool", tool_name="book_flight", agent_name="supervisor")


@pytest.mark.parametrize(
    "entity",
    [
        pytest.param({"type": "workflow.adk", "name": "travel"}, id="of-another-type"),
        pytest.param({"type": "model.llm.gpt-4o"}, id="without-a-name"),
        pytest.param({"type": 7, "name": "gpt-4o"}, id="of-no-type"),
    ],
)
def test_entities_that_name_nothing(entity):
    """Only tools, agents and models are named by an entity."""
    attributes = {f"entity.1.{key}": value for key, value in entity.items()}
    found = read_span({"span.type": "llm", **attributes})
    assert_fields(found, model=None, tool_name=None, agent_name=None)


def test_the_model_of_a_call():
    """A model among the entities is the one that was requested."""
    entity = {
        "app.entities.2.type": "model.llm.gpt-4o",
        "app.entities.2.name": "gpt-4o",
    }
    assert read_span({"span.type": "llm", **entity}).model_requested == "gpt-4o"
