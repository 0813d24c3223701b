"""What users set on spans."""

from __future__ import annotations

import json

import pytest

from infinium_otel import Config, spans_to_tasks
from infinium_otel.taskdata import (
    Customer,
    ErrorDetail,
    ExpectedOutcome,
    General,
    Sales,
)
from support.records import agent, chat, make_span, task_of


def annotated(**attributes):
    return {f"infinium.{k.replace('__', '.')}": v for k, v in attributes.items()}


def test_name_and_description_are_the_users():
    """`infinium.task.name` and `infinium.task.description` name the task."""
    attributes = annotated(task__name="Refund", task__description="Refund order 7")
    task = task_of(agent("root", attributes=attributes), chat("c", "root"))
    assert (task.name, task.description) == ("Refund", "Refund order 7")


def test_the_root_wins_then_the_first_span():
    """A value on the root wins; else that of the first span in start order."""
    task = task_of(
        agent("root", attributes=annotated(customer__customer_name="root")),
        chat(
            "a", "root", attributes=annotated(customer__customer_name="first"), start=1
        ),
        chat("b", "root", attributes=annotated(sales__sales_stage="won"), start=3),
        chat("c", "root", attributes=annotated(sales__sales_stage="lost"), start=2),
        config=Config(trust="all"),
    )
    assert task.customer == Customer(customer_name="root")
    assert task.sales == Sales(sales_stage="lost")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        pytest.param("general.tags", ("a", "b"), General(tags=["a", "b"]), id="list"),
        pytest.param("general.tags", '["a","b"]', General(tags=["a", "b"]), id="json"),
        pytest.param("general.tags", "a", General(tags=["a"]), id="one"),
        pytest.param("general.tags", (1, "b"), General(tags=["1", "b"]), id="numbers"),
        pytest.param("general.retries", "3", General(retries=3), id="number-as-text"),
        pytest.param("general.retries", "three", None, id="no-number"),
        pytest.param("general.tools_used", "a", General(tools_used="a"), id="text"),
        pytest.param(
            "general.tools_used", ("a",), General(tools_used=["a"]), id="text-or-list"
        ),
        pytest.param("general.agent_notes", 7, General(agent_notes="7"), id="to-text"),
        pytest.param(
            "general.agent_notes", ("a",), General(agent_notes='["a"]'), id="list-text"
        ),
        pytest.param("general.shoe_size", 7, None, id="no-such-field"),
        pytest.param("sales.deal_value", "nan", None, id="not-a-number"),
        pytest.param(
            "general.tags", ({"a": 1},), General(tags=['{"a":1}']), id="objects"
        ),
        pytest.param(
            "general.errors_encountered",
            '[{"error_type": "E", "message": "no"}, {"message": "half"}, 7]',
            General(errors_encountered=[ErrorDetail("E", "no")]),
            id="errors",
        ),
        pytest.param("general.errors_encountered", "E", None, id="no-error"),
        pytest.param(
            "general.agent_notes", {"a": 1}, General(agent_notes='{"a":1}'), id="object"
        ),
        pytest.param("general", '{"retries": 2}', General(retries=2), id="whole"),
        pytest.param("general", "not json", None, id="whole-but-no-object"),
        pytest.param("sales.deal_value", "1.5", Sales(deal_value=1.5), id="float"),
        pytest.param("sales.deal_value", None, None, id="nothing"),
    ],
)
def test_sections_take_valid_values(key, value, expected):
    """`infinium.<section>.<field>` fills the field, in the field's type."""
    task = task_of(chat("c", attributes={f"infinium.{key}": value}))
    name = key.partition(".")[0]
    assert getattr(task, name) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("false", False), ("maybe", None)]
)
def test_flags(value, expected):
    """A flag is read from a flag or its word."""
    attributes = annotated(support__follow_up_required=value, support__priority="high")
    assert (
        task_of(chat("c", attributes=attributes)).support.follow_up_required is expected
    )


def test_expected_outcome():
    """The expected outcome is the user's, field by field."""
    attributes = annotated(
        expected_outcome__task_objective="Answer",
        expected_outcome__constraints=("brief",),
        expected_outcome__acceptance_criteria='["right"]',
    )
    assert task_of(
        chat("c", attributes=attributes)
    ).expected_outcome == ExpectedOutcome(
        "Answer", constraints=["brief"], acceptance_criteria=["right"]
    )


def test_an_outcome_without_an_objective_is_none():
    """An outcome needs its objective."""
    attributes = annotated(expected_outcome__constraints=("brief",))
    assert task_of(chat("c", attributes=attributes)).expected_outcome is None


@pytest.mark.parametrize("content", [True, False])
def test_a_frameworks_outcome_is_content(content):
    """An outcome that a framework expects is sent only with content."""
    crew = {
        "gen_ai.operation.name": "execute_task",
        "crewai.task.description": "Write a plan",
        "crewai.task.expected_output": "A plan",
    }
    task = task_of(
        make_span("crew", None, crew, scope="crewai", end=9),
        chat("c", "crew"),
        config=Config(capture_content=content),
    )
    outcome = ExpectedOutcome("Write a plan", required_deliverables=["A plan"])
    assert task.expected_outcome == (outcome if content else None)


@pytest.mark.parametrize("value", [True, "true", "1"])
def test_a_run_can_be_skipped(value):
    """`infinium.skip` on any span of a run keeps it from being sent."""
    assert spans_to_tasks([chat("c", attributes=annotated(skip=value))]) == []


def test_a_step_is_named_by_its_own_span():
    """`infinium.step.action` and `.purpose` describe the step of the span they are on."""
    attributes = annotated(step__action="review", step__purpose="check the facts")
    task = task_of(agent("root"), chat("c", "root", attributes=attributes))
    assert task.steps[0].action == "review"
    assert task.steps[0].llm_call.purpose == "check the facts"


def test_identity_and_endpoint_cannot_be_set():
    """Attributes never choose the agent, the endpoint or the credentials."""
    attributes = annotated(
        agent_id="other", base_url="http://evil", agent_secret="stolen"
    )
    sent = json.dumps(task_of(chat("c", attributes=attributes)), default=vars)
    assert not any(word in sent for word in ("evil", "stolen", '"other"'))
