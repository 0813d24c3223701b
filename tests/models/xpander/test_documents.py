"""xpander's JSON to its records and back."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial

import pytest

from infinium_otel.errors import InfiniumError
from infinium_otel.models import xpander
from infinium_otel.models.spans import to_ns
from infinium_otel.models.xpander import (
    AgentActivityThread,
    AgentActivityThreadAuth,
    AgentActivityThreadGatewayDecision,
    AgentActivityThreadMessage,
    AgentActivityThreadOtherEntry,
    AgentActivityThreadReasoning,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
    AgentExecutionInput,
    Task,
    TaskUpdateEvent,
    Tokens,
    User,
)
from support.xpander_runs import AT


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        pytest.param(
            {"role": "user", "content": "hi"}, AgentActivityThreadMessage, id="message"
        ),
        pytest.param(
            {"role": "agent", "content": 7},
            AgentActivityThreadMessage,
            id="odd-content",
        ),
        pytest.param(
            {"role": "system"}, AgentActivityThreadOtherEntry, id="unknown-role"
        ),
        pytest.param({"tool_name": "t"}, AgentActivityThreadToolCall, id="tool"),
        pytest.param(
            {"tool_name": "t", "reasoning": 3},
            AgentActivityThreadToolCall,
            id="odd-reasoning",
        ),
        pytest.param(
            {"type": "think", "title": "t", "confidence": 1, "action": "go"},
            AgentActivityThreadReasoning,
            id="reasoning-with-an-action",
        ),
        pytest.param(
            {"type": "think"},
            AgentActivityThreadOtherEntry,
            id="reasoning-without-a-title",
        ),
        pytest.param(
            {"type": "token_ready", "data": {}}, AgentActivityThreadAuth, id="auth"
        ),
        pytest.param(
            {"action": "stop_execution", "reasoning": "r"},
            AgentActivityThreadGatewayDecision,
            id="gateway",
        ),
        pytest.param(
            {"action": ["odd"]}, AgentActivityThreadOtherEntry, id="odd-action"
        ),
        pytest.param(
            {"agent_id": "a", "query": "q"},
            AgentActivityThreadSubAgentTrigger,
            id="trigger",
        ),
        pytest.param(
            {"agent_id": "a"}, AgentActivityThreadOtherEntry, id="agent-alone"
        ),
        pytest.param(
            {"action": "new_kind"}, AgentActivityThreadOtherEntry, id="new-kind"
        ),
    ],
)
def test_entries_are_recognized(entry, kind):
    """An entry has no tag: its keys determine its class; unknown ones are kept."""
    assert type(xpander.entry_of({"id": "e", "created_at": AT, **entry})) is kind


def test_invalid_entries_are_kept():
    """A thread with an entry that is not an object is still read."""
    (entry,) = xpander.load({"id": "t", "created_at": AT, "messages": [7]}).messages
    assert entry.other == {"value": 7}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="empty"),
        pytest.param({"messages": []}, id="thread-without-id"),
    ],
)
def test_invalid_records_are_rejected(value):
    """JSON that is not a record of xpander's raises a clear error."""
    with pytest.raises(InfiniumError):
        xpander.load(value)


def test_load_recognizes_the_record():
    """Threads, events and tasks are read, with nulls as xpander's own defaults."""
    task = xpander.load(
        {"id": "t", "agent_id": "a", "input": "hi", "tokens": {"total_tokens": 3}}
    )
    assert task.task.input == AgentExecutionInput("hi")
    assert task.task.tokens == Tokens()
    assert xpander.load({"id": "t", "input": 7, "tokens": 7}).task == Task(
        "t", other={"input": 7, "tokens": 7}
    )
    event = xpander.load({"type": "chunk", "task_id": "t", "data": "x"})
    assert event.events == (TaskUpdateEvent("chunk", "t", None, None, "x"),)
    assert (
        xpander.load(
            {"id": "t", "created_at": AT, "messages": [], "user": 3, "task": 4}
        ).user
        is None
    )
    broken = xpander.event_of({"type": "tool_call_result", "task_id": "t", "data": {}})
    assert broken.data == {}


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        pytest.param(xpander.AgentExecutionStatus, 7, id="status"),
        pytest.param(xpander.AgentDeploymentType, 2, id="deployment"),
        pytest.param(xpander.OutputFormat, 5, id="format"),
        pytest.param(xpander.TaskUpdateEventType, 28, id="events"),
        pytest.param(xpander.AgentActivityThreadReasoningType, 2, id="reasoning"),
        pytest.param(xpander.MCPOAuthResponseType, 4, id="auth"),
    ],
)
def test_enumerations(kind, count):
    """Every value of the reference and of the package is defined."""
    assert len(kind) == count


MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, timezone.utc)


def test_times_and_enumerations_become_text():
    """A `datetime` is written as ISO 8601, a member of an enumeration as its value."""
    task = Task("t", status=xpander.AgentExecutionStatus.Failed, created_at=MOMENT)
    thought = AgentActivityThreadReasoning(
        "e", MOMENT, xpander.AgentActivityThreadReasoningType.Think, "Plan", 0.5
    )
    thread = AgentActivityThread("t", MOMENT, [thought], task=task)
    root, span = xpander.to_spans(thread)
    assert root.attributes["error.type"] == "failed"
    assert type(root.attributes["error.type"]) is str
    assert span.name == "xpander.reasoning think"
    assert root.start_ns == span.start_ns == to_ns(AT)
    dumped = xpander.dump(thread)
    assert dumped["created_at"] == MOMENT.isoformat()
    assert type(dumped["task"]["status"]) is str
    assert xpander.load(dumped).messages[0].type == "think"


def test_times_and_enumerations_in_events_become_text():
    """An event's time and type may be a `datetime` and a member too."""
    kind = xpander.TaskUpdateEventType.TaskUpdated
    event = TaskUpdateEvent(kind, "t", "o", MOMENT, {"a": 1})
    (root,) = xpander.from_events([event])
    assert root.start_ns == to_ns(AT)
    assert root.events[0].name == "xpander.task_updated"
    assert xpander.push_list([event])[0]["type"] == "task_updated"


def test_an_input_needs_text_or_files():
    """An empty input is rejected; in JSON it is kept without becoming an input."""
    with pytest.raises(InfiniumError, match="text or files must be provided"):
        AgentExecutionInput()
    assert AgentExecutionInput(files=("https://a/b",)).text == ""
    assert AgentExecutionInput(user=User(email="a@b.c")).files == ()
    task = xpander.task_of({"id": "t", "input": {"text": None}})
    assert (task.input, task.other) == (None, {"input": {"text": None}})
    assert xpander.task_of({"id": "t", "input": ""}).input is None


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        pytest.param(partial(TaskUpdateEvent, "chunk", "t"), "data", id="event"),
        pytest.param(partial(AgentActivityThread, "t", AT), "messages", id="thread"),
        pytest.param(
            partial(AgentActivityThreadMessage, "e", AT, "user"),
            "content",
            id="message",
        ),
        pytest.param(
            partial(AgentActivityThreadToolCall, "e", AT, "t"), "payload", id="tool"
        ),
        pytest.param(
            partial(xpander.KnowledgeBaseDocumentItem, "d", "https://a/b"),
            "added_at",
            id="document",
        ),
    ],
)
def test_required_fields_have_no_default(make, missing):
    """A field that xpander requires is required here too; JSON may lack it."""
    with pytest.raises(TypeError, match=missing):
        make()


def test_json_may_lack_required_fields():
    """A file without a required field is read, with an empty value in its place."""
    event = xpander.event_of({"type": "chunk", "task_id": "t"})
    assert (event.organization_id, event.time, event.data) == (None, None, None)
    assert xpander.thread_of({"id": "t", "created_at": AT}).messages == ()
    bare = {"id": "e", "created_at": AT}
    assert xpander.entry_of({**bare, "tool_name": "t"}).payload is None
    assert xpander.entry_of({**bare, "role": "user"}).content.text is None
