"""xpander.ai's JSON to its records and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.documents import fill, load_each
from infinium_otel.models.xpander.enums import GATEWAY_ACTIONS
from infinium_otel.models.xpander.events.types import (
    EventStream,
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)
from infinium_otel.models.xpander.settings import (
    AgnoSettings,
    AgnoToolCallsCompressionSettings,
    ToolInvocationResult,
)
from infinium_otel.models.xpander.tasks import (
    AgentExecutionInput,
    Task,
    TaskReportRequest,
    Tokens,
    User,
)
from infinium_otel.models.xpander.threads import types as threads

if TYPE_CHECKING:
    from collections.abc import Callable

Document = threads.AgentActivityThread | EventStream
"""A run: its activity thread or its events."""


def user_of(value: Any) -> User | None:
    """A user; None for anything but a JSON object."""
    return fill(User, value) if isinstance(value, Mapping) else None


def reasoning_of(value: Any) -> threads.ToolCallRequestReasoning | None:
    """Why a tool was called; None for anything but a JSON object."""
    if not isinstance(value, Mapping):
        return None
    return fill(threads.ToolCallRequestReasoning, value)


def tokens_of(value: Any) -> Tokens | None:
    """Token counts without the total; None for anything but a JSON object."""
    if not isinstance(value, Mapping):
        return None
    return fill(Tokens, {k: value[k] for k in value if k != "total_tokens"})


def input_of(value: Any) -> AgentExecutionInput | None:
    """A task's input; a string is its text. None without text and files."""
    fields = {"text": value} if isinstance(value, str) else value
    try:
        return fill(AgentExecutionInput, fields, user=user_of)
    except InfiniumError:
        return None


def task_of(value: Any) -> Task:
    """A task from its JSON.

    Raises:
        InfiniumError: it is not a JSON object, or has no id.
    """
    return fill(Task, value, input=input_of, tokens=tokens_of)


def task_or_none(value: Any) -> Task | None:
    """A task; None for anything but a `Task` or a JSON object with an id."""
    if isinstance(value, Task):
        return value
    has_id = isinstance(value, Mapping) and isinstance(value.get("id"), str)
    return task_of(value) if has_id else None


def _load_content(value: Any) -> threads.AgentActivityThreadMessageContent | None:
    if isinstance(value, str):
        return threads.AgentActivityThreadMessageContent(value)
    if not isinstance(value, Mapping):
        return None
    return fill(threads.AgentActivityThreadMessageContent, value)


def entry_of(value: Any) -> threads.Entry:
    """An entry of a thread, whose class is recognized by its keys.

    An entry of unknown kind, or without a required key, becomes an
    `AgentActivityThreadOtherEntry`.
    """
    fields = value if isinstance(value, Mapping) else {"value": value}
    try:
        return entry_as(_find_class(fields), fields)
    except InfiniumError:
        return fill(threads.AgentActivityThreadOtherEntry, fields)


def entry_as(kind: type[Any], mapping: Mapping[str, Any]) -> threads.Entry:
    """An entry of one class from its JSON.

    Raises:
        InfiniumError: a required key is missing.
    """
    entry: threads.Entry = fill(kind, mapping, **_NESTED.get(kind, {}))
    return entry


def _find_class(fields: Mapping[str, Any]) -> type[Any]:
    return next((kind for kind, is_it in _SIGNS if is_it(fields)), _OTHER)


_OTHER = threads.AgentActivityThreadOtherEntry

_SIGNS: tuple[tuple[type[Any], Callable[[Mapping[str, Any]], bool]], ...] = (
    (threads.AgentActivityThreadMessage, lambda e: e.get("role") in ("user", "agent")),
    (threads.AgentActivityThreadToolCall, lambda e: "tool_name" in e),
    (
        threads.AgentActivityThreadReasoning,
        lambda e: e.get("type") in ("think", "analyze"),
    ),
    (threads.AgentActivityThreadAuth, lambda e: "type" in e and "data" in e),
    (
        threads.AgentActivityThreadGatewayDecision,
        lambda e: isinstance(e.get("action"), str) and e["action"] in GATEWAY_ACTIONS,
    ),
    (
        threads.AgentActivityThreadSubAgentTrigger,
        lambda e: "agent_id" in e and ("query" in e or "reasoning" in e),
    ),
)
"""How an entry's class is recognized: it has no tag, so the order matters."""


