"""xpander.ai's event stream, field for field: see `tasks`.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import UNSAID, other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.xpander.threads import ToolCallRequestReasoning


@dataclass(frozen=True, slots=True)
class _ToolEvent:
    """What a tool's request and its result both say."""

    request_id: str
    operation_id: str
    tool_call_id: str | None = None
    graph_node_id: str | None = None
    tool_name: str | None = None
    payload: Any = None
    reasoning: ToolCallRequestReasoning | None = None
    plan_task_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ToolCallRequest(_ToolEvent):
    """A tool is asked for."""


@dataclass(frozen=True, slots=True)
class ToolCallResult(_ToolEvent):
    """A tool has answered the request of the same `request_id`."""

    result: Any = None
    is_error: bool = False
    approval_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TaskUpdateEvent:
    """Something that happened in a task.

    Args:
        type: a `TaskUpdateEventType`.
        time: ISO 8601.
        data: a `ToolCallRequest` or `ToolCallResult` where it is one, else JSON.
    """

    type: str
    task_id: str
    organization_id: str | None = field(default=None, metadata=UNSAID)
    time: str | None = field(default=None, metadata=UNSAID)
    data: Any = field(default=None, repr=False)
    identity: Mapping[str, Any] | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class EventStream:
    """The events of a task, in order; the container is ours."""

    events: tuple[TaskUpdateEvent, ...] = ()
    other: Mapping[str, Any] = other_keys()
