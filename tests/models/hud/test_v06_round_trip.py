from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.models import hud
from infinium_otel.models.hud import mcp, v06
from support.model_values import (
    counts,
    floats,
    integers,
    json_values,
    mappings,
    maybe,
    names,
    odd_times,
    times,
    tuples,
    words,
)

# Names for failing examples only.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

calls = st.builds(
    v06.MCPToolCall,
    name=names,
    arguments=maybe(mappings | words),
    id=maybe(words),
    meta=maybe(mappings),
    annotation=maybe(words),
    provider_name=maybe(words),
)
blocks = st.one_of(
    st.builds(mcp.TextContent, text=words),
    st.builds(mcp.ImageContent, data=maybe(words), mimeType=maybe(words)),
    st.builds(mcp.AudioContent, data=words, mimeType=words),
    st.builds(mcp.ResourceLink, name=words, uri=words),
    st.builds(mcp.EmbeddedResource, resource=mappings),
    st.fixed_dictionaries({"type": st.just("video"), "data": words}),
)
results = st.builds(
    v06.MCPToolResult,
    content=tuples(blocks),
    structuredContent=maybe(mappings),
    isError=st.booleans(),
    meta=maybe(mappings),
    call_id=maybe(words),
)
usages = st.builds(
    v06.Usage,
    prompt_tokens=counts,
    completion_tokens=maybe(counts),
    cached_tokens=maybe(counts),
    cost_usd=maybe(floats),
    llm_call_count=maybe(counts),
)
skeleton = {
    "step_id": maybe(counts),
    "messages": tuples(mappings),
    "task_call": maybe(
        st.builds(
            v06.TaskCall,
            phase=st.sampled_from(["setup", "evaluate", "x"]),
            name=names,
            arguments=maybe(json_values),
            result=maybe(json_values),
        )
    ),
    "error": maybe(words),
    "started_at": maybe(times | odd_times),
    "ended_at": maybe(times | odd_times),
    "extra": mappings,
}
citations = st.builds(
    v06.Citation,
    text=words,
    source=words,
    title=maybe(words),
    start_index=maybe(integers),
)
agent_steps = st.builds(
    v06.AgentStep,
    **skeleton,
    content=maybe(words),
    reasoning=maybe(words),
    tool_calls=tuples(calls),
    done=st.booleans(),
    finish_reason=maybe(words),
    stop_reason=maybe(words),
    refusal=maybe(words),
    citations=tuples(citations, 2),
    model=maybe(names),
    usage=maybe(usages),
)
tool_steps = st.builds(
    v06.ToolStep, **skeleton, call=maybe(calls), result=maybe(results)
)
other_steps = st.builds(
    v06.Step,
    source=st.sampled_from(["user", "system", "task", "coach"]),
    **skeleton,
)
robot_steps = st.one_of(
    st.builds(v06.ObservationStep, **skeleton, tick=counts, state=mappings),
    st.builds(v06.InferenceStep, **skeleton, tick=counts, chunk_length=counts),
    st.builds(v06.VideoSegmentStep, **skeleton, camera=words, segment=mappings),
)
flat_steps = agent_steps | tool_steps | other_steps | robot_steps


def traces(steps):
    return st.builds(
        v06.Trace,
        steps=tuples(steps, 4),
        status=maybe(st.sampled_from(["completed", "error", "cancelled", "lost"])),
        stop_reason=maybe(st.sampled_from(["done", "length", "bored"])),
        content=maybe(words),
        extra=mappings,
        trace_id=maybe(st.uuids().map(str) | words.filter(bool)),
    )


subagent_steps = st.builds(v06.SubagentStep, **skeleton, subagent=traces(flat_steps))
grades = st.builds(
    v06.Grade,
    reward=floats,
    done=st.booleans(),
    content=maybe(words),
    info=mappings,
    is_error=st.booleans(),
    raw=mappings,
)
runs = st.builds(
    v06.Run,
    trace=traces(flat_steps | subagent_steps),
    grade=maybe(grades),
    job_id=maybe(words),
    group_id=maybe(words),
)


@settings(max_examples=60, deadline=None)
@given(runs)
def test_runs_survive_spans(run):
    """A run of 0.6 to spans and back is the same run."""
    assert hud.from_spans(hud.to_spans(run), model="0.6") == [run]


@settings(max_examples=40, deadline=None)
@given(runs)
def test_runs_survive_json(run):
    """A run's JSON reads as the same run."""
    assert hud.load(json.loads(json.dumps(hud.dump(run)))) == run


@settings(max_examples=40, deadline=None)
@given(runs)
def test_spans_survive_runs(run):
    """Spans made from a run are the same when they are made from what is read back."""
    spans = hud.to_spans(run)
    again = hud.to_spans(hud.from_spans(spans, model="0.6")[0])
    assert again == spans
    assert all(record.end_ns >= record.start_ns for record in spans)


samples = st.builds(
    v06.Sample, output_token_ids=tuples(integers), output_logprobs=tuples(floats)
)


@settings(max_examples=30, deadline=None)
@given(agent_steps, samples, json_values)
def test_a_carrier_keeps_raw_and_sample(step, sample, raw):
    """With a carrier the raw response and the token samples come back too."""
    step = replace(step, sample=sample, raw=raw)
    run = v06.Run(v06.Trace(steps=(step,)))
    spans = hud.to_spans(run, carrier_bytes=1_000_000)
    assert hud.from_spans(spans, model="0.6") == [run]
