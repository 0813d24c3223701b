from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infinium_otel import otlp, spans_to_tasks
from infinium_otel.errors import InfiniumError
from infinium_otel.models import hud
from infinium_otel.models.hud import mcp, v04, v06
from infinium_otel.models.hud.secrets import without_secrets
from infinium_otel.models.spans import to_ns
from infinium_otel.records import SpanEvent
from support import corpus
from support.told import chat, logged, told

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
HEX = "0af7651916cd43dd8448eb211c80319c"
NOON = "2026-01-02T12:00:00Z"
RESULT = {"content": [{"type": "text", "text": "18C"}], "isError": False}


def tool_loop():
    recording = corpus.recording("pydantic-ai/tool_loop")
    return list(otlp.from_json(recording.spans).records)


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
def test_a_tasks_credentials_do_not_travel(config, expected):
    """What opens a server's door never reaches a span."""
    assert without_secrets(config) == expected


def test_a_tasks_servers_are_shown_without_credentials():
    """A task travels on the root, its prompt and instructions as messages."""
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


@pytest.mark.parametrize("told_", ["{}", "no json", None, '{"prompt": "x"}'])
def test_a_task_is_never_invented(told_):
    """A task without its servers is no task."""
    record = told("run", attributes={"hud.task": told_} if told_ else {})
    (trace,) = hud.from_spans([record])
    assert trace.task is None


def evaluation(value, name="reward"):
    said = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": value}
    return SpanEvent("gen_ai.evaluation.result", 1, said)


@pytest.mark.parametrize(
    ("attributes", "events", "reward"),
    [
        pytest.param({"hud.trace.reward": 0.5}, [evaluation(0.1)], 0.5, id="attribute"),
        pytest.param(
            {}, [evaluation(9, "x"), evaluation(0.25)], 0.25, id="named-event"
        ),
        pytest.param({}, [evaluation(0.75, "x")], 0.75, id="only-event"),
        pytest.param({}, [evaluation(1, "x"), evaluation(2, "y")], None, id="unclear"),
        pytest.param({}, [], None, id="nobody"),
    ],
)
def test_rewards_are_found(attributes, events, reward):
    """The attribute, else the event called reward, else the only evaluation."""
    record = told("run", attributes=attributes, events=tuple(events))
    (trace,) = hud.from_spans([record])
    (run,) = hud.from_spans([record], model="0.6")
    assert trace.reward == (reward or 0.0)
    assert trace.info.get("reward_source") == (None if reward else "default")
    assert (run.grade.reward if run.grade else None) == reward


@pytest.mark.parametrize(
    "subscores",
    [
        pytest.param({"speed": 0.5}, id="by-name"),
        pytest.param([{"name": "speed", "value": 0.5}, "odd"], id="listed"),
    ],
)
def test_rewards_are_told_as_evaluations(subscores):
    """The reward and each part of it stand as evaluation events on the run."""
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


def test_the_agents_type_tells_the_provider():
    """HUD's word for the agent names the provider of its model calls, and back."""
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
    """IsError is data: the call failed, the run did not."""
    result = v06.MCPToolResult((mcp.TextContent("no such city"),), isError=True)
    step = v06.ToolStep(call=v06.MCPToolCall("w"), result=result)
    root, tool = hud.to_spans(v06.Trace(steps=(step,), status="completed"))
    assert (root.status, tool.status) == ("unset", "error")
    assert tool.attributes["error.type"] == "tool_error"
    assert tool.status_message == "no such city"


def test_a_failed_run_says_what_failed_last():
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
def test_steps_of_04_say_what_they_are(step, name, error):
    """A tool call and a model's answer are told in the conventions' words."""
    record = hud.to_spans(hud.load({"trace": [step]}))[1]
    assert record.name == name
    assert record.attributes.get("error.type") == error


def native(key, parent=None, attributes=None, **more):
    said = {"hud.task_run_id": UUID, "category": "agent", **(attributes or {})}
    return told(key, parent, said, scope="hud-sdk", **more)


def test_huds_own_spans_of_04_are_read():
    """HUD's attributes become a step's fields; the other ones its extras."""
    spans = [
        native("a", attributes={"result": '{"content": "x"}', "extra": 1}),
        native(
            "b",
            attributes={
                "category": "mcp",
                "mcp.method.name": "tools/call",
                "mcp.request.id": "7",
                "traceloop.entity.input": json.dumps(TOOL_REQUEST),
                "traceloop.entity.output": json.dumps(RESULT),
                "hud.job_id": "j",
            },
            trace="9" * 32,
        ),
    ]
    (trace,) = hud.from_spans(spans)
    first, second = trace.trace
    assert (first.category, first.result, first.other["extra"]) == (
        "agent",
        {"content": "x"},
        1,
    )
    assert (second.request, second.result) == (TOOL_REQUEST, RESULT)
    assert (second.other["method_name"], second.other["request_id"]) == (
        "tools/call",
        "7",
    )
    assert first.type == "CLIENT"
    (task,) = spans_to_tasks(hud.to_spans(trace))
    assert [s.tool_call.tool_name for s in task.steps if s.tool_call] == ["w"]


