"""xpander.ai's activity threads and event streams to spans and back.

| what cannot be carried | to spans | from spans |
| --- | --- | --- |
| tokens and login addresses of `auth` entries, credentials of a task | removed | `data` says `[redacted]` |
| when a tool of a thread ended | zero length, `xpander.time_source` = `entry` | - |
| times | to the nanosecond, and as they were written | ISO, `Z` |
| model calls | none: a task has totals only | under `otel`, which xpander ignores |
| thoughts between tool calls | - | only with a `confidence`, which no span tells |
| keys xpander does not know | kept, but for credentials | kept: xpander ignores them |
| `created_at`, `agent_id`, `organization_id`, `input` of a task, where spans say none | - | left out |
| `llm_response` of a report | - | None |
| a task that has not ended | its span is marked `xpander.task.partial` | status `executing` |
| an event type xpander does not know | kept | kept; `push_list` refuses it |
| a trigger's `reasoning` | kept | empty |
| spans that are none of these, attributes outside `gen_ai.*` | - | only names, times and `gen_ai.*`, under `otel` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models.content import without_content
from infinium_otel.models.xpander.attributes import ANSWERS
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
from infinium_otel.models.xpander.events import (
    EventStream,
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)
from infinium_otel.models.xpander.events_from_spans import (
    to_task_events,
    to_task_report,
    to_tool_results,
)
from infinium_otel.models.xpander.events_to_spans import EventReader, from_events
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
from infinium_otel.models.xpander.thread_from_spans import (
    threads_from_spans as from_spans,
)
from infinium_otel.models.xpander.thread_to_spans import thread_to_spans
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
    ToolCallRequestReasoning,
)
from infinium_otel.models.xpander.words import (
    AgentActivityThreadReasoningType,
    AgentDeploymentType,
    AgentExecutionStatus,
    MCPOAuthResponseType,
    OutputFormat,
    TaskUpdateEventType,
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
        start_ns: where it begins if it says no time, ns since the epoch.
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
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
        InfiniumError: there is no run in them.
    """
    threads = from_spans(records, confidence=confidence)
    if not threads:
        raise InfiniumError("no spans, so no activity thread", field="records")
    return threads[0]


def push_list(events: Iterable[TaskUpdateEvent]) -> list[dict[str, Any]]:
    """The body of `POST /agent-execution/{task_id}/events/push`.

    Raises:
        InfiniumError: xpander would refuse an event: its type is unknown, or it has
            no organization or time.
    """
    known = {each.value for each in TaskUpdateEventType}
    found = [dump(event) for event in events]
    for event in found:
        if event["type"] not in known:
            raise InfiniumError(
                f"xpander knows no event {event['type']!r}", field="type"
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
        children: threads of called agents, whose `task.agent_id` tells which entry
            called them.
        start_ns: where it begins if it says no time, ns since the epoch.
        customer: pass the user's name and address on to Infinium; they are personal
            data.
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
    """
    spans = thread_to_spans(
        thread, children=children, start_ns=start_ns, customer=customer
    )
    return spans if capture_content else without_content(spans, ANSWERS)
