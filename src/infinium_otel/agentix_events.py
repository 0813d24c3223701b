"""agentix runs as standard spans while they happen: `instrument(agent)`.

agentix's own tracing names no model, keeps no message, loses the calls that a guard
denied or a human declined, and turns streaming off. This listens to the same events
and leaves the model alone.
"""

from __future__ import annotations

import inspect
import time
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from infinium_otel.models import parts
from infinium_otel.models.agentix.live import (
    call_from,
    message_from,
    outcome_from,
    parsed_from,
)
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.agentix.to_spans import DECLINED
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import as_json, present

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from opentelemetry.trace import Span, Tracer

SCOPE = "agentix"


@dataclass(eq=False)
class _Run:
    """One run as it goes on.

    Args:
        since_ns: when the model was last free to begin its next turn.
        tools: the spans of calls that have begun, by the call's identity, each with
            what makes it no longer the current span.
        first_chunk_ns: when the present turn's text began to arrive.
        lone: whether nobody opened it, so that its outcome ends it.
    """

    root: Span
    since_ns: int
    tools: dict[int, tuple[Span, Any]] = field(default_factory=dict)
    first_chunk_ns: int | None = None
    lone: bool = False


_RUN: ContextVar[_Run | None] = ContextVar("infinium_otel_agentix_run", default=None)