def test_an_exception_told_twice_is_told_once():
    """HUD records an exception by hand and again as it leaves the span."""
    said = {"exception.type": "E", "exception.message": "m"}
    twice = (
        SpanEvent("exception", 1, said),
        SpanEvent("x", 2),
        SpanEvent("exception", 3, said),
    )
    (trace,) = hud.from_spans(
        [told("run"), native("a", "run", events=twice, status="error")]
    )
    names = [event["name"] for event in trace.trace[0].other["otel"]["events"]]
    assert names == ["exception", "x"]


def test_the_local_folder_is_written_and_read():
    """The files `hud trace get` reads hold every step, and read back as the run."""
    files = hud.to_hud_spans(tool_loop())
    ((name, text),) = files.items()
    assert name == f"{tool_loop()[0].trace_id}.jsonl"
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["attributes"]["hud.schema"] for line in lines} == {"hud.step.v1"}
    records = hud.spans_in(text + '{"cut": \n[]\n')
    assert len(records) == len(lines)
    (run,) = hud.from_spans(records, model="0.6")
    (first,) = hud.from_spans(tool_loop(), model="0.6")
    kinds = [type(step).__name__ for step in run.trace.steps]
    assert kinds == [type(step).__name__ for step in first.trace.steps]


def test_a_span_of_huds_with_events_is_read():
    """Debug spans carry events, and a start that may lie after the end."""
    line = {
        "name": "f",
        "trace_id": HEX,
        "span_id": "A" * 16,
        "start_time": "2026-01-01T00:00:01Z",
        "end_time": "2026-01-01T00:00:00Z",
        "events": [{"name": "hud.request", "timestamp": "2026-01-01T00:00:00Z"}],
    }
    (record,) = hud.spans_in(json.dumps(line))
    assert record.start_ns == record.end_ns
    assert [event.name for event in record.events] == ["hud.request"]


def test_whatever_hud_wrote_is_read():
    """Traces, lines and upload bodies, mixed, become runs."""
    lines = [
        json.loads(t)
        for t in next(iter(hud.to_hud_spans(tool_loop()).values())).splitlines()
    ]
    found = hud.from_hud([{"reward": 0.5}, {"telemetry": lines[:2]}, *lines[2:]])
    assert isinstance(found[0], v04.Trace)
    assert len(found) == 2
    assert len(found[1].trace.steps) == len(lines)


def test_a_flat_run_with_a_broken_payload_is_read():
    """A payload that is no step leaves the span a step of the system."""
    spans = [native("a", attributes={"hud.payload": {"source": "tool", "call": 5}})]
    (run,) = hud.from_spans(spans, model="0.6")
    assert [step.source for step in run.trace.steps] == ["system"]


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        pytest.param({"reward": 1}, v04.Trace, id="04"),
        pytest.param({"steps": []}, v06.Run, id="06-trace"),
        pytest.param(
            {"trace": {"steps": []}, "grade": {"reward": 1}}, v06.Run, id="06-run"
        ),
    ],
)
def test_documents_are_told_apart(document, kind):
    """The generation shows in the keys."""
    assert isinstance(hud.load(document), kind)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="no-object"),
        pytest.param({"steps": [5]}, id="no-step"),
        pytest.param({"trace": [5]}, id="no-trace-step"),
        pytest.param({"task": {"prompt": "x"}}, id="task-without-servers"),
    ],
)
def test_what_is_no_document_is_refused(document):
    """A document that cannot be one is one clear error."""
    with pytest.raises(InfiniumError):
        hud.load(document)


def test_models_and_emptiness_are_named():
    """An unknown model and no spans at all are clear errors."""
    with pytest.raises(InfiniumError, match=r"0\.4 or 0\.6"):
        hud.from_spans([], model="0.5")
    with pytest.raises(InfiniumError, match="no spans"):
        hud.to_hud_trace([])
    assert isinstance(hud.to_hud_trace(tool_loop()), v04.Trace)


