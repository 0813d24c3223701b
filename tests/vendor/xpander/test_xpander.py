"""xpander's classes accept our JSON, and we read theirs."""

from __future__ import annotations

import json
import warnings
from dataclasses import fields
from datetime import datetime, timezone

import pytest

pytest.importorskip("xpander_sdk")
with warnings.catch_warnings():
    # xpander's own imports warn of their dependencies' deprecated names.
    warnings.simplefilter("ignore")
    from xpander_sdk.models import activity, events, shared
    from xpander_sdk.models.configuration import Configuration
    from xpander_sdk.models.user import User
    from xpander_sdk.modules.agents.models.agent import AgentDeploymentType
    from xpander_sdk.modules.tasks.models import task as task_models
    from xpander_sdk.modules.tasks.sub_modules.task import Task, TaskUpdateEvent
    from xpander_sdk.modules.tools_repository.models.mcp import MCPOAuthResponseType
    from xpander_sdk.modules.tools_repository.models.tool_invocation_result import (
        ToolInvocationResult,
    )

from infinium_otel import otlp
from infinium_otel.models import xpander as ours
from support import corpus

LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})
AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc)


def recorded(name):
    return otlp.from_json(corpus.recording(name).spans).records


def as_json(record):
    return json.loads(json.dumps(ours.dump(record)))


@pytest.mark.parametrize("library", LIBRARIES)
def test_threads_of_any_trace_are_accepted(library):
    """Every recording's thread passes xpander's own checks, each entry as its kind."""
    for name in corpus.names(library):
        for thread in ours.from_spans(recorded(name), confidence=0.5):
            theirs = activity.AgentActivityThread.model_validate(as_json(thread))
            kinds = [type(entry).__name__ for entry in thread.messages]
            assert [type(entry).__name__ for entry in theirs.messages] == kinds, name


@pytest.mark.parametrize("library", LIBRARIES)
def test_reports_and_events_of_any_trace_are_accepted(library):
    """The report and the events of every recording pass xpander's own checks."""
    for name in corpus.names(library):
        records = recorded(name)
        report = as_json(ours.to_task_report(records))
        theirs = task_models.TaskReportRequest.model_validate(report)
        assert theirs.model_dump_safe() == report
        for event in ours.push_list(ours.to_task_events(records, organization_id="o")):
            found = TaskUpdateEvent.model_validate(event)
            if found.type.value == "tool_call_result":
                events.ToolCallResult.model_validate(event["data"])
        for result in ours.to_tool_results(records):
            ToolInvocationResult.model_validate(as_json(result))


def entries():
    """One entry of each kind, made by xpander."""
    common = {"id": "e", "created_at": AT}
    why = events.ToolCallRequestReasoning(title="Find", description="need it")
    gateway = {"action": "ask_execution", "created_execution_id": "x", "new_input": "n"}
    return [
        activity.AgentActivityThreadMessage(
            **common,
            role="user",
            content=activity.AgentActivityThreadMessageContent(text="hi", files=["f"]),
            user=User(email="a@b.c"),
        ),
        activity.AgentActivityThreadToolCall(
            **common, tool_name="t", payload={"q": 1}, result="r", reasoning=why
        ),
        activity.AgentActivityThreadReasoning(
            **common, type="think", title="Plan", confidence=0.5, thought="hm"
        ),
        activity.AgentActivityThreadSubAgentTrigger(
            **common, agent_id="helper", query="go", reasoning=why
        ),
        activity.AgentActivityThreadGatewayAskExecution(
            **common, reasoning="because", **gateway
        ),
        activity.AgentActivityThreadOtherEntry(
            **common, action="brand_new", card={"a": 1}
        ),
    ]


def test_xpanders_threads_survive_spans():
    """The dump of xpander's class, converted to spans and back, is accepted and unchanged."""
    thread = activity.AgentActivityThread(
        id="thread-1", created_at=AT, messages=entries(), user=User(email="a@b.c")
    )
    read = ours.load(thread.model_dump_safe())
    (back,) = ours.from_spans(ours.to_spans(read))
    assert activity.AgentActivityThread.model_validate(as_json(back)) == thread


def test_a_reasoning_with_an_action_is_read_as_one():
    """The vendor's own class reads it as another kind; we keep its kind."""
    entry = {"id": "e", "created_at": AT.isoformat(), "type": "think", "title": "t"}
    entry |= {"confidence": 0.5, "action": "search"}
    assert isinstance(ours.entry_of(entry), ours.AgentActivityThreadReasoning)


