"""When traces are emitted, with what, and what is counted."""

from __future__ import annotations

import random

import pytest

from infinium_otel.assembly import Assembler, link_joiner
from infinium_otel.assembly.emitted_traces import MAX_TASKS_PER_TRACE, EmittedTraces
from infinium_otel.config import Config
from infinium_otel.records import SpanStart
from support.spans import TRACE, log, sid, span, tid


def assembler(**settings):
    return Assembler(Config(**settings))


def start(machine, name, parent=None, *, now_s=0.0, trace=TRACE, remote=False):  # noqa: PLR0913 - as many as a start has
    machine.on_start(SpanStart(trace, sid(name), parent and sid(parent), remote), now_s)


def shape(trace):
    names = "".join(record.name for record in trace.records)
    return names, trace.complete, trace.part


def conserved(machine):
    return machine.received == (
        machine.emitted_spans + machine.open_spans + machine.refused.total()
    )


def test_root_in_the_batch_completes_its_trace():
    """Without starts, a trace is emitted once the batch with its root is read."""
    machine = assembler()
    assert machine.feed([span("b", "a", 1)], 0.0) == []
    [trace] = machine.feed([span("a", None, 0, 9), span("c", "a", 2)], 1.0)
    assert shape(trace) == ("abc", True, 0)
    assert trace.root_id == sid("a")
    assert machine.open_traces == machine.open_spans == 0
    assert machine.next_due() is None


def test_known_open_spans_hold_the_trace():
    """With starts, a trace is emitted exactly when its last span has ended."""
    machine = assembler()
    start(machine, "a")
    start(machine, "b", "a")
    assert machine.feed([span("a", None, 0, 2)], 1.0) == []
    assert machine.next_due() == 31.0
    [trace] = machine.feed([span("b", "a", 1, 4)], 2.0)
    assert shape(trace) == ("ab", True, 0)


def test_linger_ends_the_wait_for_a_child():
    """An ended root waits for a running child no longer than linger_s."""
    machine = assembler(linger_s=5)
    for name, parent in (("a", None), ("b", "a"), ("c", "a")):
        start(machine, name, parent)
    assert machine.feed([span("a", None, 0, 2)], 1.0) == []
    assert machine.feed([span("c", "a", 1)], 3.0) == []
    assert machine.due(5.9) == []
    [trace] = machine.due(6.0)
    assert shape(trace) == ("ac", False, 0)
    [late] = machine.feed([span("b", "a", 1, 60)], 60.0)
    assert shape(late) == ("b", True, 1)
    assert late.key == f"{TRACE}-{sid('a')}-1"


def test_another_root_of_the_trace_stays_when_the_first_lingered():
    """Spans of a root that still runs are not emitted with another root's task."""
    machine = assembler(linger_s=5)
    start(machine, "a")
    start(machine, "x", "up", remote=True)
    start(machine, "y", "x")
    machine.feed([span("a", None, 0, 2), span("y", "x", 1, 2)], 0.0)
    [trace] = machine.due(5.0)
    assert shape(trace) == ("a", True, 0)
    assert machine.open_spans == 1
    root = span("x", "up", 0, 20, parent_is_remote=True)
    [other] = machine.feed([root], 6.0)
    assert shape(other) == ("xy", True, 0)
    assert conserved(machine)


def test_late_spans_are_emitted_as_parts():
    """Late spans are never dropped: those of a moment are emitted together, numbered."""
    machine = assembler()
    machine.feed([span("a", None, 0, 2)], 0.0)
    assert machine.feed([span("b", "a", 1)], 1.0) == []
    assert machine.feed([span("c", "b", 1)], 1.5) == []
    [part] = machine.due(machine.next_due())
    assert shape(part) == ("bc", True, 1)
    machine.feed([span("d", "c", 1)], 3.0)
    [part] = machine.flush(3.0)
    assert shape(part) == ("d", True, 2)
    assert part.root_id == sid("a")


def test_late_span_of_unknown_parent_continues_the_last_task():
    """An orphan that comes late belongs to the trace's root, marked incomplete."""
    machine = assembler()
    machine.feed([span("a", None, 0, 2)], 0.0)
    machine.feed([span("z", "unseen", 1)], 1.0)
    [part] = machine.due(2.0)
    assert shape(part) == ("z", False, 1)


