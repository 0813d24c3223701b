"""xpander's records to spans and back."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import InfiniumError
from infinium_otel.models import xpander
from infinium_otel.models.spans import settled, to_ns
from infinium_otel.models.xpander import (
    AgentActivityThread,
    AgentActivityThreadAuth,
    AgentActivityThreadGatewayDecision,
    AgentActivityThreadMessage,
    AgentActivityThreadMessageContent,
    AgentActivityThreadOtherEntry,
    AgentActivityThreadReasoning,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
    AgentExecutionInput,
    EventReader,
    EventStream,
    Task,
    TaskUpdateEvent,
    Tokens,
    ToolCallRequest,
    ToolCallRequestReasoning,
    ToolCallResult,
    User,
)
from infinium_otel.pipeline import spans_to_tasks
from infinium_otel.records import Failure
from support.spans import T0, S, span

AT = "2026-01-02T03:04:05.000006Z"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET = "sk-top-secret"


def agent(end=10.0, status="unset", **attributes):
    """The run's span by the conventions."""
    said = {"gen_ai.operation.name": "invoke_agent", **attributes}
    return span("r", None, 0, end, trace=TRACE, attributes=said, status=status)


def chat(name="c", start=0.0, end=1.0, parent="r", **attributes):
    """A chat's span."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        **attributes,
    }
    return span(name, parent, start, end, trace=TRACE, kind="client", attributes=said)


def tool(name="t", start=1.0, end=2.0, parent="r", failure=None, **attributes):
    """A tool's span."""
    said = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        **attributes,
    }
    return settled(
        span(name, parent, start, end, trace=TRACE, attributes=said), failure
    )


# Records to spans and back

WORDS = st.text("abcé {}[]1\n", max_size=6)
COUNTS = st.integers(0, 2**53)
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


def maybe(strategy):
    return st.none() | strategy


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
    input=maybe(st.builds(AgentExecutionInput, text=WORDS, files=FILES, other=OTHERS)),
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
    """What is dumped is read; null is xpander's own default."""
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
EVENTS = st.one_of(
    st.builds(
        TaskUpdateEvent,
        type=st.just("tool_call_request"),
        task_id=st.just("task-1"),
        data=st.builds(ToolCallRequest, **TOOL_CALLS),
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.just("tool_call_result"),
        task_id=st.just("task-1"),
        data=st.builds(
            ToolCallResult, **TOOL_CALLS, result=JSON, is_error=st.booleans()
        ),
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.sampled_from(["task_created", "task_finished", "chunk", "brand_new"]),
        task_id=st.just("task-1"),
        organization_id=maybe(WORDS),
        time=maybe(TIMES),
        data=JSON | st.just({"id": "task-1", "status": "completed"}),
        identity=maybe(OBJECTS),
        other=OTHERS,
    ),
    st.builds(
        TaskUpdateEvent,
        type=st.sampled_from(["think", "analyze", "sub_agent_trigger"]),
        task_id=st.just("task-1"),
        time=maybe(TIMES),
        data=JSON
        | st.just({"payload": {"input": {"title": "t", "confidence": 0.5}}})
        | st.just({"agent_id": "a", "query": "q"}),
    ),
)


@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_events_survive_spans(events):
    """Events to spans to events is the identity, in the order they came."""
    assert xpander.to_task_events(xpander.from_events(events, start_ns=5)) == events


@given(st.lists(EVENTS, max_size=4).map(tuple), OTHERS)
def test_events_survive_json(events, other):
    """What is dumped is read."""
    stream = EventStream(events, other)
    assert xpander.load(xpander.dump(stream)) == stream


@st.composite
def runs(draw):
    """An agent's run as the conventions tell it."""
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


