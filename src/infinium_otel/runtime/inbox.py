"""What waits to be processed: started and ended spans, and log records, in order.

The application's threads append to the inbox, a deque, and do nothing else. Everything
that has a cost happens later, in the runner's own thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections import deque


UNREAD_BYTES = 8_192
"""About how much memory a span takes that nothing has read yet."""


STARTED: type[tuple[Any, ...]] = tuple
"""The type of what marks a span in the inbox that has started: `(span,)`, the SDK's span.

An ended span is there as itself. No class of our own, whose objects take six times as long
to make, and no ids, which are read later: the application's thread should not pay for it.
"""


class Unread(NamedTuple):
    """What is in the inbox.

    Args:
        spans: ended spans that are sampled.
        traces: traces these belong to.
    """

    spans: int = 0
    traces: int = 0


def count_unread(inbox: deque[Any]) -> Unread:
    """Count the ended spans in *inbox*, without processing any.

    Objects that are not spans are not counted: they are refused once they are read.
    """
    spans, traces = 0, set()
    for item in inbox.copy():
        trace_id = _get_trace_id(item)
        if trace_id is not None:
            spans += 1
            traces.add(trace_id)
    return Unread(spans, len(traces))


def _get_trace_id(item: Any) -> str | int | None:
    """The trace of an ended, sampled span; None for anything else."""
    if type(item) is STARTED:
        return None
    if hasattr(item, "end_ns"):  # a `SpanRecord`, whose module may not be loaded yet
        trace_id: str | int = item.trace_id
        return trace_id
    context = getattr(item, "context", None)
    if context is None or not hasattr(item, "end_time"):
        return None
    trace_id = context.trace_id
    return trace_id if context.trace_flags.sampled else None
