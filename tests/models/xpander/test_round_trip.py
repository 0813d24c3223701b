"""xpander's records to spans and back, by property."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.models import xpander
from infinium_otel.models.xpander import (
    AgentActivityThread,
    AgentActivityThreadGatewayDecision,
    AgentActivityThreadMessage,
    AgentActivityThreadMessageContent,
    AgentActivityThreadOtherEntry,
    AgentActivityThreadReasoning,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
    AgentExecutionInput,
    EventStream,
    Task,
    TaskUpdateEvent,
    Tokens,
    ToolCallRequest,
    ToolCallRequestReasoning,
    ToolCallResult,
    User,
)
from infinium_otel.records import Failure
from support.xpander_runs import AT, COUNTS, agent, chat, maybe, shape, tool

WORDS = st.text("abcé {}[]1\n", max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | COUNTS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2)
    ),
    max_leaves=4,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=2)
OTHERS = st.dictionaries(
    st.sampled_from(["new", "newer"]), JSON.filter(lambda v: v is not None), max_size=1
)
TIMES = st.sampled_from([AT, "2026-01-02T03:04:06+01:00", "soon", "1960-01-01"])
FILES = st.lists(WORDS, max_size=2).map(tuple)
USERS = st.builds(User, email=maybe(WORDS), first_name=maybe(WORDS), other=OTHERS)
REASONS = st.builds(
    ToolCallRequestReasoning, title=maybe(WORDS), description=maybe(WORDS), other=OTHERS
)
COMMON = {"id": WORDS, "created_at": TIMES, "other": OTHERS}
ENTRIES = st.one_of(
    st.builds(
        AgentActivityThreadMessage,
        **COMMON,
        role=st.sampled_from(["user", "agent"]),
        content=st.builds(
            AgentActivityThreadMessageContent,
            text=maybe(WORDS),
            files=FILES,
            other=OTHERS,
        ),
        sub_execution_result=st.booleans(),
        user=maybe(USERS),
    ),
    st.builds(
        AgentActivityThreadToolCall,
        **COMMON,
        tool_name=WORDS.filter(bool),
        payload=JSON,
        is_error=st.booleans(),
        reasoning=maybe(REASONS),
        result=JSON,
        plan_task_id=maybe(WORDS),
    ),
    st.builds(
        AgentActivityThreadReasoning,
        **COMMON,
        type=st.sampled_from(["think", "analyze"]),
        title=WORDS,
        confidence=st.floats(-1, 2),
        thought=maybe(WORDS),
        action=maybe(WORDS),
        analysis=maybe(WORDS),
    ),
    st.builds(
        AgentActivityThreadSubAgentTrigger,
        **COMMON,
        agent_id=WORDS,
        reasoning=REASONS,
        query=maybe(WORDS),
        files=FILES,
    ),
    st.builds(
        AgentActivityThreadGatewayDecision,
        **COMMON,
        action=st.just("ask_execution"),
        reasoning=WORDS,
        agent_id=maybe(WORDS),
        title=WORDS,
    ),
    st.builds(
        AgentActivityThreadOtherEntry,
        id=maybe(WORDS),
        created_at=maybe(TIMES),
        other=OTHERS,
    ),
)
TASKS = st.builds(
    Task,
    id=WORDS.filter(bool),
    agent_id=maybe(WORDS),
    organization_id=maybe(WORDS),
    input=maybe(
        st.builds(
            AgentExecutionInput, text=WORDS.filter(bool), files=FILES, other=OTHERS
        )
    ),
    status=maybe(st.sampled_from(["pending", "completed", "failed", "stopped", "new"])),
    created_at=maybe(TIMES),
    started_at=maybe(TIMES),
    finished_at=maybe(TIMES),
    result=maybe(WORDS),
    conversation_id=maybe(WORDS),
    sub_executions=FILES,
    output_schema=maybe(OBJECTS),
    tokens=maybe(
        st.builds(
            Tokens,
            prompt_tokens=COUNTS,
            completion_tokens=COUNTS,
            cache_read_tokens=COUNTS,
        )
    ),
    used_tools=FILES,
    duration=st.floats(0, 1e6),
    llm_model_name=maybe(WORDS),
    llm_model_provider=maybe(WORDS),
    other=OTHERS,
)


@st.composite
def threads(draw):
    entries = draw(st.lists(ENTRIES, max_size=5))
    task = draw(maybe(TASKS))
    return AgentActivityThread(
        id=draw(WORDS.filter(bool)),
        created_at=draw(TIMES),
        messages=tuple(entries),
        user=draw(maybe(USERS)),
        task=task,
        other=draw(OTHERS),
    )


@given(threads())
def test_threads_survive_spans(thread):
    """Records to spans to records is the identity."""
    assert xpander.from_spans(xpander.to_spans(thread, start_ns=5)) == [thread]


@given(threads())
def test_threads_survive_json(thread):
    """A thread's JSON reads as the same thread; null selects xpander's default."""
    again = xpander.load(xpander.dump(thread))
    if thread.task and thread.task.status is None:
        thread = replace(thread, task=replace(thread.task, status="pending"))
    assert again == replace(thread, otel=again.otel)


TOOL_CALLS = {
    "request_id": st.sampled_from(["r1", "r2", "r3"]),
    "operation_id": WORDS,
    "tool_call_id": maybe(WORDS.filter(bool)),
    "tool_name": maybe(WORDS.filter(bool)),
    "payload": JSON,
    "reasoning": maybe(REASONS),
    "plan_task_id": maybe(WORDS),
    "other": OTHERS,
}
ENVELOPE = {
    "task_id": st.just("task-1"),
    "organization_id": maybe(WORDS),
    "time": maybe(TIMES),
}
EVENTS = st.one_of(
    st.builds(
        TaskUpdateEvent,
        type=st.just("tool_call_request"),
        **ENVELOPE,
        data=st.builds(ToolCallRequest, **TOOL_CALLS),
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.just("tool_call_result"),
        **ENVELOPE,
        data=st.builds(
            ToolCallResult, **TOOL_CALLS, result=JSON, is_error=st.booleans()
        ),
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.sampled_from(["task_created", "task_finished", "chunk", "brand_new"]),
        **ENVELOPE,
        data=JSON,
        identity=maybe(OBJECTS),
        other=OTHERS,
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.sampled_from(["task_created", "task_updated", "task_finished"]),
        **ENVELOPE,
        # Null selects xpander's default status.
        data=TASKS.filter(lambda task: task.status is not None),
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.sampled_from(["think", "analyze", "sub_agent_trigger"]),
        **ENVELOPE,
        data=JSON
        | st.just({"payload": {"input": {"title": "t", "confidence": 0.5}}})
        | st.just({"agent_id": "a", "query": "q"}),
    ),
)


@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_events_survive_spans(events):
    """Events to spans to events is the identity, in order."""
    assert xpander.to_task_events(xpander.from_events(events, start_ns=5)) == events


@given(st.lists(EVENTS, max_size=4).map(tuple), OTHERS)
def test_events_survive_json(events, other):
    """A stream's JSON reads as the same stream."""
    stream = EventStream(events, other)
    assert xpander.load(xpander.dump(stream)) == stream


@st.composite
def runs(draw):
    """An agent's run under the conventions."""
    found = [agent(60.0, **{"gen_ai.agent.id": "a"})]
    for number in range(draw(st.integers(0, 3))):
        start = number * 10.0
        usage = {
            "gen_ai.usage.input_tokens": draw(COUNTS),
            "gen_ai.usage.output_tokens": draw(COUNTS),
        }
        found.append(chat(f"c{number}", start, start + draw(st.floats(0, 4)), **usage))
        for place in range(draw(st.integers(0, 2))):
            failed = draw(maybe(st.just(Failure("ValueError", "bad city", "a\nb"))))
            begun = start + 5 + place
            name = f"t{number}.{place}"
            found.append(tool(name, begun, begun + 0.5, failure=failed))
    return found


@given(runs())
def test_spans_survive_threads(records):
    """Spans to records to spans keeps tree, times, model, tokens, tools and errors."""
    found = [xpander.load(xpander.dump(t)) for t in xpander.from_spans(records)]
    back = [record for thread in found for record in xpander.to_spans(thread)]
    assert shape(back) == shape(records)
