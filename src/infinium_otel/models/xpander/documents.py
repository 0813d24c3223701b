"""xpander.ai's JSON to its records and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.documents import fill, many
from infinium_otel.models.xpander.events import (
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
from infinium_otel.models.xpander.threads import (
    AgentActivityThread,
    AgentActivityThreadAuth,
    AgentActivityThreadGatewayDecision,
    AgentActivityThreadMessage,
    AgentActivityThreadMessageContent,
    AgentActivityThreadOtherEntry,
    AgentActivityThreadReasoning,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
    Entry,
    ToolCallRequestReasoning,
)
from infinium_otel.models.xpander.words import GATEWAY_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

Document = AgentActivityThread | EventStream
"""A run, as its activity log or as its events tell it."""


def user_of(value: Any) -> User | None:
    """A user; None for what is no JSON object."""
    return fill(User, value) if isinstance(value, Mapping) else None


def reasoning_of(value: Any) -> ToolCallRequestReasoning | None:
    """Why a tool was called; None for what is no JSON object."""
    if not isinstance(value, Mapping):
        return None
    return fill(ToolCallRequestReasoning, value)


def tokens_of(value: Any) -> Tokens | None:
    """Token counts without the total; None for what is no JSON object."""
    if not isinstance(value, Mapping):
        return None
    return fill(Tokens, {k: value[k] for k in value if k != "total_tokens"})


def input_of(value: Any) -> AgentExecutionInput | None:
    """What a task was asked; a text stands for itself."""
    if isinstance(value, str):
        return AgentExecutionInput(value)
    if not isinstance(value, Mapping):
        return None
    return fill(AgentExecutionInput, value, user=user_of)


def task_of(value: Any) -> Task:
    """A task from its JSON.

    Raises:
        InfiniumError: no JSON object, or without an id.
    """
    return fill(Task, value, input=input_of, tokens=tokens_of)


def task_or_none(value: Any) -> Task | None:
    """A task; None for what is no JSON object with an id."""
    has_id = isinstance(value, Mapping) and isinstance(value.get("id"), str)
    return task_of(value) if has_id else None


def _content_of(value: Any) -> AgentActivityThreadMessageContent | None:
    if isinstance(value, str):
        return AgentActivityThreadMessageContent(value)
    if not isinstance(value, Mapping):
        return None
    return fill(AgentActivityThreadMessageContent, value)


def entry_of(value: Any) -> Entry:
    """An entry of a thread, told by what it holds.

    An entry of no kind that is known, or without what its kind requires, is kept
    whole.
    """
    said = value if isinstance(value, Mapping) else {"value": value}
    try:
        return entry_as(_kind_of(said), said)
    except InfiniumError:
        return fill(AgentActivityThreadOtherEntry, said)


def entry_as(kind: type[Any], mapping: Mapping[str, Any]) -> Entry:
    """An entry of one class from its JSON.

    Raises:
        InfiniumError: what the class requires is missing.
    """
    entry: Entry = fill(kind, mapping, **_NESTED.get(kind, {}))
    return entry


def _kind_of(said: Mapping[str, Any]) -> type[Any]:
    return next((kind for kind, is_it in _SIGNS if is_it(said)), _OTHER)


_OTHER = AgentActivityThreadOtherEntry

_SIGNS: tuple[tuple[type[Any], Callable[[Mapping[str, Any]], bool]], ...] = (
    (AgentActivityThreadMessage, lambda e: e.get("role") in ("user", "agent")),
    (AgentActivityThreadToolCall, lambda e: "tool_name" in e),
    (AgentActivityThreadReasoning, lambda e: e.get("type") in ("think", "analyze")),
    (AgentActivityThreadAuth, lambda e: "type" in e and "data" in e),
    (
        AgentActivityThreadGatewayDecision,
        lambda e: isinstance(e.get("action"), str) and e["action"] in GATEWAY_ACTIONS,
    ),
    (
        AgentActivityThreadSubAgentTrigger,
        lambda e: "agent_id" in e and ("query" in e or "reasoning" in e),
    ),
)
"""What tells an entry's class: it has no tag, so the order of the questions matters."""


_NESTED: dict[type[Any], dict[str, Any]] = {
    AgentActivityThreadMessage: {"content": _content_of, "user": user_of},
    AgentActivityThreadToolCall: {"reasoning": reasoning_of},
    AgentActivityThreadSubAgentTrigger: {"reasoning": reasoning_of},
}


def thread_of(value: Any) -> AgentActivityThread:
    """A thread from its JSON.

    Raises:
        InfiniumError: no JSON object, or without id or time.
    """
    return fill(
        AgentActivityThread,
        value,
        messages=many(entry_of),
        user=user_of,
        task=task_or_none,
    )


_TOOL_EVENTS: dict[str, type[Any]] = {
    "tool_call_request": ToolCallRequest,
    "tool_call_result": ToolCallResult,
}


def event_of(value: Any) -> TaskUpdateEvent:
    """An event from its JSON.

    Raises:
        InfiniumError: no JSON object, or without type or task id.
    """
    kind = value.get("type") if isinstance(value, Mapping) else None
    tool = _TOOL_EVENTS.get(kind) if isinstance(kind, str) else None

    def data_of(data: Any) -> Any:
        try:
            return fill(tool, data, reasoning=reasoning_of) if tool else data
        except InfiniumError:
            return data

    return fill(TaskUpdateEvent, value, data=data_of)


def result_of(value: Any) -> ToolInvocationResult:
    """What calling one tool gave, in either form.

    Raises:
        InfiniumError: no JSON object.
    """
    return fill(ToolInvocationResult, value)


def agno_settings_of(value: Any) -> AgnoSettings:
    """Settings of Agno.

    Raises:
        InfiniumError: no JSON object.
    """

    def compression_of(inner: Any) -> AgnoToolCallsCompressionSettings | None:
        has_any = isinstance(inner, Mapping)
        return fill(AgnoToolCallsCompressionSettings, inner) if has_any else None

    return fill(AgnoSettings, value, tool_calls_compression=compression_of)


def load(mapping: Any) -> Document:
    """A run from the JSON of an activity thread, of events, or of a task.

    Args:
        mapping: an `AgentActivityThread`; `{"events": [...]}` or one
            `TaskUpdateEvent`; or a `Task`, which tells of a run without its steps.

    Raises:
        InfiniumError: it is none of these.
    """
    if not isinstance(mapping, Mapping):
        raise InfiniumError("a thread must be a JSON object", field="messages")
    if isinstance(mapping.get("events"), list):
        return fill(EventStream, mapping, events=many(event_of))
    if "messages" in mapping:
        return thread_of(mapping)
    if "type" in mapping and "task_id" in mapping:
        return EventStream((event_of(mapping),))
    task = task_of(mapping)
    return AgentActivityThread(task.id, task.created_at or "", task=task)


def dump(document: Any) -> dict[str, Any]:
    """A record as JSON under xpander's names, unknown keys included.

    Args:
        document: any record of this module.
    """
    found = dict(documents.dump(document))
    if isinstance(document, AgentActivityThread) and not document.otel:
        del found["otel"]
    if isinstance(document, TaskReportRequest | Task) and document.tokens:
        found["tokens"] = _with_total(document.tokens)
    return found


def _with_total(tokens: Tokens) -> dict[str, Any]:
    total = tokens.prompt_tokens + tokens.completion_tokens
    return {**documents.dump(tokens), "total_tokens": total}