def shape(records):
    """Tree, times, models, tokens, tools and errors."""
    keys = ("request.model", "usage.input_tokens", "tool.name", "provider.name")
    return sorted(
        (
            r.span_id,
            r.parent_id,
            r.name,
            r.start_ns,
            r.end_ns,
            # The run's own span tells the totals and the model of its task.
            r.parent_id and [str(r.attributes.get("gen_ai." + key)) for key in keys],
            [
                e.attributes.get("exception.message")
                for e in r.events
                if e.name == "exception"
            ],
            r.attributes.get("error.type"),
        )
        for r in records
    )


@given(runs())
def test_spans_survive_threads(records):
    """Spans to records to spans keeps tree, times, model, tokens, tools and errors."""
    found = [xpander.load(xpander.dump(t)) for t in xpander.from_spans(records)]
    back = [record for thread in found for record in xpander.to_spans(thread)]
    assert shape(back) == shape(records)


# Reading any spans

ASKED = '[{"role": "user", "parts": [{"type": "text", "content": "where?"}]}]'
ANSWERED = '[{"role": "assistant", "parts": [{"type": "text", "content": "Paris"}]}]'
THOUGHT = (
    '[{"role": "assistant", "parts": [{"type": "text", "content": "Look\\nit up"},'
    ' {"type": "tool_call", "id": "k", "name": "search", "arguments": {"q": 1}}]}]'
)


def a_run():
    """A run with a tool, a called agent and an answer."""
    return [
        agent(**{"gen_ai.agent.id": "agent-1"}),
        chat(
            "c",
            0,
            1,
            **{
                "gen_ai.input.messages": ASKED,
                "gen_ai.output.messages": THOUGHT,
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 2,
                "gen_ai.usage.cache_read.input_tokens": 4,
            },
        ),
        tool(
            "t",
            1,
            2,
            **{
                "gen_ai.tool.call.id": "k",
                "gen_ai.tool.call.arguments": '{"q": 1}',
                "gen_ai.tool.call.result": "found",
            },
        ),
        span(
            "s",
            "r",
            3,
            4,
            trace=TRACE,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "helper",
                "gen_ai.input.messages": ASKED,
            },
        ),
        chat(
            "d",
            5,
            6,
            **{
                "gen_ai.output.messages": ANSWERED,
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 3,
            },
        ),
    ]


def test_thread_of_a_run():
    """A run's question, tools, called agents and answer are the thread's entries."""
    thread = xpander.to_activity_thread(a_run())
    asked, called, triggered, answered = thread.messages
    assert (asked.role, asked.content.text) == ("user", "where?")
    assert (called.id, called.payload, called.result) == ("k", {"q": 1}, "found")
    assert (triggered.agent_id, triggered.query) == ("helper", "where?")
    assert (answered.role, answered.content.text) == ("agent", "Paris")
    assert thread.task == Task(
        id="0af76519-16cd-43dd-8448-eb211c80319c",
        agent_id="agent-1",
        input=AgentExecutionInput("where?"),
        status="completed",
        created_at=thread.created_at,
        started_at=thread.created_at,
        finished_at=thread.task.finished_at,
        result="Paris",
        llm_model_provider="openai",
        llm_model_name="gpt-4o",
        tokens=Tokens(prompt_tokens=30, completion_tokens=5, cache_read_tokens=4),
        used_tools=("search",),
        duration=10.0,
    )


def test_thoughts_only_with_a_confidence():
    """What the model said between tools is a thought only if a confidence is given."""
    kinds = [type(e) for e in xpander.to_activity_thread(a_run()).messages]
    assert AgentActivityThreadReasoning not in kinds
    thread = xpander.to_activity_thread(a_run(), confidence=0.0)
    (thought,) = (
        e for e in thread.messages if isinstance(e, AgentActivityThreadReasoning)
    )
    assert (thought.title, thought.thought) == ("Look", "Look\nit up")
    assert thought.confidence == 0.0


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        pytest.param(agent(), "completed", id="ended"),
        pytest.param(agent(status="error"), "failed", id="failed"),
        pytest.param(
            agent(status="error", **{"error.type": "asyncio.CancelledError"}),
            "stopped",
            id="cancelled",
        ),
        pytest.param(
            agent(**{"error.type": "cancelled"}), "stopped", id="cancelled-quietly"
        ),
        pytest.param(replace(agent(), end_ns=0), "executing", id="not-ended"),
    ],
)
def test_status(root, expected):
    """A run that has not ended is not completed."""
    task = xpander.to_activity_thread([root]).task
    assert task.status == expected
    assert (task.finished_at is None) == (expected == "executing")