def test_root_after_an_early_part_continues_it():
    """A trace emitted before its root continues under the same key when the root comes."""
    machine = assembler(trace_timeout_s=10)
    machine.feed([span("b", "a", 1)], 0.0)
    assert machine.next_due() == 10.0
    [early] = machine.due(10.0)
    assert shape(early) == ("b", False, 0)
    assert early.root_id == sid("b")
    [rest] = machine.feed([span("a", None, 0, 20)], 20.0)
    assert shape(rest) == ("a", True, 1)
    assert rest.root_id == sid("b")


def test_early_part_of_a_running_root_has_its_id():
    """A running root gives its id to what is emitted before it."""
    machine = assembler(trace_timeout_s=10)
    start(machine, "a")
    start(machine, "b", "a")
    machine.feed([span("b", "a", 1)], 1.0)
    [early] = machine.due(11.0)
    assert shape(early) == ("b", False, 0)
    assert early.root_id == sid("a")
    [rest] = machine.feed([span("a", None, 0, 20)], 20.0)
    assert (shape(rest), rest.root_id) == (("a", True, 1), sid("a"))


def test_a_trace_that_never_ends_is_forgotten():
    """Of a trace in which nothing ends nothing is kept after the timeout."""
    machine = assembler(trace_timeout_s=10)
    start(machine, "a")
    assert machine.due(10.0) == []
    assert machine.open_traces == 0
    assert machine.next_due() is None


def test_activity_puts_the_timeout_off():
    """trace_timeout_s counts from the last span that started or ended."""
    machine = assembler(trace_timeout_s=10)
    machine.feed([span("b", "a", 1)], 0.0)
    start(machine, "c", "a", now_s=8.0)
    assert machine.due(10.0) == []
    assert machine.next_due() == 18.0


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        pytest.param({"max_open_traces": 3}, 3, id="traces"),
        pytest.param({"max_open_spans": 5}, 5, id="spans"),
        pytest.param({"max_open_bytes": 4_500}, 5, id="bytes"),
    ],
)
def test_beyond_a_bound_the_oldest_trace_is_emitted_early(settings, kept):
    """Beyond a bound the trace that was quiet longest is emitted, marked incomplete."""
    machine = assembler(**settings)
    left = []
    for number in range(1, 11):
        left += machine.feed([span(f"b{number}", "a", trace=tid(number))], number)
    assert machine.open_traces == kept
    assert [trace.trace_id for trace in left] == [tid(n) for n in range(1, 11 - kept)]
    assert not any(trace.complete for trace in left)
    assert conserved(machine)


@pytest.mark.slow
def test_traces_that_never_end_are_bounded():
    """20,000 traces that never end stay within the bounds, and all are counted."""
    machine = assembler(max_open_traces=100)
    left = []
    for number in range(1, 20_001):
        start(machine, "r", trace=tid(number), now_s=number)
        start(machine, "c", "r", trace=tid(number), now_s=number)
        left += machine.feed([span("c", "r", trace=tid(number))], number)
    assert machine.open_traces == 100
    assert len(left) == 19_900
    assert conserved(machine)
    machine.flush(1.0)
    assert machine.open_spans == 0


def test_flush_keeps_what_runs():
    """A flush emits what has ended and keeps what runs."""
    machine = assembler()
    start(machine, "a")
    start(machine, "b", "a")
    machine.feed([span("b", "a", 1)], 0.0)
    [early] = machine.flush(1.0)
    assert shape(early) == ("b", False, 0)
    start(machine, "c", "a", now_s=2.0)
    assert machine.feed([span("c", "a", 2)], 3.0) == []
    [rest] = machine.feed([span("a", None, 0, 4)], 4.0)
    assert shape(rest) == ("ac", True, 1)
    assert machine.flush(60) == []


def test_flush_with_nothing_ended_changes_nothing():
    """A flush between a start and an end does not disturb the trace."""
    machine = assembler()
    start(machine, "a")
    assert machine.flush(60) == []
    start(machine, "b", "a")
    machine.feed([span("a", None, 0, 2)], 2.0)
    [trace] = machine.feed([span("b", "a", 1)], 3.0)
    assert shape(trace) == ("ab", True, 0)


