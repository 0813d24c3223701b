"""Any instrumentation's spans to activity threads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infinium_otel.models import xpander
from infinium_otel.models.xpander import (
    AgentActivityThreadReasoning,
    AgentExecutionInput,
    Task,
    Tokens,
)
from infinium_otel.records import Failure
from support.xpander_runs import TRACE, a_run, agent, called, chat, thread, tool


def test_thread_of_a_run():
    """A run's prompt, tools, called agents and answer are the thread's entries."""
    thread = xpander.to_activity_thread(a_run())
    question, called, triggered, answer = thread.messages
    assert (question.role, question.content.text) == ("user", "where?")
    assert (called.id, called.payload, called.result) == ("k", {"q": 1}, "found")
    assert (triggered.agent_id, triggered.query) == ("helper", "where?")
    assert (answer.role, answer.content.text) == ("agent", "Paris")
    assert thread.task == Task(
        id="0af76519-16cd-43dd-8448-eb211c80319c",
        agent_id="agent-1",
        input=AgentExecutionInput("where?"),
        status="completed",
        created_at=thread.created_at,
        started_at=thread.created_at,
        finished_at=thread.task.finished_at,
        result="Paris",
        llm_model_provider="openai",
        llm_model_name="gpt-4o",
        tokens=Tokens(prompt_tokens=30, completion_tokens=5, cache_read_tokens=4),
        used_tools=("search",),
        duration=10.0,
    )


def test_thoughts_only_with_a_confidence():
    """The model's text between tools is a thought only if a confidence is given."""
    kinds = [type(e) for e in xpander.to_activity_thread(a_run()).messages]
    assert AgentActivityThreadReasoning not in kinds
    thread = xpander.to_activity_thread(a_run(), confidence=0.0)
    (thought,) = (
        e for e in thread.messages if isinstance(e, AgentActivityThreadReasoning)
    )
    assert (thought.title, thought.thought) == ("Look", "Look\nit up")
    assert thought.confidence == 0.0


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        pytest.param(agent(), "completed", id="ended"),
        pytest.param(agent(status="error"), "failed", id="failed"),
        pytest.param(
            agent(status="error", **{"error.type": "asyncio.CancelledError"}),
            "stopped",
            id="cancelled",
        ),
        pytest.param(
            agent(**{"error.type": "cancelled"}), "stopped", id="cancelled-quietly"
        ),
        pytest.param(replace(agent(), end_ns=0), "executing", id="not-ended"),
    ],
)
def test_status(root, expected):
    """A run that has not ended is not completed."""
    task = xpander.to_activity_thread([root]).task
    assert task.status == expected
    assert (task.finished_at is None) == (expected == "executing")


def test_tokens_of_the_run_itself():
    """Without any call's tokens the run's own are used; unknown is None."""
    root = agent(**{"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 1})
    thread = xpander.to_activity_thread([root, tool()])
    assert thread.task.tokens == Tokens(prompt_tokens=7, completion_tokens=1)
    assert xpander.to_activity_thread([agent(), tool()]).task.tokens is None


def test_a_failed_tool_without_a_result():
    """A tool's failure is written to the result, as xpander does."""
    thread = xpander.to_activity_thread([agent(), tool(failure=Failure("E", "why"))])
    (called,) = thread.messages
    assert (called.is_error, called.result) == (True, "why")


def test_an_end_before_the_start_takes_no_time():
    """A run whose clock went back has zero length."""
    thread = xpander.to_activity_thread([agent(end=-3)])
    assert thread.task.duration == 0


def test_a_single_call_gets_no_parent():
    """A call that is its own root gets no span above it."""
    alone = replace(chat(), parent_id=None)
    back = xpander.to_spans(xpander.to_activity_thread([alone]))
    assert [(r.span_id, r.parent_id) for r in back] == [(alone.span_id, None)]
    hostile = xpander.to_activity_thread([alone])
    hostile = replace(hostile, otel={**hostile.otel, "root": {"span_id": "0" * 16}})
    assert xpander.to_spans(hostile)[0].name == "invoke_agent"


def test_a_thread_inside_another_run():
    """A thread's spans under an application's own span are still that thread."""
    outer = agent(60.0)
    inner = xpander.to_spans(thread(called()))
    moved = [
        replace(r, trace_id=TRACE, parent_id=r.parent_id or outer.span_id)
        for r in inner
    ]
    assert xpander.from_spans([outer, *moved]) == [thread(called())]
    named = {**moved[0].attributes, "gen_ai.agent.name": "helper"}
    moved[0] = replace(moved[0], attributes=named)
    assert xpander.from_spans([outer, *moved]) == [thread(called())]
    loop = [replace(r, parent_id=r.span_id) for r in moved[1:]]
    assert xpander.from_spans([outer, moved[0], *loop])


def test_invalid_marks_are_ignored():
    """A span that is marked as an entry but lacks its fields is read as any span."""
    claims = {"xpander.entry": "reasoning", "xpander.index": "x"}
    assert (
        xpander.from_spans([agent(), tool(**claims)])[0].messages[0].tool_name
        == "search"
    )
    assert xpander.to_task_events([agent(**{"xpander.event": "{}"})])
