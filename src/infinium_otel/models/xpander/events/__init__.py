"""xpander.ai's event streams, and their conversion to and from spans."""

from __future__ import annotations

from infinium_otel.models.xpander.events.types import (
    EventStream,
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)

__all__ = [
    "EventStream",
    "TaskUpdateEvent",
    "ToolCallRequest",
    "ToolCallResult",
]