def test_huds_classes_get_nothing_they_refuse():
    """Unknown words, foreign blocks and odd messages are put as HUD takes them."""
    odd = {"type": "video", "data": "x"}
    good = mcp.EmbeddedResource({"uri": "a", "text": "b"})
    step = v06.ToolStep(
        source="tool",
        call=v06.MCPToolCall("w", arguments=[1], meta=5),
        result=v06.MCPToolResult(
            (odd, mcp.ImageContent(), mcp.ImageContent("QQ==", "image/png"), good),
            meta=5,
        ),
        messages=(
            {"role": "critic", "content": "hm"},
            {"role": "user", "content": {"type": "text", "text": "x"}},
            5,
        ),
        task_call=v06.TaskCall("middle", "x"),
    )
    turn = v06.AgentStep(tool_calls=(v06.MCPToolCall("w"),), stop_reason="bored")
    nested = v06.SubagentStep(subagent=v06.Trace(steps=(turn,), status="lost"))
    coach = v06.Step(source="coach")
    run = v06.Run(v06.Trace(steps=(step, nested, coach, v06.ToolStep()), trace_id=UUID))
    records = hud.to_spans(run)
    shown = hud.dump(hud.to_hud_trace(records, model="0.6"))
    tool, sub, last, empty = shown["steps"]
    assert tool["call"]["arguments"] == "[1]"
    assert [b["type"] for b in tool["result"]["content"]] == [
        "text",
        "text",
        "image",
        "resource",
    ]
    assert [m["role"] for m in tool["messages"]] == ["user", "user", "user"]
    assert (tool["task_call"], tool["call"]["_meta"]) == (None, None)
    assert (sub["subagent"]["status"], last["source"]) == (None, "system")
    turn = sub["subagent"]["steps"][0]
    assert turn["stop_reason"] is None
    assert len(turn["tool_calls"][0]["id"]) == 36
    assert (empty["call"], empty["result"]) == (None, None)
    spans = [
        json.loads(t)
        for t in next(iter(hud.to_hud_spans(records).values())).splitlines()
    ]
    assert [span["name"] for span in spans] == [
        "step.tool",
        "step.subagent",
        "step.system",
        "step.tool",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("text", mcp.TextContent("text"), id="bare-text"),
        pytest.param({"type": "text"}, {"type": "text"}, id="no-text"),
        pytest.param({"type": "resource"}, {"type": "resource"}, id="no-resource"),
        pytest.param(
            {"type": "text", "text": "a", "x": 1},
            mcp.TextContent("a", other={"x": 1}),
            id="extra-keys",
        ),
    ],
)
def test_blocks_are_read_or_kept(value, expected):
    """A block that is not understood stays as it is."""
    assert mcp.block_of(value) == expected


def test_a_result_that_is_a_text_is_one_block():
    """A tool's bare text is a text block; what is no list is no content."""
    assert mcp.tool_result_of({"content": "x"}).content == (mcp.TextContent("x"),)
    assert mcp.tool_result_of({"content": 5}).content == ()


def test_an_unfinished_answer_is_cut_by_length():
    """A run whose last answer was cut stopped for its length."""
    spans = [
        told("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        chat("c", "run"),
    ]
    cut = {**spans[1].attributes, "gen_ai.response.finish_reasons": ["length"]}
    spans[1] = told("c", "run", cut)
    (run,) = hud.from_spans(spans, model="0.6")
    assert run.trace.stop_reason == "length"
    assert run.trace.steps[-1].stop_reason == "length"


def test_prompt_messages_of_any_shape_are_put_on_the_run():
    """A user's step before the first turn is the run's prompt; odd ones say nothing."""
    good = {"role": "user", "content": {"type": "text", "text": "go"}}
    steps = (v06.Step(source="user", messages=(good, 5)), v06.Step(source="system"))
    root = hud.to_spans(v06.Trace(steps=steps))[0]
    assert json.loads(root.attributes["gen_ai.input.messages"])[0]["parts"] == [
        {"type": "text", "content": "go"}
    ]


def test_arguments_that_are_no_object_are_a_text():
    """HUD takes an object or a raw text; a list becomes its JSON."""
    spans = [
        told("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        told(
            "t",
            "run",
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "w",
                "gen_ai.tool.call.arguments": "[1, 2]",
            },
        ),
    ]
    (run,) = hud.from_spans(spans, model="0.6")
    assert run.trace.steps[0].call.arguments == "[1, 2]"


