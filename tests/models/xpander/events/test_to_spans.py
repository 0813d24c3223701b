"""Event streams to spans."""

from __future__ import annotations

import json

from infinium_otel.models import xpander
from infinium_otel.models.xpander import (
    EventReader,
    EventStream,
    Task,
    TaskUpdateEvent,
    ToolCallRequestReasoning,
)
from support.spans import S
from support.xpander_runs import AT


def event(type_, at, data=None, **more):
    time = f"2026-01-02T03:04:{at:02}.000000Z"
    return xpander.event_of(
        {
            "type": type_,
            "task_id": "task-1",
            "organization_id": "org-1",
            "time": time,
            "data": data,
            **more,
        }
    )


def request(at, key="q1", **more):
    return event(
        "tool_call_request",
        at,
        {
            "request_id": key,
            "operation_id": "op",
            "tool_name": "search",
            "payload": {"q": 1},
            **more,
        },
    )


def result(at, key="q1", **more):
    return event(
        "tool_call_result",
        at,
        {"request_id": key, "operation_id": "op", "result": "found", **more},
    )


FINISHED = {
    "id": "task-1",
    "agent_id": "agent-1",
    "status": "completed",
    "result": "Paris",
    "input": {"text": "where?"},
    "created_at": "2026-01-02T03:04:00Z",
    "tokens": {"prompt_tokens": 3, "completion_tokens": 4},
}


def test_events_become_spans_as_they_arrive():
    """A span is returned when it ends: a tool's with its result, the run's at the end."""
    reader = EventReader()
    assert reader.feed(event("task_created", 0)) == []
    assert reader.feed(request(1)) == []
    (ran,) = reader.feed(result(3))
    assert (ran.name, ran.end_ns - ran.start_ns) == ("execute_tool search", 2 * S)
    assert ran.attributes["gen_ai.tool.call.arguments"] == '{"q": 1}'
    assert ran.attributes["gen_ai.tool.call.result"] == "found"
    (root,) = reader.feed(event("task_finished", 9, FINISHED))
    assert ran.parent_id == root.span_id
    assert (root.status, root.end_ns - root.start_ns) == ("ok", 9 * S)
    assert root.attributes["gen_ai.usage.output_tokens"] == 4
    (late,) = reader.feed(event("chunk", 10, "x"))
    assert (late.name, late.parent_id) == ("xpander.chunk", root.span_id)
    assert reader.finish() == []


def test_results_find_their_requests_by_either_id():
    """A result with an unknown request id is matched by the tool call's id."""
    reader = EventReader()
    reader.feed(request(1, "q1", tool_call_id="k1"))
    reader.feed(request(2, "q2", tool_call_id="k2"))
    (ran,) = reader.feed(result(5, "other", tool_call_id="k2"))
    assert ran.end_ns - ran.start_ns == 3 * S


def test_requests_without_results():
    """A request without a result ends with the task, marked as unfinished."""
    reader = EventReader()
    reader.feed(request(1, tool_name=None))
    (again,) = reader.feed(request(2))
    assert again.name == "execute_tool"
    ran, root = reader.feed(event("task_finished", 9))
    for each in (again, ran):
        assert each.status == "unset"
        assert each.attributes["xpander.tool.unfinished"] is True
    assert ran.end_ns == root.end_ns


def test_results_without_requests():
    """A result without a request is a tool's span of zero length."""
    (ran,) = EventReader().feed(result(5, is_error=True))
    assert ran.start_ns == ran.end_ns
    assert (ran.status, ran.status_message) == ("error", "found")


def test_a_result_before_its_request():
    """Clocks may differ: a tool's duration is never negative."""
    reader = EventReader()
    reader.feed(request(5))
    (ran,) = reader.feed(result(3))
    assert ran.start_ns == ran.end_ns


def test_a_failed_task():
    """A task that failed is a failed run."""
    *_, root = xpander.from_events(
        [event("task_finished", 1, {**FINISHED, "status": "failed"})]
    )
    assert (root.status, root.attributes["error.type"]) == ("error", "failed")


def test_an_unfinished_stream():
    """A stream that stops is a run that has not ended."""
    root, ran = xpander.to_spans(EventStream((request(1),)))
    assert root.attributes["xpander.task.partial"] is True
    assert ran.attributes["xpander.tool.unfinished"] is True


def test_a_stream_reads_as_a_thread():
    """Spans made from events can be read as a thread."""
    thought = {
        "request_id": "q9",
        "payload": {"input": {"title": "Plan", "confidence": 0.8}},
    }
    events = [
        event("task_created", 0, FINISHED),
        event("think", 1, thought),
        request(2, reasoning={"title": "Find"}, plan_task_id="p1"),
        result(3),
        event("sub_agent_trigger", 4, {"agent_id": "helper", "query": "go"}),
        event("task_finished", 9, FINISHED),
    ]
    read = xpander.to_activity_thread(xpander.from_events(events))
    kinds = [
        type(entry).__name__.removeprefix("AgentActivityThread")
        for entry in read.messages
    ]
    assert kinds == ["Message", "Reasoning", "ToolCall", "SubAgentTrigger", "Message"]
    assert read.messages[2].reasoning == ToolCallRequestReasoning("Find")
    assert read.messages[2].plan_task_id == "p1"
    assert read.task.id == "task-1"


def test_a_task_in_an_event_describes_its_run():
    """An event's data may be a `Task`, and is read as one from JSON."""
    task = Task("task-1", status="completed", result="Paris", duration=3.0)
    read = event("task_finished", 9, xpander.dump(task))
    assert read.data == task
    finished = TaskUpdateEvent("task_finished", "task-1", "org-1", AT, task)
    (root,) = xpander.from_events([finished])
    assert root.status == "ok"
    assert root.attributes["xpander.task.status"] == "completed"
    assert xpander.to_task_events([root]) == [finished]
    data = json.loads(root.events[0].attributes["xpander.data"])
    assert data == {
        "id": "task-1", "status": "completed", "result": "Paris", "duration": 3.0
    }  # fmt: skip
