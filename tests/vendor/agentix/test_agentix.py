"""agentix accepts and continues what we write; what it does is converted completely."""

from __future__ import annotations

import asyncio
import json

import pytest

agentix = pytest.importorskip("agentix")
from agentix import (  # noqa: E402 - only where it is installed
    Agent,
    MemoryStore,
    ModelResponse,
    ToolCall,
    outcome_from_dict,
    outcome_to_dict,
    subagent_tool,
    tool,
)
from agentix.guards import Decision, Guard  # noqa: E402 - as above
from agentix.serde import transcript_to_dicts  # noqa: E402 - as above
from agentix.streaming import ResponseComplete, TextDelta  # noqa: E402 - as above
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402 - as above
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402 - as above
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: E402 - as above
    InMemorySpanExporter,
)

from infinium_otel import otlp, spans_to_tasks  # noqa: E402 - after the vendor's
from infinium_otel.models import agentix as ours  # noqa: E402 - after the vendor's
from infinium_otel.models.agentix.instrumentation import instrument  # noqa: E402 - after the vendor's
from infinium_otel.models.agentix.live_objects import read_outcome  # noqa: E402 - as above
from infinium_otel.records.from_sdk import to_span_record  # noqa: E402 - after the vendor's
from support import corpus  # noqa: E402 - after the vendor's


class Scripted:
    """A model with scripted answers, streamed or not."""

    def __init__(self, *turns):
        self.turns = list(turns)

    async def __call__(self, messages, *, tools=()):
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    async def stream(self, messages, *, tools=()):
        turn = self.turns.pop(0)
        yield TextDelta(turn.text)
        yield ResponseComplete(turn)


@tool
async def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@tool
async def drop(table: str) -> str:
    """Drops a table."""
    return f"dropped {table}"


class Careful(Guard):
    """Never drops users; requires confirmation before it drops anything else."""

    async def before_call(self, call, ctx):
        if call.name != "drop":
            return Decision.allow()
        if call.args.get("table") == "users":
            return Decision.deny("never users")
        return Decision.confirm("dangerous")


def asking():
    calls = [
        ToolCall("add", {"a": 1, "b": 2}, "c1"),
        ToolCall("drop", {"table": "users"}, "c2"),
        ToolCall("drop", {"table": "logs"}, "c3"),
    ]
    return ModelResponse("", calls, 10, 6, 4, 0.01)


ENDING = ModelResponse("done", [], 5, 3, 2, 0.02)


@pytest.fixture
def seen():
    """An exporter, and a tracer whose spans it keeps."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return kept, provider.get_tracer("test")


def agent_of(seen, *turns, **more):
    agent = Agent(
        model=Scripted(*turns),
        system_prompt="sys",
        tools=[add, drop],
        guards=[Careful()],
        **more,
    )
    instrument(agent, agent_name="a", model="m", provider="openai", tracer=seen[1])
    return agent


def records(seen):
    return [to_span_record(span) for span in seen[0].get_finished_spans()]


def named(seen):
    return [
        (
            r.name,
            r.attributes.get("error.type"),
            r.attributes.get("agentix.tool.decision"),
        )
        for r in records(seen)
    ]


CALLS = [
    ("chat m", None, None),
    ("execute_tool add", None, "allow"),
    ("execute_tool drop", "ToolDenied", "deny"),
    ("execute_tool drop", "ToolDeclined", "confirm"),
    ("chat m", None, None),
    ("invoke_agent a", None, None),
]


def test_a_run_is_converted_completely(seen):
    """Every call has a span, denied and declined ones too; the outcome is restored."""
    outcome = asyncio.run(agent_of(seen, asking(), ENDING).run("go"))
    assert named(seen) == CALLS
    converted = ours.to_outcome(records(seen))
    assert {**ours.dump(converted), "otel": None} == {
        **ours.dump(read_outcome(outcome)),
        "otel": None,
    }
    (task,) = spans_to_tasks(records(seen))
    assert (task.llm_usage.prompt_tokens, task.llm_usage.completion_tokens) == (9, 6)


def test_streaming_still_works(seen):
    """A streamed run streams as before; its spans have the first chunk's time too."""

    async def streamed():
        agent = agent_of(seen, asking(), ENDING)
        return [type(event).__name__ async for event in agent.stream("go")]

    happened = asyncio.run(streamed())
    assert (happened[0], happened[-1]) == ("AnswerDelta", "Done")
    assert named(seen) == CALLS
    key = "gen_ai.response.time_to_first_chunk"
    assert all(key in r.attributes for r in records(seen) if r.name == "chat m")