class AgentixEvents:
    """An `agentix.AgentEvents` that makes standard spans of a run.

    Give it to `Agent(events=...)` and wrap the run in `run()`; or let `instrument`
    do both. One instance may serve many runs at once.

    Args:
        agent_name: of the agent.
        model: name of the model; agentix does not know it.
        provider: of the model, in the conventions' words ("anthropic").
        capture_content: False leaves out prompts, answers, arguments and results.
        tracer: None takes the global provider's.
        also: further events to pass everything on to.
    """

    def __init__(  # noqa: PLR0913 - every one is optional and given by name
        self,
        *,
        agent_name: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        capture_content: bool = True,
        tracer: Tracer | None = None,
        also: Any = None,
    ) -> None:
        self.agent_name = agent_name
        self.model = model
        self.provider = provider
        self.capture_content = capture_content
        self.also = also
        self._tracer = tracer

    async def emit(self, name: str, *args: Any) -> None:
        """Hear one event of agentix's loop."""
        hear: Callable[..., None] | None = getattr(self, name, None)
        if hear is not None:
            hear(*args)
        if self.also is not None:
            passed = self.also.emit(name, *args)
            if inspect.isawaitable(passed):
                await passed

    @contextmanager
    def run(self, run_id: str | None = None) -> Iterator[Span]:
        """The root span of one run, current while it lasts."""
        state = self._opened(run_id)
        leave = _entered(state)
        try:
            yield state.root
        except BaseException as error:
            _failed(state, error)
            raise
        finally:
            leave()
            self._closed(state)

    def _opened(self, run_id: str | None) -> _Run:
        now = time.time_ns()
        name = f"invoke_agent {self.agent_name}" if self.agent_name else "invoke_agent"
        said = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self.agent_name,
            "gen_ai.conversation.id": run_id,
            "agentix.run.id": run_id,
        }
        root = self._trace().start_span(name, attributes=present(said), start_time=now)
        return _Run(root, now)

    def _closed(self, state: _Run) -> None:
        self._end_tools(state)
        state.root.end()

    def _trace(self) -> Tracer:
        return self._tracer or trace.get_tracer(SCOPE)

    def _state(self) -> _Run:
        """The present run; one that begins now where nobody opened it."""
        state = _RUN.get()
        if state is None:
            state = self._opened(None)
            state.lone = True
            _RUN.set(state)
        return state

    def _content(self, **said: Any) -> dict[str, Any]:
        """Texts, where they may be told; keys have `__` for a dot."""
        if not self.capture_content:
            return {}
        return present({key.replace("__", "."): text for key, text in said.items()})

    # What agentix's loop tells

    def on_model(self, messages: Any, response: Any) -> None:
        """A turn of the model has ended."""
        state = self._state()
        self._end_tools(state)
        now = time.time_ns()
        span = self._trace().start_span(
            f"chat {self.model}" if self.model else "chat",
            context=trace.set_span_in_context(state.root),
            kind=SpanKind.CLIENT,
            attributes={**self._turn(response), **self._said(messages, response)},
            start_time=state.since_ns,
        )
        if state.first_chunk_ns is not None:
            waited = (state.first_chunk_ns - state.since_ns) / 1e9
            span.set_attribute("gen_ai.request.stream", True)  # noqa: FBT003 - the value of an attribute
            span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
        span.end(now)
        state.since_ns, state.first_chunk_ns = now, None

    def _turn(self, response: Any) -> dict[str, Any]:
        # Both are 0 where the model's adapter counts nothing: that is not known.
        counted = bool(response.input_tokens or response.output_tokens)
        reason = "stop" if response.is_final else "tool_calls"
        return present(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": self.provider,
                "gen_ai.request.model": self.model,
                "gen_ai.response.finish_reasons": [reason],
                "gen_ai.usage.input_tokens": response.input_tokens if counted else None,
                "gen_ai.usage.output_tokens": response.output_tokens
                if counted
                else None,
                "agentix.tokens_used": response.tokens_used,
                "agentix.cost_usd": response.cost_usd,
                "gen_ai.usage.cost": response.cost_usd or None,
            }
        )

    def _said(self, messages: Any, response: Any) -> dict[str, Any]:
        if not self.capture_content:
            return {}
        calls = map(call_from, response.tool_calls)
        said = [parts.text_part(response.text)]
        said += [parts.tool_call_part(c["id"], c["name"], c["args"]) for c in calls]
        answer = parts.message("assistant", said, **{"agentix.trusted": True})
        return self._content(
            gen_ai__input__messages=to_messages(map(message_from, messages)),
            gen_ai__output__messages=as_json([answer]),
        )

    def on_tool_call(self, call: Any) -> None:
        """A call is about to be looked at, and perhaps run."""
        state = self._state()
        self._end_tools(state)
        said = call_from(call)
        span = self._trace().start_span(
            f"execute_tool {call.name}",
            context=trace.set_span_in_context(state.root),
            attributes={
                **present(
                    {
                        "gen_ai.operation.name": "execute_tool",
                        "gen_ai.tool.name": call.name,
                        "gen_ai.tool.type": "function",
                        "gen_ai.tool.call.id": call.id,
                    }
                ),
                **self._content(gen_ai__tool__call__arguments=as_json(said["args"])),
            },
        )
        token = otel_context.attach(trace.set_span_in_context(span))
        state.tools[id(call)] = span, token

    def on_guard_decision(self, call: Any, decision: Any) -> None:
        """A guard has allowed or denied a call, or wants a human to."""
        state = self._state()
        span = _open_span(state, call)
        if span is None:
            return
        word = str(getattr(decision.type, "value", decision.type))
        span.add_event("guard_decision", {"decision": word, "reason": decision.reason})
        span.set_attribute("agentix.tool.decision", word)
        if word == "deny":
            self._refused(state, call, "ToolDenied", decision.reason)

    def on_confirm(self, call: Any, approved: bool) -> None:  # noqa: FBT001 - agentix passes it so
        """A human has approved or declined a call."""
        state = self._state()
        span = _open_span(state, call)
        if span is None:
            return
        span.add_event("confirm", {"approved": approved})
        span.set_attribute("agentix.tool.approved", approved)
        if not approved:
            self._refused(state, call, "ToolDeclined", DECLINED)

    def _refused(self, state: _Run, call: Any, kind: str, why: str) -> None:
        span = state.tools[id(call)][0]
        span.set_attribute("agentix.tool.ok", False)  # noqa: FBT003 - the value of an attribute
        _mark_error(span, kind, why)
        _end_tool(state, id(call))

    def on_tool_result(self, call: Any, result: Any) -> None:
        """A tool has answered."""
        state = self._state()
        span = _open_span(state, call)
        if span is None:
            return
        told = message_from(result)
        ok = told.meta.get("ok") is not False
        span.set_attributes(
            {
                "agentix.tool.ok": ok,
                "agentix.message.trusted": told.trusted,
                "agentix.cost_usd": float(told.meta.get("cost_usd") or 0.0),
                "agentix.tokens_used": int(told.meta.get("tokens_used") or 0),
                **self._content(gen_ai__tool__call__result=told.text),
            }
        )
        if not ok:
            _mark_error(span, "tool_error", told.text if self.capture_content else "")
        _end_tool(state, id(call))

    def on_compact(self, before_count: int, after_count: int) -> None:
        """The conversation has been shortened."""
        counts = {"before": before_count, "after": after_count}
        self._state().root.add_event("agentix.compact", counts)

    def on_suspend(self, outcome: Any) -> None:
        """The run waits for a human: each waiting call has its span."""
        state = self._state()
        for waiting in outcome.pending:
            self.on_tool_call(waiting.call)
            span = state.tools[id(waiting.call)][0]
            span.set_attribute("agentix.tool.decision", "confirm")
            span.set_attribute("agentix.tool.pending", True)  # noqa: FBT003 - the value of an attribute
            span.set_attribute("agentix.tool.pending.reason", waiting.reason)
            span.set_attribute("infinium.step.action", "approval_pending")
            _end_tool(state, id(waiting.call))
        self.on_final(outcome)

    def on_final(self, outcome: Any) -> None:
        """The run is over, or waits."""
        state = self._state()
        self._end_tools(state)
        root = state.root
        root.set_attributes(
            present(
                {
                    "agentix.outcome.status": outcome.status,
                    "agentix.outcome.reason": outcome.reason,
                    "agentix.outcome.steps": outcome.steps,
                    "agentix.outcome.tokens_used": outcome.tokens_used,
                    "agentix.outcome.cost_usd": outcome.cost_usd,
                    **self._told(outcome),
                }
            )
        )
        if outcome.status == "aborted":
            _mark_error(root, outcome.reason or "aborted", "")
        if state.lone:
            self._closed(state)
            _RUN.set(None)

    def _told(self, outcome: Any) -> dict[str, Any]:
        if not self.capture_content:
            return {}
        told = outcome_from(outcome)
        spoken = [i for i, m in enumerate(told.transcript) if m.role == "assistant"]
        first = spoken[0] if spoken else len(told.transcript)
        tail = told.transcript[spoken[-1] + 1 :] if spoken else ()
        parsed = parsed_from(outcome.parsed)
        return self._content(
            gen_ai__input__messages=to_messages(told.transcript[:first]),
            gen_ai__output__messages=parts.final_messages(told.answer),
            agentix__outcome__parsed=None if parsed is None else as_json(parsed),
            agentix__pending=as_json(dump(told.pending)) if told.pending else None,
            agentix__transcript__tail=to_messages(tail),
        )

    def _end_tools(self, state: _Run) -> None:
        """Calls of which nothing more was heard: there was nobody to run them."""
        for key in list(state.tools):
            _mark_error(state.tools[key][0], "tool_error", "no result")
            _end_tool(state, key)