def test_long_trace_is_emitted_in_parts():
    """A trace of more than max_spans_per_trace spans is emitted in parts of that size."""
    machine = assembler(max_spans_per_trace=4)
    batch = [span(i, "a", i) for i in range(1, 10)] + [span("a", None, 0, 20)]
    random.Random(1).shuffle(batch)
    parts = machine.feed(batch, 0.0)
    assert [shape(part) for part in parts] == [
        ("a123", True, 0),
        ("4567", True, 1),
        ("89", True, 2),
    ]
    assert len({part.key for part in parts}) == 3


def test_long_trace_without_root_is_emitted_early():
    """A root that never ends does not let its trace grow past max_spans_per_trace."""
    machine = assembler(max_spans_per_trace=4)
    left = []
    for number in range(1, 11):
        left += machine.feed([span(number, "a", number)], number)
    assert [len(trace.records) for trace in left][:2] == [4, 1]
    assert machine.open_spans <= 5
    assert conserved(machine)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(span(0), "invalid_id", id="zero-span-id"),
        pytest.param(span("a", trace="0" * 32), "invalid_id", id="zero-trace-id"),
        pytest.param(span("a", trace=""), "invalid_id", id="no-trace-id"),
        pytest.param(span("r"), "duplicate", id="duplicate"),
    ],
)
def test_refused_spans(bad, reason):
    """A span without ids and a span that was there already are counted, not sent."""
    machine = assembler()
    machine.feed([span("r"), bad], 0.0)
    machine.feed([bad], 1.0)
    assert machine.refused == {reason: 2}
    assert machine.open_traces == 0
    assert conserved(machine)


def test_duplicates_of_an_open_trace():
    """A span received twice before its trace is emitted counts once."""
    machine = assembler()
    machine.feed([span("b", "a"), span("b", "a")], 0.0)
    [trace] = machine.feed([span("b", "a"), span("a")], 0.0)
    assert shape(trace) == ("ab", True, 0)
    assert machine.refused == {"duplicate": 2}


def test_duplicate_start():
    """A start reported twice is one start."""
    machine = assembler()
    start(machine, "a")
    start(machine, "a")
    [trace] = machine.feed([span("a")], 0.0)
    assert shape(trace) == ("a", True, 0)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([span("a", "a")], [("a", True)], id="self-parent"),
        pytest.param([span("a", 0)], [("a", True)], id="zero-parent"),
        pytest.param([span("a", "b"), span("b", "a")], [("ab", False)], id="cycle"),
        pytest.param(
            [span("r", None, 0, 9), span("a", "b", 1), span("b", "c"), span("c", "a")],
            [("rbac", False)],
            id="cycle-beside-a-root",
        ),
        pytest.param([span("b", "a")], [("b", False)], id="orphan"),
        pytest.param(
            [span("r", None, 0, 5), span("b", "lost", 1)], [("rb", False)], id="hole"
        ),
        pytest.param(
            [span("r", None, 3, 5), span("b", "r", 1)], [("rb", True)], id="clock-skew"
        ),
        pytest.param(
            [span("r", None, 3, 5), span("b", "lost", 1)],
            [("br", False)],
            id="orphan-before-root",
        ),
        pytest.param(
            [span("r", None, 5, 3), span("b", "r", 4, 4)],
            [("rb", True)],
            id="end-before-start",
        ),
        pytest.param(
            [span("a", None, 0, 5), span("b", None, 4, 9)],
            [("ab", True)],
            id="roots-that-overlap",
        ),
        pytest.param(
            [span("a", None, 0, 5), span("b", None, 5, 9), span("c", "lost", 6)],
            [("a", True), ("bc", False)],
            id="roots-one-after-the-other",
        ),
        pytest.param(
            [span("a", "up", 0, 5, parent_is_remote=True)],
            [("a", True)],
            id="remote-parent",
        ),
        pytest.param(
            [
                span("a", None, 0, 5),
                span("b", "a", 6, 7, parent_is_remote=True),
            ],
            [("ab", True)],
            id="remote-parent-that-is-here",
        ),
        pytest.param(
            [span("x", "lost", 0), span("y", "lost", 5), span("z", "y", 6)],
            [("xyz", False)],
            id="no-root-at-all",
        ),
    ],
)
def test_what_becomes_one_task(spans, expected):
    """Groups, order and completeness depend on the spans, not on how they come."""
    for seed in range(6):
        batch = spans * 2
        random.Random(seed).shuffle(batch)
        machine = assembler()
        left = [*machine.feed(batch, 0.0), *machine.flush(0.0)]
        left.sort(key=lambda trace: trace.records[0].start_ns)
        assert [shape(trace)[:2] for trace in left] == expected
        assert conserved(machine)


