"""One partition: up to where it may be committed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.apps.consume.share import Share
from infinium_otel.config import Config
from support.spans import span, tid


@pytest.fixture
def share():
    return Share(Config(include="all"))


def test_nothing_read_is_nothing_to_commit(share):
    """A partition of which no message came is committed nowhere."""
    assert share.floor() is None


def test_what_has_left_is_needed_no_more(share):
    """Complete runs, and messages without a span, are behind the floor."""
    assert len(share.feed(7, [span("a", None)], 0.0)) == 1
    assert share.floor() == 8
    share.feed(8, [], 1.0)
    assert share.floor() == 9


def test_what_waits_holds_the_floor(share):
    """The first message of the oldest run that waits is still needed."""
    share.feed(3, [span("a", None)], 0.0)
    share.feed(4, [span("c", "b")], 1.0)
    share.feed(5, [span("d", None, trace=tid(2))], 2.0)
    assert share.floor() == 4
    share.feed(6, [span("f", "e", trace=tid(3))], 3.0)
    assert len(share.feed(7, [span("b", None)], 4.0)) == 1
    assert share.floor() == 6
    assert len(share.pipeline.due(603.0)) == 1
    assert share.floor() == 8


def test_offsets_are_remembered_coarsely(share):
    """Messages that come close together share a mark: the floor may be lower."""
    for offset in range(1000):
        share.feed(offset, [span("a", None, trace=tid(offset + 1))], offset / 1000)
        share.feed(offset, [span("b", "c", trace="f" * 32)], offset / 1000)
    assert len(share._marks) == 10
    assert share.floor() == 0


def test_a_run_that_goes_on_does_not_hide_a_newer_one(share):
    """Spans that come later for an old run do not move its first message."""
    share.feed(0, [span("b", "a")], 0.0)
    share.feed(1, [span("d", "c", trace=tid(2))], 1.0)
    share.feed(2, [span("e", "a")], 2.0)
    assert share.floor() == 0
    share.feed(3, [span("a", None)], 3.0)
    assert share.floor() == 1


SPANS = st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.floats(0, 3))


@given(st.lists(SPANS, max_size=40), st.sampled_from(["root", "trace"]))
def test_no_message_below_the_floor_is_needed(messages, task_per):
    """Whatever came in which order: each span that has not left is above the floor."""
    share = Share(Config(include="all", task_per=task_per, linger_s=2))
    seen, waiting, now_s = set(), {}, 0.0
    for offset, (number, name, pause_s) in enumerate(messages):
        now_s += pause_s
        record = span(name, None if name == "a" else "a", trace=tid(number))
        if (number, name) not in seen:
            waiting[record.trace_id, record.span_id] = offset
        seen.add((number, name))
        finished = [
            *share.pipeline.due(now_s),
            *share.feed(offset, [record], now_s),
        ]
        for task in finished:
            for span_id in task.span_ids:
                del waiting[task.trace_id, span_id]
        assert all(share.floor() <= needed for needed in waiting.values())