def test_tokens_that_only_the_run_tells():
    """Without any call's tokens the run's own account counts; unknown is None."""
    told = agent(**{"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 1})
    thread = xpander.to_activity_thread([told, tool()])
    assert thread.task.tokens == Tokens(prompt_tokens=7, completion_tokens=1)
    assert xpander.to_activity_thread([agent(), tool()]).task.tokens is None


def test_a_failed_tool_without_a_result_says_why():
    """A tool's failure stands where xpander says it: in the result."""
    thread = xpander.to_activity_thread([agent(), tool(failure=Failure("E", "why"))])
    (called,) = thread.messages
    assert (called.is_error, called.result) == (True, "why")


def test_an_entry_without_a_time_begins_no_earlier_than_the_thread():
    """One missing time does not make a run last since 1970."""
    entries = [
        {"id": str(n), "created_at": at, "tool_name": "t"}
        for n, at in ((1, ""), (2, AT))
    ]
    thread = xpander.thread_of({"id": "t", "created_at": "", "messages": entries})
    assert {each.start_ns for each in xpander.to_spans(thread)} == {to_ns(AT)}


def test_an_end_before_the_start_takes_no_time():
    """A run whose clock went back took no time."""
    thread = xpander.to_activity_thread([agent(end=-3)])
    assert thread.task.duration == 0


@pytest.mark.parametrize(
    "reader",
    [xpander.to_activity_thread, xpander.to_task_report],
    ids=["thread", "report"],
)
def test_no_spans(reader):
    """No spans are no thread and no report: a clear error."""
    with pytest.raises(InfiniumError, match="no spans"):
        reader([])


def test_a_lone_call_comes_back_alone():
    """A call that is its own root gets no span above it."""
    alone = replace(chat(), parent_id=None)
    back = xpander.to_spans(xpander.to_activity_thread([alone]))
    assert [(r.span_id, r.parent_id) for r in back] == [(alone.span_id, None)]
    hostile = xpander.to_activity_thread([alone])
    hostile = replace(hostile, otel={**hostile.otel, "root": {"span_id": "0" * 16}})
    assert xpander.to_spans(hostile)[0].name == "invoke_agent"


# Threads to spans


def thread(*entries, **more):
    return AgentActivityThread("thread-1", AT, tuple(entries), **more)


def called(**more):
    return AgentActivityThreadToolCall("e1", AT, "search", **more)


@pytest.mark.parametrize(
    ("status", "expected", "partial"),
    [
        pytest.param("completed", "ok", None, id="completed"),
        pytest.param("error", "error", None, id="error"),
        pytest.param("failed", "error", None, id="failed"),
        pytest.param("stopped", "unset", None, id="stopped-is-no-fault"),
        pytest.param("executing", "unset", True, id="executing"),
        pytest.param("brand_new", "unset", None, id="unknown"),
    ],
)
def test_task_status(status, expected, partial):
    """The run's span is as well as its task; an unended one is marked."""
    task = Task("task-1", status=status, result="out", started_at=AT)
    (root,) = xpander.to_spans(thread(task=task))
    assert root.status == expected
    assert root.attributes.get("xpander.task.partial") is partial
    assert root.attributes.get("error.type") == (
        status if expected == "error" else None
    )
    assert root.attributes["xpander.task.status"] == status


def test_task_of_a_thread():
    """Tokens, model and ids stand in the conventions' attributes on the run."""
    task = Task(
        "task-1",
        agent_id="agent-1",
        organization_id="org-1",
        conversation_id="talk-1",
        input=AgentExecutionInput("where?"),
        result="Paris",
        created_at="2026-01-02T03:04:00Z",
        finished_at="2026-01-02T03:05:00Z",
        llm_model_provider="openai",
        llm_model_name="gpt-5",
        tokens=Tokens(5, 40, 30, 2),
    )
    (root,) = xpander.to_spans(thread(task=task))
    said = root.attributes
    assert root.end_ns - root.start_ns == 60 * S
    assert said["gen_ai.agent.id"] == "agent-1"
    assert said["gen_ai.conversation.id"] == "talk-1"
    assert said["gen_ai.request.model"] == "gpt-5"
    assert said["gen_ai.usage.input_tokens"] == 40
    assert said["gen_ai.usage.cache_read.input_tokens"] == 30
    assert '"where?"' in said["gen_ai.input.messages"]
    assert '"Paris"' in said["gen_ai.output.messages"]


def test_tool_of_a_thread():
    """A tool's entry is an execute_tool span without length, for it says no end."""
    why = ToolCallRequestReasoning("Find", "need it")
    root, ran = xpander.to_spans(
        thread(called(payload={"q": 1}, result="no", is_error=True, reasoning=why))
    )
    said = ran.attributes
    assert ran.name == "execute_tool search"
    assert ran.parent_id == root.span_id
    assert ran.start_ns == ran.end_ns == root.end_ns
    assert said["xpander.time_source"] == "entry"
    assert said["gen_ai.tool.call.arguments"] == '{"q": 1}'
    assert said["xpander.tool.reasoning.title"] == "Find"
    assert (ran.status, said["error.type"], ran.status_message) == (
        "error",
        "tool_error",
        "no",
    )


def test_thoughts_are_decisions():
    """In Infinium a thought is a step of its own, a decision, with what was thought."""
    thought = AgentActivityThreadReasoning(
        "e1", AT, "think", "Plan", 0.9, "search first"
    )
    (task,) = spans_to_tasks(xpander.to_spans(thread(thought, called(result="x"))))
    step = next(s for s in task.steps if s.action == "decision")
    assert "search first" in step.output_preview


def test_called_agents_hang_under_their_triggers():
    """Threads of called agents stand under the entries that called them."""
    other_one = AgentActivityThreadSubAgentTrigger("e0", AT, "someone")
    first = AgentActivityThreadSubAgentTrigger("e1", AT, "helper", query="go")
    child = AgentActivityThread(
        "thread-2",
        AT,
        (called(),),
        task=Task("task-2", agent_id="helper", conversation_id="c"),
    )
    stray = AgentActivityThread("thread-3", AT, (called(),))
    records = xpander.from_activity_thread(
        thread(other_one, first, called()), children=[child, stray]
    )
    root, _, trigger, _, inner, tool_, other, _ = records
    assert trigger.attributes["gen_ai.agent.id"] == "helper"
    assert inner.parent_id == trigger.span_id
    assert tool_.parent_id == inner.span_id
    assert other.parent_id == root.span_id
    assert len({record.trace_id for record in records}) == 1
    assert len({record.span_id for record in records}) == len(records)
    assert xpander.from_spans(records) == [
        thread(other_one, first, called()),
        child,
        stray,
    ]


def test_a_thread_inside_another_run():
    """A thread's spans under an application's own span are still that thread."""
    outer = agent(60.0)
    inner = xpander.to_spans(thread(called()))
    moved = [
        replace(r, trace_id=TRACE, parent_id=r.parent_id or outer.span_id)
        for r in inner
    ]
    assert xpander.from_spans([outer, *moved]) == [thread(called())]
    named = {**moved[0].attributes, "gen_ai.agent.name": "helper"}
    moved[0] = replace(moved[0], attributes=named)
    assert xpander.from_spans([outer, *moved]) == [thread(called())]
    loop = [replace(r, parent_id=r.span_id) for r in moved[1:]]
    assert xpander.from_spans([outer, moved[0], *loop])


def test_the_user_goes_on_only_if_wanted():
    """Name and address are personal data: Infinium gets them only by choice."""
    user = User(email="a@b.c", first_name="Ann", last_name="Bo")
    (root,) = xpander.from_activity_thread(thread(user=user))
    assert not [key for key in root.attributes if key.startswith("infinium.")]
    (root,) = xpander.from_activity_thread(thread(user=user), customer=True)
    assert root.attributes["infinium.customer.customer_email"] == "a@b.c"
    assert root.attributes["infinium.customer.customer_name"] == "Ann Bo"
    (root,) = xpander.from_activity_thread(thread(), customer=True)
    assert not [key for key in root.attributes if key.startswith("infinium.")]


# What is secret


def test_sign_ins_are_redacted():
    """No token and no login address ever stands on a span, in a repr or comes back."""
    login = f"https://user:{SECRET}@auth.example.com/x?code={SECRET}"
    data = {
        "access_token": SECRET,
        "server_name": "mail",
        "server_url": login,
        "url": login,
    }
    entry = AgentActivityThreadAuth("e1", AT, "token_ready", data, {"url": login})
    records = xpander.to_spans(thread(entry))
    assert SECRET not in repr(records)
    assert SECRET not in repr(replace(entry, other={}))
    (event,) = records[0].events
    assert event.attributes["xpander.auth.server_url"] == "https://auth.example.com/x"
    (back,) = xpander.to_activity_thread(records).messages
    assert back.data == {
        "message": "[redacted]",
        "server_name": "mail",
        "server_url": "https://auth.example.com/x",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://h:99/p?q", "http://h:99/p", id="port"),
        pytest.param("http://[", None, id="broken"),
        pytest.param("nothing", None, id="no-host"),
        pytest.param(7, None, id="no-text"),
    ],
)
def test_server_addresses(url, expected):
    """Of an address only scheme, host, port and path are told."""
    entry = AgentActivityThreadAuth("e1", AT, "token_issue", {"server_url": url})
    (root,) = xpander.to_spans(thread(entry))
    assert root.events[0].attributes.get("xpander.auth.server_url") == expected


def test_a_tasks_credentials_stay_behind():
    """What a task holds of credentials is on no span."""
    task = Task(
        "task-1",
        user_oidc_token=SECRET,
        user_tokens={"a": SECRET},
        mcp_servers=({"headers": {"Authorization": SECRET}},),
        pending_eca_request={"auth_url": SECRET},
        other={
            "configuration": {"api_key": SECRET},
            "new": [{"token": SECRET, "a": 1}],
        },
    )
    assert SECRET not in repr(xpander.to_spans(thread(task=task)))
    assert SECRET not in repr(replace(task, other={}))
    finished = {
        "type": "task_finished",
        "task_id": "task-1",
        "data": xpander.dump(task),
    }
    auth = {
        "type": "auth_event",
        "task_id": "task-1",
        "data": {
            "type": "login_required",
            "data": {"url": SECRET, "server_name": "mail"},
        },
    }
    odd = {"type": "auth_event", "task_id": "task-1", "data": SECRET}
    events = [xpander.event_of(each) for each in (auth, odd, finished)]
    assert SECRET not in repr(xpander.from_events(events))


# Reading entries


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        pytest.param(
            {"role": "user", "content": "hi"}, AgentActivityThreadMessage, id="message"
        ),
        pytest.param(
            {"role": "agent", "content": 7},
            AgentActivityThreadMessage,
            id="odd-content",
        ),
        pytest.param(
            {"role": "system"}, AgentActivityThreadOtherEntry, id="unknown-role"
        ),
        pytest.param({"tool_name": "t"}, AgentActivityThreadToolCall, id="tool"),
        pytest.param(
            {"tool_name": "t", "reasoning": 3},
            AgentActivityThreadToolCall,
            id="odd-reasoning",
        ),
        pytest.param(
            {"type": "think", "title": "t", "confidence": 1, "action": "go"},
            AgentActivityThreadReasoning,
            id="reasoning-with-an-action",
        ),
        pytest.param(
            {"type": "think"},
            AgentActivityThreadOtherEntry,
            id="reasoning-without-a-title",
        ),
        pytest.param(
            {"type": "token_ready", "data": {}}, AgentActivityThreadAuth, id="auth"
        ),
        pytest.param(
            {"action": "stop_execution", "reasoning": "r"},
            AgentActivityThreadGatewayDecision,
            id="gateway",
        ),
        pytest.param(
            {"action": ["odd"]}, AgentActivityThreadOtherEntry, id="odd-action"
        ),
        pytest.param(
            {"agent_id": "a", "query": "q"},
            AgentActivityThreadSubAgentTrigger,
            id="trigger",
        ),
        pytest.param(
            {"agent_id": "a"}, AgentActivityThreadOtherEntry, id="agent-alone"
        ),
        pytest.param(
            {"action": "new_kind"}, AgentActivityThreadOtherEntry, id="new-kind"
        ),
    ],
)
def test_entries_are_told_apart(entry, kind):
    """An entry has no tag: it is told by what it holds, and kept whole if unknown."""
    assert type(xpander.entry_of({"id": "e", "created_at": AT, **entry})) is kind


