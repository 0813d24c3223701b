"""Send an xpander task's events through the OpenTelemetry pipeline as they arrive.

    pip install infinium-otel
    python examples/xpander_live.py

With xpander's SDK the events come from `task.aevents()`:

    async for event in task.aevents():
        handle(xpander.event_of(event.model_dump_safe()))

Here they are read from a recorded stream. A tool's span is sent with its result, the
run's own with the task's end; the code is the same for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel import register
from infinium_otel.exporter.replay import replay
from infinium_otel.models import xpander

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK_ID = "7d1f3c2e-9b52-4f0e-8a53-1f5d8c1f2a77"


def _event(type_: str, second: int, data: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "task_id": TASK_ID,
        "organization_id": "org-1",
        "time": f"2026-11-21T09:30:{second:02}Z",
        "data": data,
    }


def _task(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": TASK_ID,
        "agent_id": "support-agent",
        "organization_id": "org-1",
        "input": {"text": "Where is order 1815?"},
        "status": status,
        "created_at": "2026-11-21T09:30:00Z",
        "llm_model_provider": "openai",
        "llm_model_name": "gpt-4o",
        **more,
    }


CALL = {
    "request_id": "req-1",
    "operation_id": "find_order",
    "tool_call_id": "call_1",
    "tool_name": "find_order",
    "payload": {"order": 1815},
    "reasoning": {"title": "Find the order", "description": "The user names it."},
}
ANSWER = "Order 1815 left the warehouse this morning."
EVENTS = (
    _event("task_created", 0, _task("pending")),
    _event("tool_call_request", 2, CALL),
    _event("tool_call_result", 4, {**CALL, "result": {"state": "shipped"}}),
    _event("chunk", 5, "Order 1815 left"),
    _event(
        "task_finished",
        6,
        _task(
            "completed",
            result=ANSWER,
            finished_at="2026-11-21T09:30:06Z",
            tokens={"prompt_tokens": 640, "completion_tokens": 52},
        ),
    ),
)


def stream() -> Iterator[xpander.TaskUpdateEvent]:
    """The events of one task, in order."""
    return (xpander.event_of(event) for event in EVENTS)


def main(**settings: Any) -> bool:
    """Follow one task to its end, and deliver everything.

    Args:
        settings: arguments of `register`; the default is the environment.

    Returns:
        True if the run has been delivered.
    """
    provider = register(**settings)
    reader = xpander.EventReader()
    for event in stream():
        replay(reader.feed(event), provider)
    replay(reader.finish(), provider)
    return provider.force_flush()


if __name__ == "__main__":
    print("delivered" if main() else "not delivered")
