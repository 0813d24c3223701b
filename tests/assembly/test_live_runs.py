"""Runs inside a root that goes on (`task_per` "agent"): when each is emitted."""

from __future__ import annotations

from typing import ClassVar

import pytest

from infinium_otel.assembly import Assembler
from infinium_otel.config import Config
from infinium_otel.records import SpanStart
from support.spans import TRACE, log, sid, span, tid


class Roles:
    """By the first letter: A is an agent, W a workflow, C a call; U is unknown."""

    ENDED: ClassVar = {"A": "agent", "W": "workflow", "C": "call"}

    def find_role(self, record):
        return self.ENDED.get(record.name[:1], "")

    def find_start_role(self, start):
        return (self.ENDED | {"U": "unknown"}).get(start.name[:1], "")


class Machine:
    """An assembler whose spans are named; times are in seconds."""

    def __init__(self, **settings):
        settings = {"task_per": "agent", "linger_s": 10, **settings}
        self.inner = Assembler(Config(**settings), Roles())

    def start(self, name, parent=None, now_s=0.0, *, shown=True, **more):
        parent_id = parent and sid(parent)
        start = SpanStart(
            TRACE, sid(name), parent_id, **more, name=name if shown else ""
        )
        self.inner.on_start(start, now_s)

    def end(self, name, parent=None, at=0.0, end=None, now_s=None, **more):
        record = span(name, parent, at, end, **more)
        now_s = (at + 1 if end is None else end) if now_s is None else now_s
        return self.shapes(self.inner.feed([record], now_s))

    def due(self, now_s):
        return self.shapes(self.inner.due(now_s))

    def flush(self, now_s=0.0):
        return self.shapes(self.inner.flush(now_s))

    def shapes(self, traces):
        machine = self.inner
        assert machine.received == (
            machine.emitted_spans + machine.open_spans + machine.refused.total()
        )
        return [
            (
                " ".join(r.name for r in trace.records),
                " ".join(r.name for r in trace.between),
                trace.complete if trace.is_task else None,
                trace.part,
            )
            for trace in traces
        ]


def whole(names, between="", part=0):
    return [(names, between, True, part)]


def test_an_agent_is_emitted_while_its_root_goes_on():
    """What ended before it goes with it; the root ends hours later, without a run."""
    machine = Machine()
    machine.start("root")
    for number in range(3):
        machine.start(f"A{number}", "root")
        machine.start(f"C{number}", f"A{number}")
        assert machine.end(f"r{number}", "root", number) == []
        assert machine.end(f"C{number}", f"A{number}", number + 0.2) == []
        emitted = machine.end(f"A{number}", "root", number + 0.1)
        assert emitted == whole(f"A{number} C{number}", f"r{number}")
    assert machine.end("root", at=0, end=9) == [("root", "", None, 0)]
    assert machine.inner.open_traces == 0


def test_the_key_is_the_agent_s():
    """The root id in the key is the agent's span."""
    machine = Machine()
    machine.start("root")
    [trace] = machine.inner.feed([span("A1", "root")], 1.0)
    assert trace.key == f"{TRACE}-{sid('A1')}"


def test_a_run_waits_for_its_children():
    """With starts, a run is emitted when its last child has ended, or after linger_s."""
    machine = Machine()
    for name, parent in (("root", None), ("A1", "root"), ("c", "A1"), ("d", "A1")):
        machine.start(name, parent)
    assert machine.end("A1", "root", 0, 5) == []
    assert machine.inner.next_due() == 15
    assert machine.end("c", "A1", 1, 6) == []
    assert machine.end("d", "A1", 1, 7) == whole("A1 d c")


def test_linger_ends_the_wait_and_the_rest_is_a_part():
    """A child that runs on is sent later, as a part of its run."""
    machine = Machine()
    for name, parent in (("root", None), ("A1", "root"), ("c", "A1")):
        machine.start(name, parent)
    machine.end("A1", "root", 0, 5)
    assert machine.due(15) == [("A1", "", False, 0)]
    assert machine.end("c", "A1", 1, 60) == whole("c", part=1)
    assert machine.flush() == []