def test_huds_flat_spans_are_gathered_with_what_hangs_below_them():
    """Children and log events of a run's spans come with them; other spans stay."""
    spans = [
        native("a", attributes={"hud.job_id": "j"}),
        native("b", attributes={"category": "mcp"}),
        told("child", "a"),
        told("loop", "pool"),
        told("pool", "loop"),
        told("other", trace="8" * 32),
        logged("gen_ai.choice", "child", body={"message": {"content": "x"}}),
    ]
    first, *others = hud.from_spans(spans)
    assert len(first.trace) == 3
    assert len(others) == 2
    root = hud.to_spans(first)[0]
    assert (root.trace_id, root.attributes["hud.job_id"]) == (HEX, "j")


def test_a_tool_that_only_failed_answers_with_its_error():
    """A result that nobody recorded is the failure's text."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "w"}
    spans = [
        told("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        told("t", "run", said, status="error", status_message="slow"),
    ]
    (run,) = hud.from_spans(spans, model="0.6")
    assert run.trace.steps[0].result.content == (mcp.TextContent("slow"),)


def test_a_result_of_mcp_stays_one():
    """A result that is MCP's already is taken as it is; a structure is kept as one."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "w"}
    spans = [
        told("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        told("t", "run", {**said, "gen_ai.tool.call.result": json.dumps(RESULT)}),
        told("u", "run", {**said, "gen_ai.tool.call.result": '{"t": 18}'}),
    ]
    (run,) = hud.from_spans(spans, model="0.6")
    first, second = (step.result for step in run.trace.steps)
    assert first.content == (mcp.TextContent("18C"),)
    assert (second.structuredContent, second.content) == (
        {"t": 18},
        (mcp.TextContent('{"t": 18}'),),
    )


def test_a_run_of_huds_with_a_root_keeps_it():
    """A run that has a root of its own needs no other."""
    (trace,) = hud.from_spans([native("a"), native("b", "a")])
    assert [step.other["otel"]["name"] for step in trace.trace] == ["b"]


def test_a_huds_run_is_a_task_with_what_it_was_for():
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


def test_a_step_of_the_tasks_life_says_its_phase():
    """What set a run up or graded it is told from what the agent did."""
    call = v06.TaskCall("evaluate", "booked")
    run = v06.Trace(steps=(v06.Step(source="task", task_call=call),))
    (sent,) = spans_to_tasks(hud.to_spans(run))
    assert sent.steps[0].metadata["hud.phase"] == "evaluate"


def test_a_run_that_has_not_ended_is_not_done():
    """An end is never invented: neither generation says that an open run is over."""
    open_run = [replace(span, end_ns=0) for span in hud.to_spans(v04.Trace())]
    open_run = [replace(open_run[0], attributes={})]
    (trace,), (run,) = (hud.from_spans(open_run, model=m) for m in ("0.4", "0.6"))
    assert not trace.done
    assert (run.trace.status, run.trace.stop_reason) == (None, None)


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
    """One missing time does not make a run last since 1970."""
    assert {span.start_ns for span in hud.to_spans(document)} == {to_ns(NOON)}


def test_what_a_turn_cost_reaches_the_task():
    """HUD's cost of a turn is the call's cost."""
    usage = v06.Usage(prompt_tokens=3, completion_tokens=2, cost_usd=0.25)
    run = v06.Trace(steps=(v06.AgentStep(content="x", model="m", usage=usage),))
    (sent,) = spans_to_tasks(hud.to_spans(run))
    assert sent.llm_usage.estimated_cost_usd == 0.25


def test_a_part_of_the_reward_without_a_name_is_unknown():
    """A null name is no word "None"."""
    grade = v06.Grade(1.0, raw={"subscores": [{"value": 0.5}]})
    root = hud.to_spans(v06.Run(v06.Trace(), grade))[0]
    names = [event.attributes["gen_ai.evaluation.name"] for event in root.events]
    assert names == ["reward", "unknown"]


def test_every_file_for_huds_viewer_can_be_written():
    """Half a character in a text does not make a file that no disk takes."""
    run = v06.Run(v06.Trace(steps=(v06.AgentStep(content="a\ud800b"),)))
    (text,) = hud.to_hud_spans(hud.to_spans(run)).values()
    assert "a?b" in text.encode().decode()


def test_a_line_with_foreign_ids_is_a_span_all_the_same():
    """Ids that are none are hashed, so that parents and children still meet."""
    lines = [
        {"trace_id": "r", "span_id": "one", "kind": "odd", "status_code": 5},
        {"trace_id": "r", "span_id": "two", "parent_span_id": "one"},
    ]
    parent, child = hud.spans_in("\n".join(map(json.dumps, lines)))
    assert child.parent_id == parent.span_id
    assert len(parent.span_id) == 16
    assert (parent.kind, parent.status) == ("internal", "unset")