def test_what_is_no_entry_is_kept():
    """A thread with something that is no object at all is still read."""
    (entry,) = xpander.load({"id": "t", "created_at": AT, "messages": [7]}).messages
    assert entry.other == {"value": 7}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="empty"),
        pytest.param({"messages": []}, id="thread-without-id"),
    ],
)
def test_what_is_no_record_is_refused(value):
    """What is no record of xpander's is a clear error."""
    with pytest.raises(InfiniumError):
        xpander.load(value)


def test_load_tells_records_apart():
    """Threads, events and tasks are read, with nulls as xpander's own defaults."""
    task = xpander.load(
        {"id": "t", "agent_id": "a", "input": "hi", "tokens": {"total_tokens": 3}}
    )
    assert task.task.input == AgentExecutionInput("hi")
    assert task.task.tokens == Tokens()
    assert xpander.load({"id": "t", "input": 7, "tokens": 7}).task == Task(
        "t", other={"input": 7, "tokens": 7}
    )
    event = xpander.load({"type": "chunk", "task_id": "t", "data": "x"})
    assert event.events == (TaskUpdateEvent("chunk", "t", data="x"),)
    assert (
        xpander.load(
            {"id": "t", "created_at": AT, "messages": [], "user": 3, "task": 4}
        ).user
        is None
    )
    broken = xpander.event_of({"type": "tool_call_result", "task_id": "t", "data": {}})
    assert broken.data == {}


