"""xpander.ai's activity threads and event streams to spans and back.

| not converted | to spans | from spans |
| --- | --- | --- |
| tokens and login URLs of `auth` entries, credentials of a task | removed | `data` is `[redacted]` |
| the end of a tool of a thread | zero length, `xpander.time_source` = `entry` | - |
| times | to the nanosecond, and as they were written | ISO, `Z` |
| model calls | none: a task has totals only | under `otel`, which xpander ignores |
| thoughts between tool calls | - | only with a `confidence`, which spans do not contain |
| keys unknown to xpander | kept, except credentials | kept: xpander ignores them |
| `created_at`, `agent_id`, `organization_id`, `input` of a task, where spans have none | - | omitted |
| `llm_response` of a report | - | None |
| a task that has not ended | its span is marked `xpander.task.partial` | status `executing` |
| an event type unknown to xpander | kept | kept; `push_list` rejects it |
| a trigger's `reasoning` | kept | empty |
| spans that are none of these, attributes outside `gen_ai.*` | - | only names, times and `gen_ai.*`, under `otel` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models.content import remove_content
from infinium_otel.models.documents import normalize_values
from infinium_otel.models.xpander.attributes import RESULT_ERROR_TYPES
from infinium_otel.models.xpander.documents import (
    Document,
    agno_settings_of,
    dump,
    entry_of,
    event_of,
    load,
    result_of,
    task_of,
    thread_of,
)
from infinium_otel.models.xpander.enums import (
    AgentActivityThreadReasoningType,
    AgentDeploymentType,
    AgentExecutionStatus,
    MCPOAuthResponseType,
    OutputFormat,
    TaskUpdateEventType,
)
from infinium_otel.models.xpander.events._from_spans import (
    to_task_events,
    to_task_report,
    to_tool_results,
)
from infinium_otel.models.xpander.events._to_spans import EventReader, from_events
from infinium_otel.models.xpander.events.types import (
    EventStream,
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)
from infinium_otel.models.xpander.settings import (
    AgnoSettings,
    AgnoToolCallsCompressionSettings,
    KnowledgeBaseDocumentItem,
    KnowledgeBaseSearchResult,
    ToolInvocationResult,
)
from infinium_otel.models.xpander.tasks import (
    AgentExecutionInput,
    Task,
    TaskReportRequest,
    Tokens,
    User,
)
from infinium_otel.models.xpander.threads import _to_spans as thread_writer
from infinium_otel.models.xpander.threads._from_spans import from_spans
from infinium_otel.models.xpander.threads.types import (
    AgentActivityThread,
    AgentActivityThreadAuth,
    AgentActivityThreadGatewayDecision,
    AgentActivityThreadMessage,
    AgentActivityThreadMessageContent,
    AgentActivityThreadOtherEntry,
    AgentActivityThreadReasoning,
    AgentActivityThreadSubAgentTrigger,
    AgentActivityThreadToolCall,
    ToolCallRequestReasoning,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord

__all__ = [
    "AgentActivityThread",
    "AgentActivityThreadAuth",
    "AgentActivityThreadGatewayDecision",
    "AgentActivityThreadMessage",
    "AgentActivityThreadMessageContent",
    "AgentActivityThreadOtherEntry",
    "AgentActivityThreadReasoning",
    "AgentActivityThreadReasoningType",
    "AgentActivityThreadSubAgentTrigger",
    "AgentActivityThreadToolCall",
    "AgentDeploymentType",
    "AgentExecutionInput",
    "AgentExecutionStatus",
    "AgnoSettings",
    "AgnoToolCallsCompressionSettings",
    "Document",
    "EventReader",
    "EventStream",
    "KnowledgeBaseDocumentItem",
    "KnowledgeBaseSearchResult",
    "MCPOAuthResponseType",
    "OutputFormat",
    "Task",
    "TaskReportRequest",
    "TaskUpdateEvent",
    "TaskUpdateEventType",
    "Tokens",
    "ToolCallRequest",
    "ToolCallRequestReasoning",
    "ToolCallResult",
    "ToolInvocationResult",
    "User",
    "agno_settings_of",
    "dump",
    "entry_of",
    "event_of",
    "from_activity_thread",
    "from_events",
    "from_spans",
    "load",
    "push_list",
    "result_of",
    "task_of",
    "thread_of",
    "to_activity_thread",
    "to_spans",
    "to_task_events",
    "to_task_report",
    "to_tool_results",
]


def to_spans(
    document: Document, *, start_ns: int = 0, capture_content: bool = True
) -> list[SpanRecord]:
    """The spans of one run.

    Args:
        document: its activity thread, or its events.
        start_ns: start of the run if the document has no times, ns since the epoch.
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """
    if isinstance(document, EventStream):
        return from_events(
            document.events, start_ns=start_ns, capture_content=capture_content
        )
    return from_activity_thread(
        document, start_ns=start_ns, capture_content=capture_content
    )


def to_activity_thread(
    records: Iterable[SpanRecord | LogEvent], *, confidence: float | None = None
) -> AgentActivityThread:
    """The activity thread of the first run in *records*.

    Args:
        confidence: as in `from_spans`.

    Raises:
        InfiniumError: *records* contain no run.
    """
    threads = from_spans(records, confidence=confidence)
    if not threads:
        raise InfiniumError("no spans, so no activity thread", field="records")
    return threads[0]


def push_list(events: Iterable[TaskUpdateEvent]) -> list[dict[str, Any]]:
    """The body of `POST /agent-execution/{task_id}/events/push`.

    Raises:
        InfiniumError: xpander would reject an event: its type is unknown, or it has no
            organization or time.
    """
    known = {each.value for each in TaskUpdateEventType}
    found = [dump(event) for event in events]
    for event in found:
        if event["type"] not in known:
            raise InfiniumError(
                f"unknown xpander event type {event['type']!r}", field="type"
            )
        for name in ("organization_id", "time"):
            if name not in event:
                raise InfiniumError(f"an event to push has no {name}", field=name)
    return found


def from_activity_thread(
    thread: AgentActivityThread,
    *,
    children: Iterable[AgentActivityThread] = (),
    start_ns: int = 0,
    customer: bool = False,
    capture_content: bool = True,
) -> list[SpanRecord]:
    """The spans of a thread and of the agents it called, its root first.

    Args:
        children: threads of called agents; each belongs to the entry that calls its
            `task.agent_id`.
        start_ns: start of the run if the thread has no times, ns since the epoch.
        customer: send the user's name and email address to Infinium; they are
            personal data.
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """
    spans = thread_writer.to_spans(
        normalize_values(thread),
        children=[normalize_values(child) for child in children],
        start_ns=start_ns,
        customer=customer,
    )
    return spans if capture_content else remove_content(spans, RESULT_ERROR_TYPES)
