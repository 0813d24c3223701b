"""What the spans of a run of HUD contain."""

from __future__ import annotations

import json

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.models import hud
from infinium_otel.models.hud import mcp, v04, v06
from infinium_otel.models.hud.secrets import remove_secrets
from infinium_otel.models.spans import to_ns

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
HEX = "0af7651916cd43dd8448eb211c80319c"
NOON = "2026-01-02T12:00:00Z"
RESULT = {"content": [{"type": "text", "text": "18C"}], "isError": False}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"s": {"url": "http://u:p@a/b?key=k", "headers": {"x": "y"}}},
            {"s": {"url": "http://a/b"}},
            id="address-and-headers",
        ),
        pytest.param(
            {"s": {"command": "x", "env": {"A": "b"}, "api_key": "k", "auth": "b"}},
            {"s": {"command": "x"}},
            id="environment-and-keys",
        ),
        pytest.param(
            {"args": ["--api-key", "sk", "--token=t", "run", 5]},
            {"args": ["--api-key", "[removed]", "--token=[removed]", "run", 5]},
            id="command-line",
        ),
        pytest.param("plain", "plain", id="text"),
    ],
)
def test_a_tasks_credentials_are_removed(config, expected):
    """No credential of a server is written to a span."""
    assert remove_secrets(config) == expected


def test_a_task_is_written_to_the_root():
    """The root has the task without credentials, its prompt and its instructions."""
    config = {"s": {"url": "http://a", "headers": {"Authorization": "Bearer k"}}}
    task = v04.Task(
        "go", config, id="t", agent_config=v04.BaseAgentConfig(system_prompt="s")
    )
    root = hud.to_spans(v04.Trace(task=task))[0]
    assert "Bearer" not in str(root.attributes)
    assert root.attributes["hud.task.id"] == "t"
    assert '"go"' in root.attributes["gen_ai.input.messages"]
    assert '"s"' in root.attributes["gen_ai.system_instructions"]
    (again,) = hud.from_spans([root])
    assert again.task.mcp_config == {"s": {"url": "http://a"}}


@pytest.mark.parametrize(
    "subscores",
    [
        pytest.param({"speed": 0.5}, id="by-name"),
        pytest.param([{"name": "speed", "value": 0.5}, "odd"], id="listed"),
    ],
)
def test_rewards_are_written_as_evaluations(subscores):
    """The reward and its subscores are evaluation events on the run."""
    old = hud.to_spans(v04.Trace(reward=1.0, info={"subscores": subscores}))[0]
    grade = v06.Grade(1.0, raw={"subscores": subscores})
    new = hud.to_spans(v06.Run(v06.Trace(), grade))[0]
    for root in (old, new):
        scores = {
            e.attributes["gen_ai.evaluation.name"]: e.attributes[
                "gen_ai.evaluation.score.value"
            ]
            for e in root.events
        }
        assert scores == {"reward": 1.0, "speed": 0.5}


def test_the_run_has_huds_own_trace_id():
    """A UUID is the trace id; any other id is hashed as HUD hashes it."""
    assert hud.to_spans(v06.Trace(trace_id=UUID))[0].trace_id == HEX
    step = v04.TraceStep(task_run_id="run-1")
    spans = hud.to_spans(v04.Trace(trace=(step,)))
    assert spans[0].trace_id == hud.to_spans(v06.Trace(trace_id="run-1"))[0].trace_id
    assert spans[0].attributes["hud.task_run_id"] == "run-1"