def test_hostile_marks_are_no_entries():
    """A span that claims to be an entry and lacks what one needs is no entry."""
    claims = {"xpander.entry": "reasoning", "xpander.index": "x"}
    assert (
        xpander.from_spans([agent(), tool(**claims)])[0].messages[0].tool_name
        == "search"
    )
    assert xpander.to_task_events([agent(**{"xpander.event": "{}"})])


# The event stream


def event(type_, at, data=None, **more):
    time = f"2026-01-02T03:04:{at:02}.000000Z"
    return xpander.event_of(
        {
            "type": type_,
            "task_id": "task-1",
            "organization_id": "org-1",
            "time": time,
            "data": data,
            **more,
        }
    )


def request(at, key="q1", **more):
    return event(
        "tool_call_request",
        at,
        {
            "request_id": key,
            "operation_id": "op",
            "tool_name": "search",
            "payload": {"q": 1},
            **more,
        },
    )


def result(at, key="q1", **more):
    return event(
        "tool_call_result",
        at,
        {"request_id": key, "operation_id": "op", "result": "found", **more},
    )


FINISHED = {
    "id": "task-1",
    "agent_id": "agent-1",
    "status": "completed",
    "result": "Paris",
    "input": {"text": "where?"},
    "created_at": "2026-01-02T03:04:00Z",
    "tokens": {"prompt_tokens": 3, "completion_tokens": 4},
}