def test_parents_come_before_children_in_a_long_chain():
    """Order needs no recursion: a chain of 5,000 spans, each before its parent."""
    chain = [span(i, i - 1 if i > 1 else None, 5_000 - i) for i in range(1, 5_001)]
    [trace] = assembler().feed(chain, 0.0)
    assert [record.span_id for record in trace.records] == [
        sid(i) for i in range(1, 5_001)
    ]


class TestWholeTraces:
    """task_per=trace: one task per trace id, by its true root."""

    def test_waits_for_quiet(self):
        """After the true root a trace stays until it was quiet for five seconds."""
        machine = assembler(task_per="trace")
        machine.feed([span("a", None, 0, 9)], 0.0)
        assert machine.next_due() == 5.0
        remote = span("b", "a", 1, 3, parent_is_remote=True)
        assert machine.feed([remote], 3.0) == []
        assert machine.due(5.0) == []
        assert machine.next_due() == 8.0
        [trace] = machine.due(8.0)
        assert shape(trace) == ("ab", True, 0)

    def test_local_root_waits_for_the_true_one(self):
        """A root with a parent elsewhere waits linger_s for that parent."""
        machine = assembler(task_per="trace", linger_s=20)
        remote = span("b", "a", 1, 3, parent_is_remote=True)
        machine.feed([remote], 0.0)
        [trace] = machine.due(20.0)
        assert (shape(trace), trace.root_id) == (("b", True, 0), sid("b"))

    def test_roots_one_after_the_other_are_one_task(self):
        """The whole trace is one task, its root the one without a parent."""
        machine = assembler(task_per="trace", linger_s=0)
        batch = [
            span("x", "lost", 0, 1, parent_is_remote=True),
            span("a", None, 5, 6),
        ]
        [trace] = machine.feed(batch, 0.0)
        assert (shape(trace), trace.root_id) == (("xa", False, 0), sid("a"))
        [late] = [*machine.feed([span("z", None, 9)], 1.0), *machine.flush(1.0)]
        assert (shape(late), late.root_id) == (("z", True, 1), sid("a"))


class TestOpenSince:
    """The time of the oldest span that waits: what came before it is done with."""

    def test_it_is_that_of_the_first_span(self):
        """A trace's later spans do not change it; with the trace it goes."""
        machine = assembler()
        assert machine.open_since is None
        machine.feed([span("b", "a")], 3.0)
        machine.feed([span("c", "a")], 4.0)
        machine.feed([span("e", "d", trace=tid(2))], 5.0)
        assert machine.open_since == 3.0
        machine.feed([span("a", None)], 6.0)
        assert machine.open_since == 5.0
        machine.flush(7.0)
        assert machine.open_since is None

    def test_a_span_that_only_runs_does_not_count(self):
        """Nothing of it has come in yet; what waits for it has."""
        machine = assembler()
        start(machine, "a", now_s=1.0)
        assert machine.open_since is None
        machine.feed([span("b", "a")], 2.0)
        assert machine.open_since == 2.0

    def test_what_is_held_back_keeps_its_time(self):
        """A tree whose root still runs keeps waiting when the rest of its trace is emitted."""
        machine = assembler(linger_s=5)
        start(machine, "a", now_s=0.0)
        machine.feed([span("b", "a")], 1.0)
        machine.feed([span("c", None)], 2.0)
        assert [shape(trace) for trace in machine.due(7.0)] == [("c", True, 0)]
        assert machine.open_since == 1.0

    def test_a_trace_that_joins_another_keeps_its_time(self):
        """The older of both counts."""
        machine = assembler(task_per="trace")
        machine.feed([span("d", "c", 1, 2, trace=tid(2))], 1.0)
        machine.feed([span("b", "a", 0, 5)], 2.0)
        link = span("c", None, 1, 2, tid(2), links=[(TRACE, "b")])
        machine.feed([link], 3.0)
        assert machine.open_traces == 1
        assert machine.open_since == 1.0