def _open_span(state: _Run, call: Any) -> Span | None:
    found = state.tools.get(id(call))
    return found[0] if found else None


def _end_tool(state: _Run, key: int) -> None:
    span, token = state.tools.pop(key)
    span.end()
    otel_context.detach(token)
    state.since_ns = time.time_ns()


def _mark_error(span: Span, kind: str, why: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, why or None))


def _failed(state: _Run, error: BaseException) -> None:
    """The run ends by an exception, which no event tells."""
    if isinstance(error, GeneratorExit):
        return
    state.root.record_exception(error)
    _mark_error(state.root, type(error).__qualname__, str(error))


def _entered(state: _Run) -> Callable[[], None]:
    """Make a run and its root the present ones.

    Returns:
        What undoes it, to be called in the same context.
    """
    run = _RUN.set(state)
    token = otel_context.attach(trace.set_span_in_context(state.root))

    def leave() -> None:
        otel_context.detach(token)
        _RUN.reset(run)

    return leave


def instrument(agent: Any, **named: Any) -> AgentixEvents:
    """Make standard spans of every run of an `agentix.Agent`, streamed ones too.

    Events the agent already has go on; the model is not wrapped, so it streams as
    before.

    Args:
        agent: the agent; its `run`, `resume`, `stream` and `events` are replaced.
        named: as `AgentixEvents` takes.
    """
    if isinstance(agent.events, AgentixEvents):
        return agent.events
    events = AgentixEvents(also=agent.events, **named)
    agent.events = events
    agent.run = _within(agent.run, events)
    agent.resume = _within(agent.resume, events, is_resume=True)
    agent.stream = _streamed(agent.stream, events)
    return events


def _within(
    method: Callable[..., Awaitable[Any]],
    events: AgentixEvents,
    *,
    is_resume: bool = False,
) -> Callable[..., Awaitable[Any]]:
    async def call(first: Any, **given: Any) -> Any:
        run_id = first if is_resume else given.get("run_id")
        with events.run(run_id):
            return await method(first, **given)

    return call


def _streamed(
    method: Callable[..., AsyncGenerator[Any, None]], events: AgentixEvents
) -> Callable[..., AsyncGenerator[Any, None]]:
    async def stream(first: Any, **given: Any) -> AsyncGenerator[Any, None]:
        state = events._opened(given.get("run_id"))  # noqa: SLF001 - this module's own
        inner = method(first, **given)
        try:
            async with aclosing(_each(inner, state)) as each:
                async for event in each:
                    yield event
        except BaseException as error:
            _failed(state, error)
            raise
        finally:
            events._closed(state)  # noqa: SLF001 - this module's own

    return stream


async def _each(
    inner: AsyncGenerator[Any, None], state: _Run
) -> AsyncGenerator[Any, None]:
    """The events of *inner*; the run is the present one only while it works.

    What the consumer does between two events is no part of the run.
    """
    async with aclosing(inner):
        while True:
            leave = _entered(state)
            try:
                event = await inner.__anext__()
            except StopAsyncIteration:
                return
            finally:
                leave()
            if state.first_chunk_ns is None and type(event).__name__ == "AnswerDelta":
                state.first_chunk_ns = time.time_ns()
            yield event