@pytest.mark.parametrize("shown", [True, False])
def test_an_agent_inside_an_agent_is_no_run(shown):
    """An outer agent that runs is known by its start, or by its library's scope."""
    machine = Machine()
    machine.start("root")
    outer = "A0" if shown else "U0"
    machine.start(outer, "root")
    machine.start("A1", outer)
    assert machine.end("A1", outer, 1) == []
    if shown:
        assert machine.end("A0", "root", 0, 9) == whole("A0 A1")
    else:  # it is a frame
        record = span("x", "root", 0, 9)
        renamed = [type(record)(**{**fields_of(record), "span_id": sid("U0")})]
        assert machine.shapes(machine.inner.feed(renamed, 9)) == whole("A1", "x")


def fields_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_without_an_agent_workflows_and_calls_are_runs():
    """The outermost of them; a workflow around an agent is none."""
    machine = Machine()
    machine.start("root")
    machine.start("W1", "root")
    machine.start("C1", "W1")
    assert machine.end("C1", "W1", 1) == []
    assert machine.end("W1", "root", 0, 3) == whole("W1 C1")
    assert machine.end("C2", "root", 4) == whole("C2")
    machine.start("W2", "root")
    machine.start("A2", "W2")
    assert machine.end("A2", "W2", 6) == whole("A2")
    assert machine.end("C3", "W2", 7) == whole("C3")
    assert machine.end("W2", "root", 5, 9) == []
    assert machine.end("C4", "root", 10) == whole("C4", "W2")


def test_without_starts_an_agent_waits_for_quiet():
    """Its parent was not seen and may be an agent; a call waits far longer."""
    machine = Machine(trace_timeout_s=100)
    assert machine.end("C0", "A1", 0, 1) == []
    assert machine.end("A1", "root", 0, 2) == []
    assert machine.end("c", "A1", 1, 5) == []
    assert machine.end("C2", "root", 6, 7) == []
    assert machine.due(14) == []
    assert machine.due(15) == whole("A1 C0 c")
    assert machine.due(100) == []
    assert machine.due(107) == whole("C2")


def test_without_starts_an_outer_agent_takes_the_inner_along():
    """If it ends within linger_s of the inner one."""
    machine = Machine()
    assert machine.end("A2", "t", 2, 3) == []
    assert machine.end("t", "A1", 1, 4) == []
    assert machine.end("A1", "root", 0, 5) == []
    assert machine.due(15) == whole("A1 t A2")
    assert machine.inner.open_traces == 0


def test_late_spans_are_parts_of_their_run():
    """Without starts they are gathered for a moment."""
    machine = Machine()
    machine.end("A1", "root", 0, 2)
    assert machine.due(12) == whole("A1")
    assert machine.end("x", "A1", 1, 3, now_s=13) == []
    assert machine.end("y", "x", 1, 3, now_s=13.5) == []
    assert machine.due(14) == [("x y", "", True, 1)]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_whole_trace_gives_the_same_runs(reverse):
    """Read at once, in any order: the runs, and what follows the last."""
    machine = Machine()
    records = [
        span("root", None, 0, 99),
        span("r1", "root", 1),
        span("A1", "root", 2, 5),
        span("C1", "A1", 3),
        span("W2", "root", 6, 9),
        span("C2", "W2", 7),
        span("x", "root", 10),
    ]
    emitted = machine.inner.feed(records[::-1] if reverse else records, 0.0)
    assert machine.shapes(emitted) == [
        ("A1 C1", "root r1", True, 0),
        ("W2 C2", "", True, 0),
        ("x", "", None, 0),
    ]


def test_a_trace_without_runs_is_one_task():
    """A tool server's session has neither agents nor calls."""
    machine = Machine()
    machine.start("root")
    assert machine.end("t", "root", 1) == []
    assert machine.end("root", None, 0, 9) == [("root t", "", True, 0)]


def test_what_was_killed_is_an_incomplete_task():
    """Orphans of one parent are together: it may have been an agent."""
    machine = Machine()
    for name in ("C1", "t", "C2"):
        machine.end(name, "gone")
    machine.end("y", "elsewhere", 20)
    assert machine.flush() == [("t C1 C2", "", False, 0), ("y", "", None, 0)]


