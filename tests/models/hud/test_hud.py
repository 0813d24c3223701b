"""HUD's runs to spans and back, of both generations."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infinium_otel import otlp
from infinium_otel.errors import InfiniumError
from infinium_otel.models import hud
from infinium_otel.models.hud import mcp, v04, v06
from infinium_otel.records import SpanEvent
from support import corpus
from support.records import chat, make_span

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"


def tool_loop():
    recording = corpus.recording("pydantic-ai/tool_loop")
    return list(otlp.from_json(recording.spans).records)


@pytest.mark.parametrize("attributes", ["{}", "no json", None, '{"prompt": "x"}'])
def test_a_task_is_never_invented(attributes):
    """Without `mcp_config` there is no task."""
    record = make_span("run", attributes={"hud.task": attributes} if attributes else {})
    (trace,) = hud.from_spans([record])
    assert trace.task is None


def evaluation(value, name="reward"):
    attributes = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": value,
    }
    return SpanEvent("gen_ai.evaluation.result", 1, attributes)


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
    """The attribute, else the event named reward, else the only evaluation."""
    record = make_span("run", attributes=attributes, events=tuple(events))
    (trace,) = hud.from_spans([record])
    (run,) = hud.from_spans([record], model="0.6")
    assert trace.reward == (reward or 0.0)
    assert trace.info.get("reward_source") == (None if reward else "default")
    assert (run.grade.reward if run.grade else None) == reward


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
def test_the_generation_is_recognized(document, kind):
    """The keys of a document determine its generation."""
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
def test_invalid_documents_are_rejected(document):
    """An invalid document raises one clear error."""
    with pytest.raises(InfiniumError):
        hud.load(document)


def test_unknown_models_and_missing_spans():
    """An unknown model and no spans at all raise clear errors."""
    with pytest.raises(InfiniumError, match=r"0\.4 or 0\.6"):
        hud.from_spans([], model="0.5")
    with pytest.raises(InfiniumError, match="no spans"):
        hud.to_hud_trace([])
    assert isinstance(hud.to_hud_trace(tool_loop()), v04.Trace)


def test_values_that_hud_rejects_are_not_written():
    """Unknown words, blocks and messages are converted to a form that HUD accepts."""
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
    dumped = hud.dump(hud.to_hud_trace(records, model="0.6"))
    tool, sub, last, empty = dumped["steps"]
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


def test_a_truncated_answer_stops_the_run():
    """A run whose last answer was truncated stopped because of its length."""
    spans = [
        make_span("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        chat("c", "run"),
    ]
    cut = {**spans[1].attributes, "gen_ai.response.finish_reasons": ["length"]}
    spans[1] = make_span("c", "run", cut)
    (run,) = hud.from_spans(spans, model="0.6")
    assert run.trace.stop_reason == "length"
    assert run.trace.steps[-1].stop_reason == "length"


def test_arguments_other_than_objects_become_text():
    """HUD accepts an object or raw text; a list becomes its JSON."""
    spans = [
        make_span("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        make_span(
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


def test_a_failed_tool_without_a_result():
    """A missing result is replaced by the failure's message."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "w"}
    spans = [
        make_span("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        make_span("t", "run", attributes, status="error", status_message="slow"),
    ]
    (run,) = hud.from_spans(spans, model="0.6")
    assert run.trace.steps[0].result.content == (mcp.TextContent("slow"),)


def test_a_run_that_has_not_ended_is_not_done():
    """An end is never invented: in both generations an open run is not done."""
    open_run = [replace(span, end_ns=0) for span in hud.to_spans(v04.Trace())]
    open_run = [replace(open_run[0], attributes={})]
    (trace,), (run,) = (hud.from_spans(open_run, model=m) for m in ("0.4", "0.6"))
    assert not trace.done
    assert (run.trace.status, run.trace.stop_reason) == (None, None)
