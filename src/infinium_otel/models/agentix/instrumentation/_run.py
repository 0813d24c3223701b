"""One open run: its open spans, and how they end."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span


@dataclass(eq=False)
class OpenRun:
    """One open run.

    Args:
        since_ns: when the model could begin its next turn.
        tools: the spans of calls that have begun, by the call's identity, each with
            the token that detaches it from the context.
        first_chunk_ns: when the current turn's first text arrived.
        implicit: whether it was opened by an event instead of `run()`; its outcome
            ends it.
    """

    root: Span
    since_ns: int
    tools: dict[int, tuple[Span, Any]] = field(default_factory=dict)
    first_chunk_ns: int | None = None
    implicit: bool = False


CURRENT_RUN: ContextVar[OpenRun | None] = ContextVar(
    "infinium_otel_agentix_run", default=None
)


def get_open_span(state: OpenRun, call: Any) -> Span | None:
    found = state.tools.get(id(call))
    return found[0] if found else None


def end_tool(state: OpenRun, key: int) -> None:
    span, token = state.tools.pop(key)
    span.end()
    otel_context.detach(token)
    state.since_ns = time.time_ns()


def mark_error(span: Span, kind: str, why: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, why or None))


def record_failure(state: OpenRun, error: BaseException) -> None:
    """Record the exception that ended the run; agentix has no event for it."""
    if isinstance(error, GeneratorExit):
        return
    state.root.record_exception(error)
    mark_error(state.root, type(error).__qualname__, str(error))


def enter(state: OpenRun) -> Callable[[], None]:
    """Make a run and its root current.

    Returns:
        A function that undoes this; call it in the same context.
    """
    run = CURRENT_RUN.set(state)
    token = otel_context.attach(trace.set_span_in_context(state.root))

    def leave() -> None:
        otel_context.detach(token)
        CURRENT_RUN.reset(run)

    return leave
