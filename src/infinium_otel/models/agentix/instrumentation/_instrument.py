"""Wrap every run of an agent in spans, streamed runs too."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from infinium_otel.models.agentix.instrumentation._events import AgentixEvents
from infinium_otel.models.agentix.instrumentation._run import (
    OpenRun,
    enter,
    record_failure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


def instrument(agent: Any, **named: Any) -> AgentixEvents:
    """Make standard spans of every run of an `agentix.Agent`, streamed ones too.

    The agent's own event listeners still receive everything. The model is not wrapped,
    so that it streams as before.

    Args:
        agent: the agent; its `run`, `resume`, `stream` and `events` are replaced.
        named: arguments of `AgentixEvents`.
    """
    if isinstance(agent.events, AgentixEvents):
        return agent.events
    events = AgentixEvents(also=agent.events, **named)
    agent.events = events
    agent.run = _wrap_run(agent.run, events)
    agent.resume = _wrap_run(agent.resume, events, is_resume=True)
    agent.stream = _wrap_stream(agent.stream, events)
    return events


def _wrap_run(
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


def _wrap_stream(
    method: Callable[..., AsyncGenerator[Any, None]], events: AgentixEvents
) -> Callable[..., AsyncGenerator[Any, None]]:
    async def stream(first: Any, **given: Any) -> AsyncGenerator[Any, None]:
        state = events.open(given.get("run_id"))
        inner = method(first, **given)
        try:
            async with aclosing(_iterate(inner, state)) as each:
                async for event in each:
                    yield event
        except BaseException as error:
            record_failure(state, error)
            raise
        finally:
            events.close(state)

    return stream


async def _iterate(
    inner: AsyncGenerator[Any, None], state: OpenRun
) -> AsyncGenerator[Any, None]:
    """The events of *inner*; the run is current only while *inner* works.

    Spans that the consumer makes between two events are not part of the run.
    """
    async with aclosing(inner):
        while True:
            leave = enter(state)
            try:
                event = await inner.__anext__()
            except StopAsyncIteration:
                return
            finally:
                leave()
            if state.first_chunk_ns is None and type(event).__name__ == "AnswerDelta":
                state.first_chunk_ns = time.time_ns()
            yield event
