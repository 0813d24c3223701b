"""Every run of an agent within its spans, streamed runs too."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from infinium_otel.agentix_events._events import AgentixEvents
from infinium_otel.agentix_events._run import OpenRun, entered, failed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


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
        state = events.opened(given.get("run_id"))
        inner = method(first, **given)
        try:
            async with aclosing(_each(inner, state)) as each:
                async for event in each:
                    yield event
        except BaseException as error:
            failed(state, error)
            raise
        finally:
            events.closed(state)

    return stream


async def _each(
    inner: AsyncGenerator[Any, None], state: OpenRun
) -> AsyncGenerator[Any, None]:
    """The events of *inner*; the run is the present one only while it works.

    What the consumer does between two events is no part of the run.
    """
    async with aclosing(inner):
        while True:
            leave = entered(state)
            try:
                event = await inner.__anext__()
            except StopAsyncIteration:
                return
            finally:
                leave()
            if state.first_chunk_ns is None and type(event).__name__ == "AnswerDelta":
                state.first_chunk_ns = time.time_ns()
            yield event
