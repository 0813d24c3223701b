"""The real classes of hud 0.6 accept our JSON, and we read theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


ht = pytest.importorskip("hud.types")
ha = pytest.importorskip("hud.agents.types")
hs = pytest.importorskip("hud.telemetry.span")
from mcp.types import ImageContent, PromptMessage, TextContent  # noqa: E402 - with hud

from infinium_otel import otlp, spans_to_tasks  # noqa: E402 - after the vendor's
from infinium_otel.models import hud  # noqa: E402 - after the vendor's
from support import corpus  # noqa: E402 - after the vendor's

CLASSES = {"agent": ha.AgentStep, "tool": ha.ToolStep}
LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})


def real_trace(dumped):
    """HUD's own object; its class cannot read nested steps, so they are built singly."""
    return ht.Trace(**{**dumped, "steps": [real_step(s) for s in dumped["steps"]]})


def real_step(dumped):
    if dumped["source"] == "subagent":
        return ha.SubagentStep(**{**dumped, "subagent": real_trace(dumped["subagent"])})
    return CLASSES.get(dumped["source"], ht.Step).model_validate(dumped)


def spans_of(name):
    return list(otlp.from_json(corpus.recording(name).spans).records)


@pytest.mark.parametrize("library", LIBRARIES)
def test_any_trace_is_one_that_hud_accepts(library):
    """Every recorded trace becomes one that HUD's classes validate and dump the same."""
    for name in corpus.names(library):
        spans = spans_of(name)
        ours = hud.dump(hud.to_hud_trace(spans, model="0.6"))
        theirs = real_trace(ours).model_dump(mode="json", by_alias=True)
        assert without_additions(theirs) == without_additions(numbered(ours)), name


def without_additions(value):
    """JSON without the additions of the protocol's newest classes: nulls, result types."""
    if isinstance(value, list):
        return [without_additions(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: without_additions(item)
        for key, item in value.items()
        if item is not None and key != "resultType"
    }


def numbered(dumped):
    """HUD numbers the steps of a trace as it is made."""
    steps = []
    for number, step in enumerate(dumped["steps"], 1):
        nested = step.get("subagent")
        more = {"subagent": numbered(nested)} if nested else {}
        steps.append({**step, "step_id": number, **more})
    return {**dumped, "steps": steps}


def test_huds_own_trace_survives_spans():
    """The JSON of HUD's own trace comes back from spans unchanged."""
    call = ht.MCPToolCall(name="click", arguments={"x": 1}, id="c", annotation="why")
    picture = ImageContent(type="image", data="QQ==", mimeType="image/png")
    prompt = PromptMessage(role="user", content=TextContent(type="text", text="go"))
    trace = ht.Trace(
        steps=[
            ht.Step(source="user", messages=[prompt]),
            ha.AgentStep(
                content="clicking",
                tool_calls=[call, ht.MCPToolCall(name="raw", arguments="{oops")],
                model="m",
                finish_reason="tool_use",
                usage=ha.Usage(prompt_tokens=3, completion_tokens=2, cost_usd=0.5),
                citations=[ha.Citation(text="t", source="s")],
                started_at="2026-01-01T00:00:00.000001Z",
            ),
            ha.ToolStep(
                call=call, result=ht.MCPToolResult(content=[picture], isError=True)
            ),
            ht.Step(
                source="task",
                task_call=ht.TaskCall(
                    phase="evaluate", name="grade", result={"score": 1}
                ),
            ),
        ],
        status="completed",
        stop_reason="done",
        content="done",
        trace_id="0af76519-16cd-43dd-8448-eb211c80319c",
    )
    dumped = trace.model_dump(mode="json", by_alias=True)
    spans = hud.to_spans(hud.load(dumped))
    assert spans[0].trace_id == hs.normalize_trace_id(trace.trace_id)
    back = hud.dump(hud.to_hud_trace(spans, model="0.6"))
    assert real_trace(back).model_dump(mode="json", by_alias=True) == dumped


def test_our_lines_are_huds_spans():
    """Every line of the local folder is a span that HUD's strict model accepts."""
    for name in corpus.names("pydantic-ai"):
        for text in hud.to_hud_spans(spans_of(name)).values():
            for line in text.splitlines():
                span = hs.Span.model_validate(json.loads(line))
                assert span.attributes["hud.schema"] == "hud.step.v1"


def test_hud_trace_get_shows_a_bridged_run(tmp_path: Path):
    """`hud trace get` prints the turns of a bridged run, offline and without a key."""
    spans = spans_of("pydantic-ai/tool_loop")
    for name, text in hud.to_hud_spans(spans).items():
        (tmp_path / name).write_text(text, "utf-8")
    environment = {**os.environ, "HUD_TELEMETRY_LOCAL_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "hud", "trace", "get", spans[0].trace_id]
    completed = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert "get_weather" in completed.stdout, completed.stdout + completed.stderr
    assert "sunny" in completed.stdout


def test_huds_own_exporter_writes_what_we_read(tmp_path: Path):
    """Lines that HUD's exporter wrote for a run become its task."""
    program = (
        "from hud.agents.types import AgentStep, ToolStep\n"
        "from hud.telemetry.context import set_trace_context\n"
        "from hud.types import MCPToolCall, MCPToolResult, Trace\n"
        "call = MCPToolCall(name='click', arguments={'x': 1}, id='c')\n"
        "with set_trace_context('0af76519-16cd-43dd-8448-eb211c80319c'):\n"
        "    trace = Trace()\n"
        "    trace.record(AgentStep(content='hi', tool_calls=[call], model='m'))\n"
        "    trace.record(ToolStep(call=call, result=MCPToolResult(content=[])))\n"
    )
    environment = {**os.environ, "HUD_TELEMETRY_LOCAL_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    lines = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.jsonl"))
    (run,) = hud.from_hud(map(json.loads, lines.splitlines()))
    (task,) = spans_to_tasks(hud.to_spans(run))
    tools = [step.tool_call.tool_name for step in task.steps or () if step.tool_call]
    assert tools == ["click"]
    assert [type(step).__name__ for step in run.trace.steps] == [
        "AgentStep",
        "ToolStep",
    ]
