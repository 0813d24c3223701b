"""Activity threads to spans."""

from __future__ import annotations

import pytest

from infinium_otel.models import xpander
from infinium_otel.models.spans import to_ns
from infinium_otel.models.xpander import (
    AgentActivityThread,
    AgentActivityThreadReasoning,
    AgentActivityThreadSubAgentTrigger,
    AgentExecutionInput,
    Task,
    Tokens,
    ToolCallRequestReasoning,
    User,
)
from infinium_otel.pipeline import spans_to_tasks
from support.spans import S
from support.xpander_runs import AT, called, thread


def test_an_entry_without_a_time_begins_no_earlier_than_the_thread():
    """A missing time does not make a run begin in 1970."""
    entries = [
        {"id": str(n), "created_at": at, "tool_name": "t"}
        for n, at in ((1, ""), (2, AT))
    ]
    thread = xpander.thread_of({"id": "t", "created_at": "", "messages": entries})
    assert {each.start_ns for each in xpander.to_spans(thread)} == {to_ns(AT)}


@pytest.mark.parametrize(
    ("status", "expected", "partial"),
    [
        pytest.param("completed", "ok", None, id="completed"),
        pytest.param("error", "error", None, id="error"),
        pytest.param("failed", "error", None, id="failed"),
        pytest.param("stopped", "unset", None, id="stopped-is-no-error"),
        pytest.param("executing", "unset", True, id="executing"),
        pytest.param("brand_new", "unset", None, id="unknown"),
    ],
)
def test_task_status(status, expected, partial):
    """The run's span has the task's status; an unfinished one is marked."""
    task = Task("task-1", status=status, result="out", started_at=AT)
    (root,) = xpander.to_spans(thread(task=task))
    assert root.status == expected
    assert root.attributes.get("xpander.task.partial") is partial
    assert root.attributes.get("error.type") == (
        status if expected == "error" else None
    )
    assert root.attributes["xpander.task.status"] == status


def test_task_of_a_thread():
    """Tokens, model and ids are the conventions' attributes on the run."""
    task = Task(
        "task-1",
        agent_id="agent-1",
        organization_id="org-1",
        conversation_id="talk-1",
        input=AgentExecutionInput("where?"),
        result="Paris",
        created_at="2026-01-02T03:04:00Z",
        finished_at="2026-01-02T03:05:00Z",
        llm_model_provider="openai",
        llm_model_name="gpt-5",
        tokens=Tokens(5, 40, 30, 2),
    )
    (root,) = xpander.to_spans(thread(task=task))
    attributes = root.attributes
    assert root.end_ns - root.start_ns == 60 * S
    assert attributes["gen_ai.agent.id"] == "agent-1"
    assert attributes["gen_ai.conversation.id"] == "talk-1"
    assert attributes["gen_ai.request.model"] == "gpt-5"
    assert attributes["gen_ai.usage.input_tokens"] == 40
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 30
    assert '"where?"' in attributes["gen_ai.input.messages"]
    assert '"Paris"' in attributes["gen_ai.output.messages"]


def test_tool_of_a_thread():
    """A tool's entry is an `execute_tool` span of zero length: it has no end time."""
    why = ToolCallRequestReasoning("Find", "need it")
    root, ran = xpander.to_spans(
        thread(called(payload={"q": 1}, result="no", is_error=True, reasoning=why))
    )
    attributes = ran.attributes
    assert ran.name == "execute_tool search"
    assert ran.parent_id == root.span_id
    assert ran.start_ns == ran.end_ns == root.end_ns
    assert attributes["xpander.time_source"] == "entry"
    assert attributes["gen_ai.tool.call.arguments"] == '{"q": 1}'
    assert attributes["xpander.tool.reasoning.title"] == "Find"
    assert (ran.status, attributes["error.type"], ran.status_message) == (
        "error",
        "tool_error",
        "no",
    )


def test_thoughts_are_decisions():
    """In Infinium a thought is a step of its own, a decision with its text."""
    thought = AgentActivityThreadReasoning(
        "e1", AT, "think", "Plan", 0.9, "search first"
    )
    (task,) = spans_to_tasks(xpander.to_spans(thread(thought, called(result="x"))))
    step = next(s for s in task.steps if s.action == "decision")
    assert "search first" in step.output_preview


def test_called_agents_are_below_their_triggers():
    """Threads of called agents are below the entries that called them."""
    other_one = AgentActivityThreadSubAgentTrigger("e0", AT, "someone")
    first = AgentActivityThreadSubAgentTrigger("e1", AT, "helper", query="go")
    child = AgentActivityThread(
        "thread-2",
        AT,
        (called(),),
        task=Task("task-2", agent_id="helper", conversation_id="c"),
    )
    stray = AgentActivityThread("thread-3", AT, (called(),))
    records = xpander.from_activity_thread(
        thread(other_one, first, called()), children=[child, stray]
    )
    root, _, trigger, _, inner, tool_, other, _ = records
    assert trigger.attributes["gen_ai.agent.id"] == "helper"
    assert inner.parent_id == trigger.span_id
    assert tool_.parent_id == inner.span_id
    assert other.parent_id == root.span_id
    assert len({record.trace_id for record in records}) == 1
    assert len({record.span_id for record in records}) == len(records)
    assert xpander.from_spans(records) == [
        thread(other_one, first, called()),
        child,
        stray,
    ]


def test_the_user_is_sent_only_on_request():
    """Name and email are personal data: they are sent only on request."""
    user = User(email="a@b.c", first_name="Ann", last_name="Bo")
    (root,) = xpander.from_activity_thread(thread(user=user))
    assert not [key for key in root.attributes if key.startswith("infinium.")]
    (root,) = xpander.from_activity_thread(thread(user=user), customer=True)
    assert root.attributes["infinium.customer.customer_email"] == "a@b.c"
    assert root.attributes["infinium.customer.customer_name"] == "Ann Bo"
    (root,) = xpander.from_activity_thread(thread(), customer=True)
    assert not [key for key in root.attributes if key.startswith("infinium.")]