def test_events_become_spans_as_they_come():
    """Spans leave as soon as they end: a tool's with its result, the run's at the end."""
    reader = EventReader()
    assert reader.feed(event("task_created", 0)) == []
    assert reader.feed(request(1)) == []
    (ran,) = reader.feed(result(3))
    assert (ran.name, ran.end_ns - ran.start_ns) == ("execute_tool search", 2 * S)
    assert ran.attributes["gen_ai.tool.call.arguments"] == '{"q": 1}'
    assert ran.attributes["gen_ai.tool.call.result"] == "found"
    (root,) = reader.feed(event("task_finished", 9, FINISHED))
    assert ran.parent_id == root.span_id
    assert (root.status, root.end_ns - root.start_ns) == ("ok", 9 * S)
    assert root.attributes["gen_ai.usage.output_tokens"] == 4
    (late,) = reader.feed(event("chunk", 10, "x"))
    assert (late.name, late.parent_id) == ("xpander.chunk", root.span_id)
    assert reader.finish() == []


def test_results_find_their_requests_by_either_id():
    """A result whose request id is new is paired by the tool call's id."""
    reader = EventReader()
    reader.feed(request(1, "q1", tool_call_id="k1"))
    reader.feed(request(2, "q2", tool_call_id="k2"))
    (ran,) = reader.feed(result(5, "other", tool_call_id="k2"))
    assert ran.end_ns - ran.start_ns == 3 * S