_NESTED: dict[type[Any], dict[str, Any]] = {
    threads.AgentActivityThreadMessage: {"content": _load_content, "user": user_of},
    threads.AgentActivityThreadToolCall: {"reasoning": reasoning_of},
    threads.AgentActivityThreadSubAgentTrigger: {"reasoning": reasoning_of},
}


def thread_of(value: Any) -> threads.AgentActivityThread:
    """A thread from its JSON.

    Raises:
        InfiniumError: it is not a JSON object, or has no id or time.
    """
    return fill(
        threads.AgentActivityThread,
        value,
        messages=load_each(entry_of),
        user=user_of,
        task=task_or_none,
    )


_TOOL_EVENTS: dict[str, type[Any]] = {
    "tool_call_request": ToolCallRequest,
    "tool_call_result": ToolCallResult,
}


_TASK_EVENTS = frozenset({"task_created", "task_updated", "task_finished"})
"""Types of events whose data is the task.

Source: xpander.ai's SDK types reference.
"""


def event_of(value: Any) -> TaskUpdateEvent:
    """An event from its JSON.

    Raises:
        InfiniumError: it is not a JSON object, or has no type or task id.
    """
    kind = value.get("type") if isinstance(value, Mapping) else None
    tool = _TOOL_EVENTS.get(kind) if isinstance(kind, str) else None

    def load_data(data: Any) -> Any:
        if kind in _TASK_EVENTS:
            return task_or_none(data) or data
        try:
            return fill(tool, data, reasoning=reasoning_of) if tool else data
        except InfiniumError:
            return data

    return fill(TaskUpdateEvent, value, data=load_data)


def result_of(value: Any) -> ToolInvocationResult:
    """The result of one tool call, in the reference's or the package's form.

    Raises:
        InfiniumError: it is not a JSON object.
    """
    return fill(ToolInvocationResult, value)


def agno_settings_of(value: Any) -> AgnoSettings:
    """Settings of Agno.

    Raises:
        InfiniumError: it is not a JSON object.
    """

    def load_compression(inner: Any) -> AgnoToolCallsCompressionSettings | None:
        has_any = isinstance(inner, Mapping)
        return fill(AgnoToolCallsCompressionSettings, inner) if has_any else None

    return fill(AgnoSettings, value, tool_calls_compression=load_compression)


def load(mapping: Any) -> Document:
    """A run from the JSON of an activity thread, of events, or of a task.

    Args:
        mapping: an `threads.AgentActivityThread`; `{"events": [...]}` or one
            `TaskUpdateEvent`; or a `Task`, which is a run without its steps.

    Raises:
        InfiniumError: it is not one of these.
    """
    if not isinstance(mapping, Mapping):
        raise InfiniumError("a thread must be a JSON object", field="messages")
    if isinstance(mapping.get("events"), list):
        return fill(EventStream, mapping, events=load_each(event_of))
    if "messages" in mapping:
        return thread_of(mapping)
    if "type" in mapping and "task_id" in mapping:
        return EventStream((event_of(mapping),))
    task = task_of(mapping)
    return threads.AgentActivityThread(task.id, task.created_at or "", (), task=task)


def dump(document: Any) -> dict[str, Any]:
    """A record as JSON under xpander's names, unknown keys included.

    Args:
        document: any record of this module.
    """
    document = documents.normalize_values(document)
    found = dict(documents.dump(document))
    if isinstance(document, threads.AgentActivityThread) and not document.otel:
        del found["otel"]
    if isinstance(document, TaskReportRequest | Task) and document.tokens:
        found["tokens"] = _with_total(document.tokens)
    return found


def _with_total(tokens: Tokens) -> dict[str, Any]:
    total = tokens.prompt_tokens + tokens.completion_tokens
    return {**documents.dump(tokens), "total_tokens": total}
