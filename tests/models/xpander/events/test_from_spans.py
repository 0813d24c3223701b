"""Any instrumentation's spans to events, reports and tool results."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infinium_otel.errors import InfiniumError
from infinium_otel.models import xpander
from infinium_otel.models.xpander import (
    TaskUpdateEvent,
)
from infinium_otel.records import Failure
from support.spans import span
from support.xpander_runs import AT, TRACE, a_run, agent, called, thread, tool


@pytest.mark.parametrize(
    "reader",
    [xpander.to_activity_thread, xpander.to_task_report],
    ids=["thread", "report"],
)
def test_no_spans(reader):
    """Without spans there is no thread and no report: a clear error."""
    with pytest.raises(InfiniumError, match="no spans"):
        reader([])


def test_events_of_another_systems_run():
    """A run of another system has events for its creation, tools, agents and end."""
    events = xpander.to_task_events(a_run(), organization_id="org-1")
    assert [e.type for e in events] == [
        "task_created",
        "tool_call_request",
        "tool_call_result",
        "sub_agent_trigger",
        "task_finished",
    ]
    request_, result_ = events[1].data, events[2].data
    assert request_.request_id == result_.request_id
    assert (request_.payload, result_.result) == ({"q": 1}, "found")
    assert events[0].data.status == "executing"
    assert events[4].data.status == "completed"
    assert xpander.push_list(events)[0]["organization_id"] == "org-1"
    unfinished = xpander.to_task_events([replace(agent(), end_ns=0)])
    assert [e.type for e in unfinished] == ["task_created"]
    bare = xpander.to_task_events(xpander.to_spans(thread()))
    assert bare[0].task_id == "thread-1"


@pytest.mark.parametrize(
    ("event_", "field"),
    [
        pytest.param(
            TaskUpdateEvent("brand_new", "t", "o", AT, None), "type", id="unknown-type"
        ),
        pytest.param(
            TaskUpdateEvent("chunk", "t", None, AT, None),
            "organization_id",
            id="no-organization",
        ),
        pytest.param(
            TaskUpdateEvent("chunk", "t", "o", None, None), "time", id="no-time"
        ),
    ],
)
def test_events_that_xpander_would_reject(event_, field):
    """An event that xpander would reject raises an error that names the field."""
    with pytest.raises(InfiniumError) as caught:
        xpander.push_list([event_])
    assert caught.value.field == field


def test_report_of_a_run():
    """A run of another system becomes a report that xpander's API accepts."""
    report = xpander.dump(xpander.to_task_report(a_run()))
    assert report == {
        "id": "0af76519-16cd-43dd-8448-eb211c80319c",
        "input": "where?",
        "llm_response": None,
        "tokens": {
            "completion_tokens": 5,
            "prompt_tokens": 30,
            "cache_read_tokens": 4,
            "cache_write_tokens": 0,
            "total_tokens": 35,
        },
        "is_success": True,
        "result": "Paris",
        "duration": 10.0,
        "used_tools": ["search"],
    }


def test_report_of_a_thread():
    """A thread without a task is reported by its entries; a failed run as failed."""
    report = xpander.to_task_report(xpander.to_spans(thread(called(), called())))
    assert (report.id, report.used_tools, report.input) == (
        "thread-1",
        ("search",),
        None,
    )
    assert not xpander.to_task_report([agent(status="error")]).is_success


def test_tool_results():
    """The result of each tool, in both forms at once."""
    http = span("h", "t", 1, 2, trace=TRACE, attributes={"http.request.method": "GET"})
    failed = tool(
        "u", 3, 4.5, failure=Failure("E", "why"), **{"gen_ai.tool.call.result": "no"}
    )
    first, second = xpander.to_tool_results([agent(), tool(), http, failed])
    assert (first.is_success, first.error, first.is_local) == (True, None, False)
    assert (second.is_success, second.error, second.execution_time) == (
        False,
        "why",
        1.5,
    )
    assert (second.tool_id, second.is_local, second.result) == ("search", True, "no")
    again = xpander.result_of(xpander.dump(second))
    assert again == replace(second, status_code=200)