def test_a_checkpoint_from_spans_is_resumed(seen):
    """The real `Agent.resume` continues a suspended run that was read from spans."""
    store, other = MemoryStore(), MemoryStore()
    agent = agent_of(seen, asking(), store=store, suspend_on_confirm=True)
    asyncio.run(agent.run("go", run_id="r"))
    suspended = ours.to_outcome(records(seen))
    assert [(p.call.id, p.reason) for p in suspended.pending] == [("c3", "dangerous")]

    async def resumed():
        state = ours.checkpoint(suspended)
        assert state == await store.load("r")
        await other.save("r", state)
        fresh = agent_of(seen, ENDING, store=other)
        return await fresh.resume("r", decisions={"c3": True})

    outcome = asyncio.run(resumed())
    assert outcome.status == "completed"
    assert [m.content for m in outcome.transcript if m.role == "tool"] == [
        "3",
        "REFUSED: never users",
        "dropped logs",
    ]


def test_a_subagent_hangs_below_its_tool(seen):
    """A subagent's run is a child of the tool that started it; its costs are added up."""
    child = agent_of(seen, ENDING)
    lead = Agent(
        model=Scripted(
            ModelResponse("", [ToolCall("research", {"task": "x"}, "c")], 1, 1, 0),
            ENDING,
        ),
        system_prompt="sys",
        tools=[subagent_tool(child, name="research", description="d")],
    )
    instrument(lead, agent_name="lead", model="m", tracer=seen[1])
    asyncio.run(lead.run("go"))
    spans = {r.span_id: r for r in records(seen)}
    nested = next(r for r in spans.values() if r.name == "invoke_agent a")
    assert spans[nested.parent_id].name == "execute_tool research"
    outcome = ours.to_outcome(list(spans.values()))
    assert outcome.tokens_used == 11
    assert outcome.other["subagents"][0]["answer"] == "done"


def test_a_failed_run_is_aborted(seen):
    """An exception that the agent raises is on the root, and the run has ended."""
    agent = agent_of(seen, RuntimeError("boom"))
    with pytest.raises(RuntimeError):
        asyncio.run(agent.run("go"))
    (root,) = records(seen)
    assert (root.name, root.status) == ("invoke_agent a", "error")
    assert ours.to_outcome([root]).status == "aborted"


LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})


@pytest.mark.parametrize("library", LIBRARIES)
def test_any_trace_is_one_that_agentix_accepts(library):
    """Each recording becomes an outcome its codec reads, and a state it can resume.

    Its tool messages have the tools' names.
    """
    for name in corpus.names(library):
        spans = list(otlp.from_json(corpus.recording(name).spans).records)
        outcome = ours.to_outcome(spans)
        tools = [m for m in outcome.transcript if m.role == "tool"]
        assert all(m.name for m in tools), name
        text = json.loads(json.dumps(ours.dump(outcome)))
        theirs = outcome_to_dict(outcome_from_dict(text))
        again = ours.load(theirs)
        assert (again.answer, again.transcript) == (
            outcome.answer,
            outcome.transcript,
        ), name
        state = ours.checkpoint(outcome, "r")
        real = outcome_from_dict(
            {"status": "completed", "transcript": state["messages"]}
        )
        assert transcript_to_dicts(real.transcript) == state["messages"], name


def test_agentixs_own_spans_are_read(seen):
    """The spans of agentix's own tracing become an outcome: steps, tokens, tools."""

    async def traced():
        agent = Agent(model=Scripted(asking(), ENDING), system_prompt="s", tools=[add])
        agentix.instrument(agent, tracer=seen[1])
        async with agentix.trace_run(tracer=seen[1]):
            await agent.run("go")

    asyncio.run(traced())
    outcome = ours.to_outcome(records(seen))
    assert (outcome.steps, outcome.tokens_used) == (2, 15)
    (task,) = spans_to_tasks(ours.to_spans(outcome))
    assert "add" in [s.tool_call.tool_name for s in task.steps if s.tool_call]
