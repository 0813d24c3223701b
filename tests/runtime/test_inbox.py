"""What waits to be processed is counted without processing it."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

import pytest

from infinium_otel.runtime.inbox import Unread, count_unread
from support.spans import log, span, tid


def sdk_span(trace=1, *, sampled=True):
    """An ended span in the SDK's shape."""
    flags = SimpleNamespace(sampled=sampled)
    return SimpleNamespace(
        context=SimpleNamespace(trace_id=trace, trace_flags=flags), end_time=2
    )


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], Unread(), id="empty"),
        pytest.param([span("a"), span("b")], Unread(2, 1), id="one-trace"),
        pytest.param([span("a"), span("a", trace=tid(2))], Unread(2, 2), id="two"),
        pytest.param([sdk_span(1), sdk_span(1), sdk_span(2)], Unread(3, 2), id="sdk"),
        pytest.param([sdk_span(sampled=False)], Unread(), id="unsampled"),
        pytest.param([(sdk_span(),)], Unread(), id="started"),
        pytest.param([log("x", "a")], Unread(), id="log"),
        pytest.param([7, SimpleNamespace(context=None)], Unread(), id="not-a-span"),
    ],
)
def test_only_ended_sampled_spans_are_counted(items, expected):
    """Starts, logs, unsampled spans and other objects do not count."""
    inbox = deque(items)
    assert count_unread(inbox) == expected
    assert list(inbox) == items
