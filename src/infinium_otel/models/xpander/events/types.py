"""xpander.ai's event stream, field for field: see `tasks`.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import OMIT_NULL, other_keys, when_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.xpander.threads.types import ToolCallRequestReasoning


_NONE_IF_MISSING = when_missing(lambda: None)


@dataclass(frozen=True, slots=True)
class _ToolEvent:
    """The fields that a tool's request and its result share."""

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
    """A tool is called."""


@dataclass(frozen=True, slots=True)
class ToolCallResult(_ToolEvent):
    """A tool has returned; its request has the same `request_id`."""

    result: Any = None
    is_error: bool = False
    approval_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TaskUpdateEvent:
    """Something that happened in a task.

    Args:
        type: a `TaskUpdateEventType`.
        organization_id: None where it is unknown; `push_list` then rejects the event.
        time: ISO 8601; None where it is unknown, as above.
        data: a `Task`, `ToolCallRequest` or `ToolCallResult`, or any JSON.
    """

    type: str
    task_id: str
    organization_id: str | None = field(metadata=OMIT_NULL | _NONE_IF_MISSING)
    time: str | None = field(metadata=OMIT_NULL | _NONE_IF_MISSING)
    data: Any = field(repr=False, metadata=_NONE_IF_MISSING)
    identity: Mapping[str, Any] | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class EventStream:
    """The events of a task, in order; this container is ours."""

    events: tuple[TaskUpdateEvent, ...] = ()
    other: Mapping[str, Any] = other_keys()
