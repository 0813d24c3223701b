"""Spans made in a line each, and the tasks they become."""

from __future__ import annotations

from infinium_otel import spans_to_tasks
from infinium_otel.dialects import read
from infinium_otel.records import LogEvent, SpanEvent, SpanRecord
from support.spans import T0, TRACE, S, sid


def make_span(key, parent=None, attributes=None, *, start=0.0, end=None, **more):
    """The span *key* under *parent*; times in seconds, one second by default."""
    scope = more.pop("scope", "")
    end = start + 1 if end is None else end
    return SpanRecord(
        trace_id=more.pop("trace", TRACE),
        span_id=sid(key),
        parent_id=None if parent is None else sid(parent),
        name=more.pop("name", key),
        start_ns=T0 + round(start * S),
        end_ns=T0 + round(end * S),
        attributes=attributes or {},
        scope_name=scope,
        **more,
    )


def event(name, attributes=None, at=0.0) -> SpanEvent:
    return SpanEvent(name, T0 + round(at * S), attributes or {})


def exception_event(kind="ValueError", message="no city", stack=None) -> SpanEvent:
    """The event that `record_exception` adds."""
    stack = stack or f"Traceback (most recent call last):\n{kind}: {message}"
    return event(
        "exception",
        {
            "exception.type": kind,
            "exception.message": message,
            "exception.stacktrace": stack,
            "exception.escaped": "False",
        },
    )


def log_event(name, key, attributes=None, body=None) -> LogEvent:
    return LogEvent(TRACE, sid(key), name, T0, attributes or {}, body)


def chat(key="chat", parent=None, tokens=(10, 5), **more) -> SpanRecord:
    """A model call by the current conventions."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
    }
    if tokens:
        attributes |= {
            "gen_ai.usage.input_tokens": tokens[0],
            "gen_ai.usage.output_tokens": tokens[1],
        }
    return make_span(key, parent, attributes | more.pop("attributes", {}), **more)


def tool(key="tool", parent=None, tool="f", **more) -> SpanRecord:
    """A tool run by the current conventions."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
    return make_span(key, parent, attributes | more.pop("attributes", {}), **more)


def agent(key="agent", parent=None, name="helper", **more) -> SpanRecord:
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    return make_span(
        key, parent, attributes | more.pop("attributes", {}), **{"end": 10, **more}
    )


def task_of(*records, config=None):
    """The only task of *records*."""
    tasks = spans_to_tasks(records, config=config)
    assert len(tasks) == 1, [t.name for t in tasks]
    return tasks[0]


def calls_of(task):
    """The model calls of *task*, in order."""
    return [step.llm_call for step in task.steps or () if step.llm_call]


def tools_of(task):
    return [step.tool_call for step in task.steps or () if step.tool_call]


def tokens_of(task):
    """Prompt and completion tokens in all."""
    usage = task.llm_usage
    return (usage.prompt_tokens, usage.completion_tokens) if usage else None


def read_span(attributes=None, *, readers=(), **more):
    """Normalize one span with these attributes."""
    return read(make_span(more.pop("key", "s"), None, attributes, **more), readers)


def assert_fields(found, **expected):
    """Assert that *found* has these values, and show all that differ."""
    assert {name: getattr(found, name) for name in expected} == expected
