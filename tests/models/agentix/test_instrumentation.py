from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel.models import agentix
from infinium_otel.models.agentix import (
    AgentOutcome,
    Message,
    ModelResponse,
    PendingApproval,
    ToolCall,
)
from infinium_otel.models.agentix.instrumentation import AgentixEvents, instrument
from infinium_otel.records.from_sdk import to_span_record

CALL = ToolCall("search", {"q": "x"}, "c1")
USER = Message("user", "go", trusted=True)
ANSWER = Message("assistant", "done", trusted=True)
TOOL_REQUEST = Message("assistant", "", trusted=True, meta={"tool_calls": [CALL]})
FOUND = Message("tool", "found", name="search", meta={"call_id": "c1", "ok": True})
FAILED = Message("tool", "oh no", name="search", meta={"call_id": "c1", "ok": False})
ENDING = ModelResponse("done", (), 5, 3, 2, 0.5)
ASKING = ModelResponse("", (CALL,))
DONE = AgentOutcome(
    "completed", "done", steps=1, transcript=(USER, TOOL_REQUEST, FOUND, ANSWER)
)


def decided(word, reason=""):
    return SimpleNamespace(type=SimpleNamespace(value=word), reason=reason)


@dataclass
class AnswerDelta:
    text: str = "d"


@dataclass
class Agent:
    """Emits scripted events, as agentix's loop does, in a run or a stream."""

    script: list[tuple[Any, ...]]
    events: Any = field(default_factory=AgentixEvents)
    error: Exception | None = None

    async def run(self, request, *, run_id=None):
        for name, *args in self.script:
            await self.events.emit(name, *args)
        if self.error:
            raise self.error
        return "ran"

    async def resume(self, run_id, **given):
        return await self.run("", run_id=run_id)

    async def stream(self, request, *, run_id=None):
        yield AnswerDelta()
        for name, *args in self.script:
            await self.events.emit(name, *args)
            yield name
        if self.error:
            raise self.error


@dataclass
class OwnEvents:
    """The events an agent already had; `emit` may be a coroutine or not."""

    names: list[str] = field(default_factory=list)
    waits: bool = False

    def emit(self, name, *args):
        self.names.append(name)
        return asyncio.sleep(0) if self.waits else None


@pytest.fixture
def kept():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(kept):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return provider.get_tracer("t")


def span_records(kept):
    return [to_span_record(span) for span in kept.get_finished_spans()]


def ran(tracer, script, *, request="go", error=None, **named):
    agent = Agent(script, OwnEvents(), error)
    instrument(agent, tracer=tracer, **named)
    return asyncio.run(agent.run(request, run_id="r"))


ALLOWED = [
    ("on_model", [USER], ASKING),
    ("on_tool_call", CALL),
    ("on_guard_decision", CALL, decided("allow")),
    ("on_tool_result", CALL, FOUND),
    ("on_model", [USER, TOOL_REQUEST, FOUND], ENDING),
    ("on_final", DONE),
]


def test_a_run_becomes_spans(kept, tracer):
    """Turns, tools and the run have spans, from which its outcome can be read."""
    assert ran(tracer, ALLOWED, agent_name="a", model="m") == "ran"
    spans = span_records(kept)
    assert [r.name for r in spans] == [
        "chat m",
        "execute_tool search",
        "chat m",
        "invoke_agent a",
    ]
    outcome = agentix.to_outcome(spans)
    assert (outcome.answer, outcome.status, outcome.other["run_id"]) == (
        "done",
        "completed",
        "r",
    )
    assert [m.role for m in outcome.transcript] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_zero_tokens_are_unknown(kept, tracer):
    """An adapter that does not count reports 0; the span then has no token counts."""
    ran(tracer, ALLOWED)
    first, _, second, _ = span_records(kept)
    assert "gen_ai.usage.input_tokens" not in first.attributes
    assert second.attributes["gen_ai.usage.input_tokens"] == 3


DENIED = [("on_guard_decision", CALL, decided("deny", "never"))]
DECLINED = [
    ("on_guard_decision", CALL, decided("confirm", "sure?")),
    ("on_confirm", CALL, False),
]
APPROVED = [
    ("on_guard_decision", CALL, decided("confirm", "sure?")),
    ("on_confirm", CALL, True),
    ("on_tool_result", CALL, FOUND),
]


@pytest.mark.parametrize(
    ("script", "error", "decision"),
    [
        pytest.param(DENIED, "ToolDenied", "deny", id="denied"),
        pytest.param(DECLINED, "ToolDeclined", "confirm", id="declined"),
        pytest.param(APPROVED, None, "confirm", id="approved"),
        pytest.param(
            [("on_tool_result", CALL, FAILED)], "tool_error", None, id="failed"
        ),
        pytest.param([], "tool_error", None, id="nobody-to-run-it"),
    ],
)
def test_every_call_has_a_span(kept, tracer, script, error, decision):
    """A call that was denied, declined or never run has a span with the reason."""
    ran(tracer, [("on_tool_call", CALL), *script, ("on_final", DONE)])
    tool = span_records(kept)[0]
    assert tool.attributes.get("error.type") == error
    assert tool.attributes.get("agentix.tool.decision") == decision
    assert (tool.status == "error") == bool(error)


def test_a_waiting_call_has_a_span(kept, tracer):
    """A suspended run's waiting calls have spans, and come back as pending."""
    waiting = PendingApproval(CALL, "sure?")
    outcome = AgentOutcome(
        "suspended", pending=(waiting,), transcript=(USER, TOOL_REQUEST)
    )
    ran(tracer, [("on_model", [USER], ASKING), ("on_suspend", outcome)])
    again = agentix.to_outcome(span_records(kept))
    assert (again.status, again.pending) == ("suspended", (waiting,))
    assert again.transcript[-1].tool_calls == (CALL,)


