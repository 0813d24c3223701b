"""Telemetry and files are untrusted: they may only raise a clear error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import InfiniumError
from infinium_otel.models import agentix, hud, infinium, letta, xpander
from infinium_otel.records import SpanRecord
from support.telemetry import LOGS, SPANS, VALUES

KEYS = st.sampled_from(
    """gen_ai.operation.name gen_ai.request.model gen_ai.usage.input_tokens
    gen_ai.input.messages gen_ai.output.messages gen_ai.tool.name gen_ai.agent.name
    gen_ai.tool.call.arguments gen_ai.response.finish_reasons gen_ai.tool.definitions
    error.type step_id letta.step.id letta.step.index letta.step.messages
    letta.step.status letta.step.tags letta.step_metrics letta.messages
    letta.provider_traces letta.log.messages letta.log.metrics letta.tool.key
    llm_config.model server.address server.port xpander.index xpander.entry
    xpander.event xpander.data xpander.request xpander.result xpander.request.event
    xpander.result.event xpander.thread.id xpander.thread.created_at
    xpander.thread.user xpander.task.id xpander.task.tokens xpander.task.input
    xpander.tool.id xpander.tool.reasoning infinium.task.name
    hud.model hud.payload hud.task hud.task_run_id hud.grade hud.step.source
    hud.step.keys hud.step.order hud.step.other hud.step.times hud.step.task_call
    hud.trace.done hud.trace.info hud.trace.messages hud.response.citations category
    request result agentix.other agentix.order agentix.pending agentix.tool.pending
    agentix.transcript.tail agentix.outcome.status agentix.outcome.parsed""".split()
)
WORDS = st.sampled_from(
    [
        "chat",
        "execute_tool",
        "invoke_agent",
        "tool_call",
        "reasoning",
        "trigger",
        "auth",
        "gateway",
        "message",
        "other",
        "[]",
        "{}",
        '[{"role": "user"}]',
        '[{"id": "message-1", "role": "tool"}]',
        '{"task_id": "t", "index": "x"}',
        '{"id": "s"}',
        "[1]",
        '"a"',
        '[{"role": "user", "parts": [{"type": {}}]}]',
        '{"source": [], "type": {}, "role": {}}',
        "[" * 600 + "]" * 600,
        '{"a":' * 600 + "1" + "}" * 600,
    ]
)
MARKED = st.builds(
    lambda record, extra, name: replace(
        record, attributes={**record.attributes, **extra}, name=name or record.name
    ),
    SPANS,
    st.dictionaries(KEYS, WORDS | VALUES, max_size=6),
    st.sampled_from(["", "agent_step", "time_to_first_token", "A._execute_tool"]),
)
RECORDS = st.lists(MARKED | LOGS, max_size=4)

NAMES = st.sampled_from(
    """id steps metrics messages provider_traces otel trace_id root others entries
    rootless step_id role content tool_calls tool_returns request_json response_json
    status error_data created_at type task_id data events tool_name payload reasoning
    task input tokens user action agent_id query files tags model name description
    current_datetime duration environment custom_tags metadata llm_call tool_call error
    start_time choices message function arguments usage calls sections
    reward info trace request result mcp_config prompt source subagent grade raw
    extra messages started_at call type data transcript pending parsed meta args
    subagents other spans""".split()
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "tool", "user", "agent", "think", "tool_call_request"])
    | st.sampled_from([10**400, "9999-12-31T00:00:00Z", "\ud800"])
    | st.text(max_size=5)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5)
    ),
    max_leaves=12,
)
SYSTEMS = [
    pytest.param(letta, id="letta"),
    pytest.param(xpander, id="xpander"),
    pytest.param(infinium, id="infinium"),
    pytest.param(hud, id="hud"),
    pytest.param(agentix, id="agentix"),
]


@pytest.mark.parametrize("system", SYSTEMS)
@given(records=RECORDS)
def test_any_spans_become_records(system, records):
    """Any spans become records, JSON, and spans again."""
    for document in system.from_spans(records):
        json.dumps(system.dump(document))
        for record in system.to_spans(document):
            assert record.start_ns <= record.end_ns
            assert None not in record.attributes.values()


@given(records=RECORDS)
def test_any_spans_become_events_and_results(records):
    """Any spans become events and tool results."""
    for record in (*xpander.to_task_events(records), *xpander.to_tool_results(records)):
        json.dumps(xpander.dump(record))


@given(records=RECORDS)
def test_any_spans_become_runs_of_hud(records):
    """Any spans become runs of 0.6 and files for its viewer."""
    for run in hud.from_spans(records, model="0.6"):
        json.dumps(hud.dump(run))
        hud.to_spans(run)
    for lines in hud.to_hud_spans(records).values():
        assert hud.spans_in(lines)


FRAMES = {
    hud: lambda value: {"trace": {"steps": [{"source": "agent", **value}]}},
    agentix: lambda value: {"status": "", "transcript": [{"role": "user", **value}]},
    letta: lambda value: {"id": "step-1", "steps": [{"id": "step-2"}], **value},
    xpander: lambda value: {"id": "t", "created_at": "", "messages": [], **value},
    infinium: lambda value: {
        "name": "n",
        "description": "d",
        "current_datetime": "",
        "duration": 1.0,
        **value,
    },
}


@pytest.mark.parametrize("system", SYSTEMS)
@given(value=st.dictionaries(NAMES, JSON, max_size=6), framed=st.booleans())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_json_is_read_or_rejected(system, value, framed):
    """Any JSON is converted to spans or raises a clear error."""
    try:
        document = system.load(FRAMES[system](value) if framed else value)
    except InfiniumError:
        return
    for record in system.to_spans(document):
        assert record.start_ns <= record.end_ns
    json.dumps(system.dump(document))


@given(values=st.lists(st.dictionaries(NAMES, JSON, max_size=6), max_size=4))
def test_any_events_are_read_or_rejected(values):
    """Any stream is read or raises a clear error."""
    reader = xpander.EventReader()
    for value in values:
        try:
            event = xpander.event_of(
                {"type": "tool_call_result", "task_id": "t", **value}
            )
        except InfiniumError:
            continue
        reader.feed(event)
    assert all(record.start_ns <= record.end_ns for record in reader.finish())


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\x1c", "\r"])
def test_a_text_may_contain_other_line_breaks(end):
    """Lines of HUD's files end at a line feed, not inside a span's name."""
    records = [
        SpanRecord(
            f"{1:032x}", f"{1:016x}", None, f"a{end}b", 1, 2,
            {"gen_ai.operation.name": "chat"},
        )
    ]  # fmt: skip
    (lines,) = hud.to_hud_spans(records).values()
    assert hud.spans_in(lines)


@pytest.mark.parametrize("pending", ["tool", False, 7, {"a": 1}])
def test_a_checkpoint_with_pending_calls(pending):
    """Pending calls are read from the transcript; the key `pending` is ignored."""
    state = {"id": None, "pending": pending, "messages": None}
    assert list(agentix.to_spans(agentix.load(state)))
