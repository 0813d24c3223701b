"""Spans to test with: short to write, deterministic."""

from __future__ import annotations

from infinium_otel.records import LogEvent, SpanLink, SpanRecord

S = 1_000_000_000
"""Nanoseconds in a second."""
T0 = 1_790_000_000 * S
TRACE = f"{0xA:032x}"


def tid(number: int) -> str:
    """The trace id of a small number."""
    return f"{number:032x}"


def sid(name: str | int) -> str:
    """The span id of a short name: the same for the same name."""
    if isinstance(name, int):
        return f"{name:016x}"
    return name.encode().hex().rjust(16, "0")[-16:]


def span(name, parent=None, start=0.0, end=None, trace=TRACE, **more) -> SpanRecord:
    """A span called *name*, its times in seconds after `T0`; one second by default."""
    end = start + 1 if end is None else end
    links = tuple(SpanLink(t, sid(s)) for t, s in more.pop("links", ()))
    return SpanRecord(
        trace_id=trace,
        span_id=sid(name),
        parent_id=None if parent is None else sid(parent),
        name=str(name),
        start_ns=T0 + round(start * S),
        end_ns=T0 + round(end * S),
        links=links,
        **more,
    )


def log(name, span_name, trace=TRACE, at=0.0) -> LogEvent:
    """A log event on the span *span_name*."""
    return LogEvent(trace, sid(span_name), name, T0 + round(at * S))


def agent_run(number: int = 1, calls: int = 2) -> list[SpanRecord]:
    """An agent with LLM calls, in end order, as the official instrumentations report it."""
    trace = tid(number)
    children = [
        span(
            f"c{number}.{i}",
            f"r{number}",
            i,
            i + 0.5,
            trace=trace,
            kind="client",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
            },
        )
        for i in range(calls)
    ]
    root = span(
        f"r{number}",
        None,
        0,
        calls,
        trace=trace,
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "helper",
        },
    )
    return [*children, root]