def test_content_capture_is_optional(kept, tracer):
    """Without content there are no texts: no messages, arguments or results."""
    failing = [("on_tool_call", CALL), ("on_tool_result", CALL, FAILED)]
    ran(tracer, [*ALLOWED[:-1], *failing, ALLOWED[-1]], capture_content=False)
    text = str([(r.attributes, r.status_message) for r in span_records(kept)])
    for secret in ("found", "oh no", "'q'", "done"):
        assert secret not in text


def test_events_of_unknown_calls_are_ignored(kept, tracer):
    """A decision, a confirmation or a result without its call is ignored."""
    stray = [
        ("on_guard_decision", CALL, decided("deny")),
        ("on_confirm", CALL, True),
        ("on_tool_result", CALL, FOUND),
        ("on_compact", 9, 3),
        ("on_something_new",),
    ]
    ran(tracer, stray)
    (root,) = span_records(kept)
    assert [event.name for event in root.events] == ["agentix.compact"]


def test_an_aborted_run_failed(kept, tracer):
    """An aborted run's root has an error with its reason."""
    outcome = AgentOutcome("aborted", reason="max_steps_reached", parsed={"a": 1})
    ran(tracer, [("on_final", outcome)])
    (root,) = span_records(kept)
    assert (root.status, root.attributes["error.type"]) == (
        "error",
        "max_steps_reached",
    )
    assert agentix.to_outcome([root]).parsed == {"a": 1}


def test_an_exception_ends_the_run(kept, tracer):
    """An exception is raised to the caller and recorded on the root."""
    with pytest.raises(ValueError, match="boom"):
        ran(tracer, [("on_tool_call", CALL)], error=ValueError("boom"))
    tool, root = span_records(kept)
    assert tool.attributes["error.type"] == "tool_error"
    assert (root.attributes["error.type"], root.status_message) == (
        "ValueError",
        "boom",
    )


def streamed(agent, take=None):
    async def consume():
        found = []
        events = agent.stream("go")
        async for event in events:
            found.append((event, trace.get_current_span().get_span_context().is_valid))
            if take and len(found) == take:
                await events.aclose()
                break
        return found

    return asyncio.run(consume())


def test_a_stream_is_unchanged(kept, tracer):
    """A stream yields the same events; its consumer's spans are not part of the run."""
    agent = Agent(ALLOWED, OwnEvents(waits=True))
    events = agent.events
    instrument(agent, tracer=tracer)
    found = streamed(agent)
    assert [event for event, _ in found[1:]] == [name for name, *_ in ALLOWED]
    assert not any(inside for _, inside in found)
    assert events.names == [name for name, *_ in ALLOWED]
    turn = span_records(kept)[0].attributes
    assert turn["gen_ai.request.stream"] is True
    assert turn["gen_ai.response.time_to_first_chunk"] >= 0


def test_a_closed_stream_ends_its_run(kept, tracer):
    """Closing a stream ends the run without a failure, and no span stays open."""
    agent = Agent(ALLOWED, OwnEvents())
    instrument(agent, tracer=tracer)
    assert len(streamed(agent, take=3)) == 3
    spans = span_records(kept)
    assert [r.name for r in spans][-1] == "invoke_agent"
    assert spans[-1].status == "unset"


def test_a_failing_stream_fails_its_run(kept, tracer):
    """An exception of a stream is raised to its consumer and recorded on the root."""
    agent = Agent([], OwnEvents(), ValueError("cut"))
    instrument(agent, tracer=tracer)
    with pytest.raises(ValueError, match="cut"):
        streamed(agent)
    assert span_records(kept)[-1].attributes["error.type"] == "ValueError"


def test_a_resumed_run_has_its_id(kept, tracer):
    """A resumed run has the same run id."""
    agent = Agent([("on_final", DONE)], OwnEvents())
    instrument(agent, tracer=tracer)
    asyncio.run(agent.resume("r9"))
    assert span_records(kept)[0].attributes["agentix.run.id"] == "r9"


def test_an_agent_is_instrumented_once():
    """Instrumenting an agent again returns the same events."""
    agent = Agent([], OwnEvents())
    assert instrument(agent) is instrument(agent)


def test_events_without_a_run_begin_one(kept, tracer):
    """Without `run()`, the events make a run from the first one to the outcome."""

    async def alone():
        events = AgentixEvents(tracer=tracer, model="m")
        await events.emit("on_model", [USER], ENDING)
        await events.emit("on_final", DONE)

    asyncio.run(alone())
    turn, root = span_records(kept)
    assert (turn.name, root.name) == ("chat m", "invoke_agent")
    assert turn.parent_id == root.span_id


def test_the_global_tracer_is_the_default():
    """Without a tracer the global provider is used; without one there are no spans."""
    events = AgentixEvents()
    with events.run() as root:
        assert root is trace.get_current_span()


def test_messages_after_the_last_turn_are_kept(kept, tracer):
    """A run aborted after a tool's result keeps that result in its transcript."""
    outcome = AgentOutcome(
        "aborted", reason="r", transcript=(USER, TOOL_REQUEST, FOUND)
    )
    ran(tracer, [*ALLOWED[:4], ("on_final", outcome)])
    again = agentix.to_outcome(span_records(kept))
    assert [m.role for m in again.transcript] == ["user", "assistant", "tool"]
    assert again.transcript[-1].text == "found"