def test_the_agent_type_determines_the_provider():
    """HUD's agent type determines the provider of its model calls, and vice versa."""
    run = v06.Trace(steps=(v06.AgentStep(content="x", model="m"),))
    root, turn = hud.to_spans(run, agent_type="claude")
    assert (root.attributes["hud.agent.type"], turn.name) == ("claude", "chat m")
    assert turn.attributes["gen_ai.provider.name"] == "anthropic"
    assert hud.agent_type_of("anthropic") == "claude"
    assert hud.agent_type_of("mistral_ai") == "openai_compatible"
    assert hud.agent_type_of(None) is None


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(None, "2026-01-01T00:00:00.000000Z", id="end-only"),
        pytest.param(
            "2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:00.000000Z", id="reversed"
        ),
    ],
)
def test_odd_times_make_no_negative_span(start, end):
    """A missing time is marked, an end before the start is zero length; both come back."""
    step = v06.ToolStep(started_at=start, ended_at=end)
    run = v06.Run(v06.Trace(steps=(step,)))
    record = hud.to_spans(run, start_ns=50)[1]
    assert record.end_ns == record.start_ns
    assert (record.attributes.get("hud.time_source") == "synthetic") == (start is None)
    assert hud.from_spans(hud.to_spans(run), model="0.6") == [run]


def test_a_failed_tool_does_not_fail_its_run():
    """With `isError` in a result the call failed, not the run."""
    result = v06.MCPToolResult((mcp.TextContent("no such city"),), isError=True)
    step = v06.ToolStep(call=v06.MCPToolCall("w"), result=result)
    root, tool = hud.to_spans(v06.Trace(steps=(step,), status="completed"))
    assert (root.status, tool.status) == ("unset", "error")
    assert tool.attributes["error.type"] == "tool_error"
    assert tool.status_message == "no such city"


def test_a_failed_run_has_its_last_error():
    """A run with status error fails with its last step's error."""
    step = v06.AgentStep(error="rate limit")
    assert (
        hud.to_spans(v06.Trace(steps=(step,), status="error"))[0].status_message
        == "rate limit"
    )
    old = v04.Trace(isError=True, info={"error": "gone"})
    assert hud.to_spans(old)[0].status_message == "gone"


TOOL_REQUEST = {"method": "tools/call", "params": {"name": "w", "arguments": {"a": 1}}}


@pytest.mark.parametrize(
    ("step", "name", "error"),
    [
        pytest.param(
            {"request": TOOL_REQUEST, "result": RESULT},
            "execute_tool w",
            None,
            id="tool",
        ),
        pytest.param(
            {"request": TOOL_REQUEST, "result": {"content": [], "isError": True}},
            "execute_tool w",
            "tool_error",
            id="failed-tool",
        ),
        pytest.param(
            {
                "category": "agent",
                "result": {
                    "content": "x",
                    "reasoning": "y",
                    "tool_calls": [{"name": "w"}],
                    "info": {"model": "m"},
                },
            },
            "chat m",
            None,
            id="answer",
        ),
        pytest.param(
            {"category": "agent", "result": {"content": "x", "isError": True}},
            "chat",
            "error",
            id="failed-answer",
        ),
        pytest.param(
            {"category": "agent", "result": {"a": 1}}, "hud.agent", None, id="odd"
        ),
        pytest.param(
            {"category": "agent", "result": {"tool_calls": [5]}},
            "hud.agent",
            None,
            id="broken",
        ),
        pytest.param({"request": {"method": "ping"}}, "hud.mcp", None, id="other"),
        pytest.param(
            {"request": {"method": "tools/call"}}, "hud.mcp", None, id="nameless-tool"
        ),
    ],
)
def test_steps_of_04_have_the_conventions_attributes(step, name, error):
    """Tool calls and model calls become spans of the conventions."""
    record = hud.to_spans(hud.load({"trace": [step]}))[1]
    assert record.name == name
    assert record.attributes.get("error.type") == error


def test_prompt_messages_of_any_shape_are_read():
    """A user's step before the first turn is the run's prompt; others are ignored."""
    good = {"role": "user", "content": {"type": "text", "text": "go"}}
    steps = (v06.Step(source="user", messages=(good, 5)), v06.Step(source="system"))
    root = hud.to_spans(v06.Trace(steps=steps))[0]
    assert json.loads(root.attributes["gen_ai.input.messages"])[0]["parts"] == [
        {"type": "text", "content": "go"}
    ]