def test_redacted_sign_ins_are_accepted():
    """A sign-in whose token was removed is accepted."""
    entry = activity.AgentActivityThreadAuth(
        id="e",
        created_at=AT,
        type=MCPOAuthResponseType.TOKEN_READY,
        data={"access_token": "sk-secret", "server_name": "mail"},
    )
    thread = activity.AgentActivityThread(id="t", created_at=AT, messages=[entry])
    (back,) = ours.from_spans(ours.to_spans(ours.load(thread.model_dump_safe())))
    theirs = activity.AgentActivityThread.model_validate(as_json(back))
    assert isinstance(theirs.messages[0], activity.AgentActivityThreadAuth)
    assert "sk-secret" not in json.dumps(as_json(back))


def test_xpanders_events_survive_spans():
    """Pushed events come back unchanged."""
    request = events.ToolCallRequest(
        request_id="q", operation_id="op", tool_name="t", payload={"a": 1}
    )
    result = events.ToolCallResult(
        request_id="q", operation_id="op", result="r", is_error=True
    )
    pushed = [
        TaskUpdateEvent(
            type=kind, task_id="task-1", organization_id="org-1", time=AT, data=data
        ).model_dump_safe()
        for kind, data in (
            ("task_created", {"id": "task-1", "status": "executing"}),
            ("tool_call_request", request.model_dump()),
            ("tool_call_result", result.model_dump()),
            ("task_finished", {"id": "task-1", "status": "completed"}),
        )
    ]
    read = [ours.event_of(each) for each in pushed]
    back = ours.to_task_events(ours.from_events(read))
    again = [TaskUpdateEvent.model_validate(as_json(each)) for each in back]
    # The data of a task's event is a whole task, with the defaults of its fields.
    assert again == [TaskUpdateEvent.model_validate(as_json(each)) for each in read]
    for event, each in zip(again, pushed, strict=True):
        assert each["data"].items() <= event.model_dump_safe()["data"].items()


def test_tasks_are_accepted_where_all_is_known():
    """A task's JSON makes xpander's own task; what it dumps makes ours."""
    task = ours.Task(
        "task-1",
        agent_id="a",
        organization_id="o",
        created_at=AT.isoformat(),
        input=ours.AgentExecutionInput("hi"),
        status="completed",
        tokens=ours.Tokens(1, 2),
    )
    theirs = Task.model_validate({**as_json(task), "configuration": Configuration()})
    assert theirs.tokens.total_tokens == 3
    dumped = theirs.model_dump_safe(exclude={"configuration"})
    again = ours.task_of(dumped)
    assert (again.id, again.tokens, again.status) == (
        "task-1",
        task.tokens,
        "completed",
    )


@pytest.mark.parametrize(
    ("theirs", "mine", "beyond"),
    [
        (task_models.AgentExecutionStatus, ours.AgentExecutionStatus, set()),
        (AgentDeploymentType, ours.AgentDeploymentType, set()),
        (shared.OutputFormat, ours.OutputFormat, {"html"}),
        (events.TaskUpdateEventType, ours.TaskUpdateEventType, set()),
        (MCPOAuthResponseType, ours.MCPOAuthResponseType, set()),
        (
            activity.AgentActivityThreadReasoningType,
            ours.AgentActivityThreadReasoningType,
            set(),
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_enumerations_are_the_same(theirs, mine, beyond):
    """Our enumerations are xpander's, plus values that only its reference has."""
    assert {each.value for each in mine} == {each.value for each in theirs} | beyond


@pytest.mark.parametrize(
    ("theirs", "mine", "left_out"),
    [
        (User, ours.User, set()),
        (shared.Tokens, ours.Tokens, set()),
        (task_models.TaskReportRequest, ours.TaskReportRequest, set()),
        (Task, ours.Task, {"configuration"}),
        (TaskUpdateEvent, ours.TaskUpdateEvent, set()),
        (events.ToolCallRequest, ours.ToolCallRequest, set()),
        (events.ToolCallResult, ours.ToolCallResult, set()),
        (activity.AgentActivityThreadMessage, ours.AgentActivityThreadMessage, set()),
        (activity.AgentActivityThreadToolCall, ours.AgentActivityThreadToolCall, set()),
        (
            activity.AgentActivityThreadReasoning,
            ours.AgentActivityThreadReasoning,
            set(),
        ),
        (
            activity.AgentActivityThreadSubAgentTrigger,
            ours.AgentActivityThreadSubAgentTrigger,
            set(),
        ),
        (activity.AgentActivityThreadAuth, ours.AgentActivityThreadAuth, set()),
        (
            task_models.AgentExecutionInput,
            ours.AgentExecutionInput,
            {"attachments", "principal"},
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_classes_have_the_same_fields(theirs, mine, left_out):
    """Our records have the fields of xpander's classes; newer ones go to `other`."""
    names = {field.name for field in fields(mine)} - {"other"}
    assert names == set(theirs.model_fields) - left_out