def test_requests_without_results():
    """A request that is never answered ends with the task, marked unfinished."""
    reader = EventReader()
    reader.feed(request(1, tool_name=None))
    (again,) = reader.feed(request(2))
    assert again.name == "execute_tool"
    ran, root = reader.feed(event("task_finished", 9))
    for each in (again, ran):
        assert each.status == "unset"
        assert each.attributes["xpander.tool.unfinished"] is True
    assert ran.end_ns == root.end_ns


def test_results_without_requests():
    """A result nobody asked for is a tool's span without length."""
    (ran,) = EventReader().feed(result(5, is_error=True))
    assert ran.start_ns == ran.end_ns
    assert (ran.status, ran.status_message) == ("error", "found")


def test_a_result_before_its_request():
    """Clocks may differ: a tool never takes less than no time."""
    reader = EventReader()
    reader.feed(request(5))
    (ran,) = reader.feed(result(3))
    assert ran.start_ns == ran.end_ns


def test_a_failed_task():
    """A task that failed is a failed run."""
    *_, root = xpander.from_events(
        [event("task_finished", 1, {**FINISHED, "status": "failed"})]
    )
    assert (root.status, root.attributes["error.type"]) == ("error", "failed")


def test_an_unfinished_stream():
    """A stream that stops is a run that has not ended."""
    root, ran = xpander.to_spans(EventStream((request(1),)))
    assert root.attributes["xpander.task.partial"] is True
    assert ran.attributes["xpander.tool.unfinished"] is True