class TestLinks:
    """A parentless span with a link into a live trace joins that trace."""

    def batch(self, start_s=1.0):
        main = [span("b", "a", 1, 2), span("a", None, 0, 5)]
        linked = [
            span("d", "c", start_s, start_s + 1, trace=tid(2)),
            span("c", None, start_s, start_s + 1, tid(2), links=[(TRACE, "b")]),
        ]
        return main + linked

    def test_joins(self):
        """It becomes a child of the span that it links to."""
        for seed in range(8):
            batch = self.batch()
            random.Random(seed).shuffle(batch)
            [trace] = assembler().feed(batch, 0.0)
            assert shape(trace) == ("abcd", True, 0)
            assert trace.trace_id == TRACE
            assert trace.records[2].parent_id == sid("b")

    @pytest.mark.parametrize(
        "batch",
        [
            pytest.param(lambda self: self.batch(start_s=9), id="after-it-ended"),
            pytest.param(lambda self: self.batch(start_s=-1), id="before-it-began"),
            pytest.param(
                lambda _: [
                    span("a", None, 0, 5),
                    span("c", None, 1, 2, tid(2), links=[(TRACE, "unknown")]),
                ],
                id="unknown-span",
            ),
            pytest.param(
                lambda _: [
                    span("a", None, 0, 5),
                    span("c", None, 1, 2, tid(2), links=[(TRACE, "a")]),
                    span("e", None, 1, 2, tid(2), links=[(TRACE, "a")]),
                ],
                id="two-linked-roots",
            ),
        ],
    )
    def test_remains_a_separate_task(self, batch):
        """A link elsewhere than into a trace that was live joins nothing."""
        traces = assembler().feed(batch(self), 0.0)
        assert {trace.trace_id for trace in traces} == {TRACE, tid(2)}

    def test_links_within_the_trace_change_nothing(self):
        """A root that links into its own trace stays a root."""
        batch = [span("a", None, 0, 5), span("b", None, 9, 10, links=[(TRACE, "a")])]
        assert len(assembler().feed(batch, 0.0)) == 2

    def test_joins_a_running_span(self):
        """A link to a running span joins its trace, and so do later spans."""
        machine = assembler()
        start(machine, "a")
        root = span("c", None, 1, 2, tid(2), links=[(TRACE, "a")])
        assert machine.feed([root], 0.0) == []
        assert machine.feed([span("d", "c", 1, 2, tid(2))], 0.0) == []
        [trace] = machine.feed([span("a", None, 0, 5)], 1.0)
        assert shape(trace) == ("acd", True, 0)

    def test_chains(self):
        """A trace that joined one which joins a third joins that too."""
        batch = [
            span("a", None, 0, 9),
            span("b", None, 1, 8, tid(2), links=[(TRACE, "a")]),
            span("c", None, 2, 7, tid(3), links=[(tid(2), "b")]),
        ]
        for seed in range(6):
            random.Random(seed).shuffle(batch)
            [trace] = assembler().feed(batch, 0.0)
            assert shape(trace) == ("abc", True, 0)


