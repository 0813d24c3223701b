from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.models import hud
from infinium_otel.models.hud import v04
from support.model_values import (
    floats,
    json_values,
    mappings,
    maybe,
    names,
    odd_times,
    times,
    tuples,
    words,
)

requests = json_values | st.fixed_dictionaries(
    {
        "method": st.just("tools/call"),
        "params": st.fixed_dictionaries({"name": names, "arguments": mappings}),
    }
)
results = json_values | st.fixed_dictionaries(
    {"content": maybe(words), "done": st.booleans(), "isError": st.booleans()}
)
steps = st.builds(
    v04.TraceStep,
    task_run_id=maybe(st.just("7b1e4b5c-5b7e-4d5a-8f0e-1f2e3d4c5b6a")),
    job_id=maybe(words),
    category=st.sampled_from(["mcp", "agent", "function", "db"]),
    request=requests,
    result=results,
    type=st.sampled_from(["CLIENT", "INTERNAL", "ODD"]),
    start_timestamp=maybe(times | odd_times),
    end_timestamp=maybe(times | odd_times),
    other=st.dictionaries(words.map(lambda word: f"x.{word}"), json_values, max_size=3),
)
configs = st.builds(
    v04.BaseAgentConfig,
    allowed_tools=maybe(tuples(words)),
    system_prompt=maybe(words),
    append_setup_output=st.booleans(),
)
tasks = st.builds(
    v04.Task,
    prompt=words,
    mcp_config=st.dictionaries(
        names, st.fixed_dictionaries({"url": st.just("http://a/b")})
    ),
    id=maybe(words),
    system_prompt=maybe(words),
    setup_tool=maybe(json_values),
    evaluate_tool=maybe(json_values),
    agent_config=maybe(configs),
    metadata=mappings,
)
traces = st.builds(
    v04.Trace,
    reward=floats,
    done=st.booleans(),
    info=mappings,
    content=maybe(words),
    isError=st.booleans(),
    task=maybe(tasks),
    trace=tuples(steps, 4),
    messages=tuples(json_values),
    other=mappings.map(lambda found: {f"x.{key}": found[key] for key in found}),
)


@settings(max_examples=60, deadline=None)
@given(traces)
def test_traces_survive_spans(trace):
    """A trace of 0.4 to spans and back is the same trace."""
    assert hud.from_spans(hud.to_spans(trace)) == [trace]


@settings(max_examples=40, deadline=None)
@given(traces)
def test_traces_survive_json(trace):
    """A trace's JSON reads as the same trace."""
    assert hud.load(json.loads(json.dumps(hud.dump(trace)))) == trace


@settings(max_examples=40, deadline=None)
@given(traces)
def test_spans_survive_traces(trace):
    """Spans made from a trace are the same when they are made from what is read back."""
    spans = hud.to_spans(trace)
    assert hud.to_spans(hud.from_spans(spans)[0]) == spans
    assert all(record.end_ns >= record.start_ns for record in spans)


responses = st.builds(
    v04.AgentResponse,
    tool_calls=tuples(
        st.builds(v04.MCPToolCall, name=names, arguments=maybe(mappings))
    ),
    done=st.booleans(),
    content=maybe(words),
    reasoning=maybe(words),
    info=mappings,
    isError=st.booleans(),
    raw=json_values,
)


@settings(max_examples=30, deadline=None)
@given(responses)
def test_responses_survive_json(response):
    """A model's response is read from the JSON in a step's result."""
    dumped = json.loads(json.dumps(hud.dump(response)))
    assert v04.response_of(dumped) == response
    step = v04.TraceStep(category="agent", result=dumped)
    trace = v04.Trace(trace=(replace(step, other={}),))
    assert hud.from_spans(hud.to_spans(trace))[0].trace[0].result == dumped