def test_a_flush_in_the_middle_of_a_run():
    """The run's first part has its key; a flush holds nothing back."""
    machine = Machine()
    machine.start("root")
    machine.start("A1", "root")
    machine.end("C1", "A1", 1)
    [part] = machine.inner.flush(2.0)
    assert (part.root_id, part.complete) == (sid("A1"), False)
    [rest] = machine.inner.feed([span("A1", "root", 0, 9)], 9.0)
    assert rest.key == f"{TRACE}-{sid('A1')}-1"


def test_repeated_spans_are_refused():
    """Those of a run, and those between runs, are known when they come again."""
    machine = Machine()
    machine.start("root")
    for _ in range(2):
        machine.end("r", "root", 0)
        machine.end("A1", "root", 1)
    machine.end("root", None, 0, 9)
    machine.end("root", None, 0, 9)
    assert machine.inner.refused == {"duplicate": 3}


def test_runs_wait_for_their_log_events():
    """Where log events come in batches, a whole run still waits for them."""
    machine = Machine()
    machine.inner.settle_s = 3.0
    machine.start("root")
    assert machine.end("A1", "root", 0, 1) == []
    machine.inner.feed([log("x", "A1")], 2.0)
    [trace] = machine.inner.due(4.0)
    assert len(trace.logs) == 1


def test_a_joined_trace_belongs_to_the_run_it_continues():
    """Work that was handed over by a link is in the run that handed it over."""
    machine = Machine()
    machine.start("root")
    machine.start("A1", "root")
    linked = span("C9", None, 2, trace=tid(7), links=[(TRACE, "A1")])
    assert machine.inner.feed([linked], 2.0) == []
    assert machine.end("A1", "root", 1, 5) == whole("A1 C9")


def test_a_long_run_comes_in_parts():
    """No task has more than max_spans_per_trace spans; only the first has the rest."""
    machine = Machine(max_spans_per_trace=2)
    machine.start("root")
    machine.end("r", "root", 0)
    machine.start("A1", "root")
    for number in range(3):
        machine.end(f"c{number}", "A1", 2)
    emitted = machine.end("A1", "root", 1, 5)
    assert [(shape[0], shape[1], shape[3]) for shape in emitted] == [
        ("A1 c0", "r", 0),
        ("c1 c2", "", 1),
    ]


def test_an_unseen_root_s_trace_is_bounded():
    """Without starts, a trace of very many spans is emitted by runs."""
    machine = Machine(max_spans_per_trace=3)
    machine.end("r", "root", 0)
    machine.end("A1", "root", 1)
    machine.end("C1", "A1", 2)
    assert machine.end("s", "root", 3) == [("A1 C1", "r", True, 0), ("s", "", None, 0)]


def test_another_root_of_the_trace_runs_on():
    """When one root has ended, the runs below another that runs stay."""
    machine = Machine()
    machine.start("root")
    machine.start("far", "up", parent_is_remote=True)
    machine.start("A2", "far")
    machine.start("c", "A2")
    machine.end("c", "A2", 1)
    machine.end("A1", "root", 1)
    assert machine.end("root", None, 0, 5) == []
    assert machine.due(15) == [("root", "", None, 0)]
    assert machine.end("A2", "far", 1, 16) == whole("A2 c")


def test_a_root_that_stays_open_is_noted_once():
    """By root, agents that end inside an old root are noted, as the cure is a setting."""
    machine = Machine(task_per="root", trace_timeout_s=60)
    machine.start("root")
    machine.start("A1", "root")
    machine.end("A1", "root", 1, now_s=59)
    assert machine.inner.long_root is None
    machine.end("A2", "root", 2, now_s=61)
    assert machine.inner.long_root == (TRACE, 2)


@pytest.mark.parametrize("name", ["A0", "U0"])
def test_a_long_agent_is_not_noted(name):
    """A root that is an agent itself, or may be one, has agents inside as it should."""
    machine = Machine(task_per="root", trace_timeout_s=60)
    machine.start(name)
    machine.end("A1", name, 1, now_s=61)
    machine.due(500)
    assert machine.inner.long_root is None


def test_a_quiet_root_is_noted_as_well():
    """A session that nobody uses for long is emitted as incomplete."""
    machine = Machine(task_per="root", trace_timeout_s=60)
    machine.start("root")
    machine.end("x", "root", 1)
    machine.end("A1", "root", 1)
    machine.due(100)
    assert machine.inner.long_root == (TRACE, 1)