class TestLogs:
    """Log events join their span before the task is emitted."""

    def test_join_by_ids(self):
        """They are emitted with the trace of their span, in time order."""
        machine = assembler()
        machine.feed([log("two", "b", at=2), log("one", "a", at=1)], 0.0)
        machine.feed([log("other", "z")], 0.0)
        [trace] = machine.feed([span("b", "a"), span("a")], 1.0)
        assert [event.name for event in trace.logs] == ["one", "two"]
        [late] = [*machine.feed([span("z", "a")], 2.0), *machine.flush(2.0)]
        assert [event.name for event in late.logs] == ["other"]

    def test_settle_gives_them_time(self):
        """Where log events come in batches, a complete trace waits for them."""
        machine = assembler()
        machine.settle_s = 6.0
        assert machine.feed([span("a")], 0.0) == []
        machine.feed([log("one", "a")], 4.0)
        [trace] = machine.due(6.0)
        assert [event.name for event in trace.logs] == ["one"]

    def test_give_up_in_time(self):
        """Log events of spans that never come are dropped and counted."""
        machine = assembler(trace_timeout_s=10)
        machine.feed([log("one", "a")], 0.0)
        machine.due(10.0)
        assert machine.dropped_logs == 0
        machine.due(10.1)
        assert machine.dropped_logs == 1

    def test_too_late(self):
        """A log event of a span that was emitted belongs to nothing any more."""
        machine = assembler()
        machine.feed([span("a")], 0.0)
        machine.feed([log("one", "a"), log("two", "b")], 1.0)
        assert machine.dropped_logs == 1
        assert machine.logs.since_s == 1.0

    def test_a_trace_is_as_old_as_its_first_log_event(self):
        """A source that can wait must not confirm the log event before the trace."""
        machine = assembler()
        machine.feed([log("one", "a"), log("other", "x", trace=tid(9))], 1.0)
        [with_log] = machine.feed([span("a")], 5.0)
        [without] = machine.feed([span("b", trace=tid(2))], 6.0)
        assert (with_log.since_s, without.since_s) == (1.0, 6.0)

    def test_bounded_in_bytes(self):
        """Waiting log events take a quarter of max_open_bytes at most; oldest go."""
        machine = assembler(max_open_bytes=40_000)
        machine.feed([log("x", "a", trace=tid(n)) for n in range(1, 101)], 0.0)
        assert machine.dropped_logs > 80
        [trace] = machine.feed([span("a", trace=tid(100))], 1.0)
        assert len(trace.logs) == 1


def test_a_deadline_of_an_emitted_trace_is_ignored():
    """A trace that was flushed while it lingered is not emitted again when it is due."""
    machine = assembler(linger_s=30)
    start(machine, "a")
    start(machine, "b", "a")
    machine.feed([span("a")], 0.0)
    assert machine.open_bytes > 0
    assert len(machine.flush(1.0)) == 1
    assert machine.due(31.0) == []
    assert machine.open_bytes == 0


def test_an_upstream_that_never_changes_its_trace_id():
    """Of one trace id a bounded number of tasks is remembered, the latest."""
    emitted = EmittedTraces()
    for number in range(MAX_TASKS_PER_TRACE + 1):
        emitted.record(TRACE, sid(number), [sid(number)], rooted=True)
    assert len(emitted.tasks(TRACE)) == MAX_TASKS_PER_TRACE
    assert not emitted.has_span(TRACE, sid(0))
    assert emitted.has_span(TRACE, sid(MAX_TASKS_PER_TRACE))


def test_joined_traces_are_not_remembered_for_ever(monkeypatch):
    """Past the bound a late span of a trace that joined another is its own task."""
    monkeypatch.setattr(link_joiner, "MAX_JOINED", 1)
    machine = assembler()
    start(machine, "a")
    for number, name in ((2, "b"), (3, "c")):
        machine.feed([span(name, None, 1, 2, tid(number), links=[(TRACE, "a")])], 0.0)
    machine.feed([span("d", "b", 1, 2, tid(2)), span("e", "c", 1, 2, tid(3))], 0.0)
    names = sorted(shape(trace)[0] for trace in machine.flush(1.0))
    assert names == ["bce", "d"]


def test_peek_shows_what_has_ended_of_open_traces():
    """What changed last comes first; a trace of which no span has ended is not there."""
    machine = assembler()
    start(machine, "x", now_s=0.0, trace=tid(3))
    machine.feed([span("b", "a", trace=tid(1))], 1.0)
    machine.feed([span("c", "a", trace=tid(2))], 2.0)
    machine.feed([span("d", "a", trace=tid(1))], 3.0)
    shown = machine.peek(9)
    assert [(t.trace_id, t.seen_s) for t in shown] == [(tid(1), 3.0), (tid(2), 2.0)]
    assert [record.name for record in shown[0].records] == ["b", "d"]
    assert machine.peek(1) == shown[:1]
    assert machine.open_spans == 3
