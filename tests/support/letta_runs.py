"""Spans of Letta's runs, made in a line each, and the records they become."""

from __future__ import annotations

from hypothesis import strategies as st

from infinium_otel.models import letta
from infinium_otel.models.spans import finalize
from support.spans import span

TRACE = "0af7651916cd43dd8448eb211c80319c"


def chat(name="c", parent="r", start=0.0, end=None, **attributes):
    """A chat's span by the conventions."""
    more = {
        k: attributes.pop(k)
        for k in ("status", "events", "status_message")
        if k in attributes
    }
    values = {key.replace("__", "."): value for key, value in attributes.items()}
    return span(
        name,
        parent,
        start,
        end,
        trace=TRACE,
        kind="client",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            **values,
        },
        **more,
    )


def agent(end=10.0, **attributes):
    """The run's span."""
    return span(
        "r",
        None,
        0,
        end,
        trace=TRACE,
        attributes={"gen_ai.operation.name": "invoke_agent", **attributes},
    )


def tool(name="t", start=1.0, end=2.0, failure=None, **attributes):
    """A tool's span."""
    record = span(
        name,
        "r",
        start,
        end,
        trace=TRACE,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            **attributes,
        },
    )
    return finalize(record, failure)


def one(*records, **options):
    """The only log in *records*."""
    (log,) = letta.from_spans(records, **options)
    return log


COUNTS = st.integers(0, 2**53)


def maybe(strategy):
    return st.none() | strategy


def shape(records):
    """Tree, times, models, tokens, tools and errors."""
    keys = (
        "gen_ai.request.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.tool.name",
        "gen_ai.provider.name",
    )
    return sorted(
        (
            r.span_id,
            r.parent_id,
            r.trace_id,
            r.name,
            r.start_ns,
            r.end_ns,
            tuple(str(r.attributes.get(key)) for key in keys),
            tuple(e.attributes.get("exception.message") for e in r.events),
            r.attributes.get("error.type"),
        )
        for r in records
    )


def from_steps(*steps, **more):
    return letta.from_letta_steps(steps, **more)