def test_a_hud_run_is_a_task_with_an_expected_outcome():
    """The task's prompt is the objective, its grader a criterion, the reward a tag."""
    task = v04.Task("Book it", {}, id="book", evaluate_tool={"name": "booked"})
    step = v04.TraceStep(request=TOOL_REQUEST, result=RESULT)
    document = v04.Trace(reward=0.5, task=task, trace=(step,))
    (sent,) = spans_to_tasks(hud.to_spans(document))
    assert sent.name == "book"
    assert sent.expected_outcome.task_objective == "Book it"
    assert sent.expected_outcome.acceptance_criteria == ['{"name": "booked"}']
    assert sent.environment.framework == "hud"
    assert sent.environment.custom_tags["hud.reward"] == "0.5"


def test_setup_and_evaluation_have_a_phase():
    """Setup and evaluation calls differ from the agent's calls by their phase."""
    call = v06.TaskCall("evaluate", "booked")
    run = v06.Trace(steps=(v06.Step(source="task", task_call=call),))
    (sent,) = spans_to_tasks(hud.to_spans(run))
    assert sent.steps[0].metadata["hud.phase"] == "evaluate"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            v04.Trace(trace=(v04.TraceStep(), v04.TraceStep(end_timestamp=NOON))),
            id="0.4",
        ),
        pytest.param(
            v06.Trace(steps=(v06.AgentStep(), v06.AgentStep(started_at=NOON))),
            id="0.6",
        ),
    ],
)
def test_a_step_without_times_begins_no_earlier_than_the_run(document):
    """A missing time does not make a run begin in 1970."""
    assert {span.start_ns for span in hud.to_spans(document)} == {to_ns(NOON)}


def test_the_cost_of_a_turn_reaches_the_task():
    """HUD's cost of a turn is the call's cost."""
    usage = v06.Usage(prompt_tokens=3, completion_tokens=2, cost_usd=0.25)
    run = v06.Trace(steps=(v06.AgentStep(content="x", model="m", usage=usage),))
    (sent,) = spans_to_tasks(hud.to_spans(run))
    assert sent.llm_usage.estimated_cost_usd == 0.25


def test_a_subscore_without_a_name_is_unknown():
    """A null name does not become the text "None"."""
    grade = v06.Grade(1.0, raw={"subscores": [{"value": 0.5}]})
    root = hud.to_spans(v06.Run(v06.Trace(), grade))[0]
    names = [event.attributes["gen_ai.evaluation.name"] for event in root.events]
    assert names == ["reward", "unknown"]


def test_a_tool_call_gets_an_id():
    """A new call has an id of its own; one read without an id has none."""
    first, second = v04.MCPToolCall("look"), v06.MCPToolCall("look")
    assert first.id
    assert first.id != second.id
    for module in (v04, v06):
        assert module.tool_call_of({"name": "look"}).id is None
        assert module.tool_call_of({"name": "look", "id": "c"}).id == "c"


def test_records_in_a_step_are_written_as_json():
    """An `AgentResponse` or `MCPToolResult` in a step's result is read as its JSON is."""
    call = {"method": "tools/call", "params": {"name": "look"}}
    failed = v04.MCPToolResult((v04.TextContent("no"),), isError=True)
    trace = v04.Trace(
        trace=(
            v04.TraceStep(
                category="agent",
                result=v04.AgentResponse(content="hi", info={"model": "m"}),
            ),
            v04.TraceStep(request=call, result=failed),
        )
    )
    _, chat, tool = hud.to_spans(trace)
    assert (chat.name, chat.attributes["gen_ai.operation.name"]) == ("chat m", "chat")
    assert '"hi"' in chat.attributes["gen_ai.output.messages"]
    assert (tool.status, tool.status_message) == ("error", "no")
    (back,) = hud.from_spans([_, chat, tool])
    assert v04.response_of(back.trace[0].result).content == "hi"


def test_members_of_agent_types_become_text():
    """A member of `AgentType` is accepted as agent type and written as its value."""
    spans = hud.to_spans(v04.Trace(), agent_type=v04.AgentType.CLAUDE)
    assert spans[0].attributes["gen_ai.provider.name"] == "anthropic"
    assert type(spans[0].attributes["hud.agent.type"]) is str