def test_a_stream_reads_as_a_thread():
    """What events told is a thread's entries too."""
    thought = {
        "request_id": "q9",
        "payload": {"input": {"title": "Plan", "confidence": 0.8}},
    }
    events = [
        event("task_created", 0, FINISHED),
        event("think", 1, thought),
        request(2, reasoning={"title": "Find"}, plan_task_id="p1"),
        result(3),
        event("sub_agent_trigger", 4, {"agent_id": "helper", "query": "go"}),
        event("task_finished", 9, FINISHED),
    ]
    read = xpander.to_activity_thread(xpander.from_events(events))
    kinds = [
        type(entry).__name__.removeprefix("AgentActivityThread")
        for entry in read.messages
    ]
    assert kinds == ["Message", "Reasoning", "ToolCall", "SubAgentTrigger", "Message"]
    assert read.messages[2].reasoning == ToolCallRequestReasoning("Find")
    assert read.messages[2].plan_task_id == "p1"
    assert read.task.id == "task-1"


def test_events_of_a_run_xpander_never_saw():
    """An outside run is told by its creation, its tools, called agents and end."""
    events = xpander.to_task_events(a_run(), organization_id="org-1")
    assert [e.type for e in events] == [
        "task_created",
        "tool_call_request",
        "tool_call_result",
        "sub_agent_trigger",
        "task_finished",
    ]
    asked, answered = events[1].data, events[2].data
    assert asked.request_id == answered.request_id
    assert (asked.payload, answered.result) == ({"q": 1}, "found")
    assert events[0].data["status"] == "executing"
    assert events[4].data["status"] == "completed"
    assert xpander.push_list(events)[0]["organization_id"] == "org-1"
    unfinished = xpander.to_task_events([replace(agent(), end_ns=0)])
    assert [e.type for e in unfinished] == ["task_created"]
    bare = xpander.to_task_events(xpander.to_spans(thread()))
    assert bare[0].task_id == "thread-1"


@pytest.mark.parametrize(
    ("event_", "field"),
    [
        pytest.param(
            TaskUpdateEvent("brand_new", "t", "o", AT), "type", id="unknown-type"
        ),
        pytest.param(
            TaskUpdateEvent("chunk", "t", None, AT),
            "organization_id",
            id="no-organization",
        ),
        pytest.param(TaskUpdateEvent("chunk", "t", "o"), "time", id="no-time"),
    ],
)
def test_events_that_xpander_would_refuse(event_, field):
    """What xpander would refuse is not pushed: a clear error names the field."""
    with pytest.raises(InfiniumError) as caught:
        xpander.push_list([event_])
    assert caught.value.field == field


# Reports and results


def test_report_of_a_run():
    """An outside run is what xpander's API takes as a task."""
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
    """Each tool's outcome, in both forms of the result at once."""
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


def test_settings_have_the_references_defaults():
    """Settings are read with the reference's defaults."""
    settings = xpander.agno_settings_of(
        {"tool_calls_compression": {"enabled": True}, "num_history_runs": 5}
    )
    assert settings.tool_calls_compression.threshold == 3
    assert (settings.num_history_runs, settings.session_storage) == (5, True)
    assert (
        xpander.agno_settings_of({"tool_calls_compression": 3}).tool_calls_compression
        is None
    )


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        pytest.param(xpander.AgentExecutionStatus, 7, id="status"),
        pytest.param(xpander.AgentDeploymentType, 2, id="deployment"),
        pytest.param(xpander.OutputFormat, 5, id="format"),
        pytest.param(xpander.TaskUpdateEventType, 28, id="events"),
        pytest.param(xpander.AgentActivityThreadReasoningType, 2, id="reasoning"),
        pytest.param(xpander.MCPOAuthResponseType, 4, id="auth"),
    ],
)
def test_enumerations(kind, count):
    """Every word of the reference and of the package is there."""
    assert len(kind) == count


def test_every_seeded_type_is_there():
    """The records of the reference have all its fields."""
    expected = {
        xpander.KnowledgeBaseDocumentItem: {"id", "document_url", "added_at"},
        xpander.KnowledgeBaseSearchResult: {"content", "score"},
        xpander.AgnoToolCallsCompressionSettings: {
            "enabled",
            "threshold",
            "instructions",
        },
    }
    for kind, names in expected.items():
        assert {f.name for f in fields(kind)} - {"other"} == names
    assert T0 > 0
