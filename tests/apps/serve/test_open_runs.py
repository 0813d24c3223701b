"""Runs that are not complete yet, listed and found as stored ones are."""

from __future__ import annotations

import logging
import threading

import pytest

from infinium_otel.apps.serve.checks import RejectedError
from infinium_otel.apps.serve.event_stream import EventStream
from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.open_runs import MAX_PAUSE_S, MAX_TRACES, OpenRuns
from infinium_otel.apps.serve.run_finder import RunFinder
from infinium_otel.apps.serve.sink import StoreSink
from infinium_otel.assembly.open_trace import WaitingTrace
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline
from support.records import agent, chat, make_span, tool


class Clock:
    """Seconds that pass when a test says so, and a little with every look."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


@pytest.fixture
def sink(store):
    """A sink whose traces wait for their roots."""
    return StoreSink(Pipeline(Config()), store, EventStream())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_runs(sink, clock):
    """The open runs of the sink."""
    opened = OpenRuns(sink.peek, Config(), clock=clock, patience_s=None)
    yield opened
    opened.close()


def select(open_runs, **filters):
    return open_runs.select(Query(**filters)).rows


def test_a_run_is_open_from_its_first_span_to_its_root(sink, open_runs, clock, store):
    """It grows, and is stored instead once its root has ended."""
    finder = RunFinder(store, open_runs)
    sink.accept([tool("b", "root", start=1)])
    (first,) = select(open_runs)
    assert (first["steps"], first["incomplete"]) == (1, True)
    clock.now_s += MAX_PAUSE_S
    sink.accept([chat("a", "root")])
    (grown,) = select(open_runs)
    assert grown["steps"] == 2
    assert finder.find(first["trace_id"]).is_open
    sink.accept([agent("root", name="planner")])
    assert select(open_runs) == []
    found = finder.find(first["trace_id"])
    assert not found.is_open
    assert found.stored.row["name"] == "planner"
    with pytest.raises(RejectedError):
        finder.find("unknown")


def test_filters_select_open_runs(sink, open_runs):
    """Every filter of the list holds for them; limit and offset do not."""
    sink.accept([chat("a", "root")])
    assert len(select(open_runs, model="gpt-4o", limit=1, offset=5)) == 1
    assert select(open_runs, model="another") == []


def test_a_trace_rests_after_its_tasks_were_made(sink, open_runs, clock):
    """A large trace that grows all the time is not mapped all the time."""
    sink.accept([chat("a", "root")])
    assert open_runs.select(Query()).is_current
    sink.accept([chat("b", "root", start=2)])
    assert not open_runs.select(Query()).is_current
    clock.now_s += MAX_PAUSE_S
    assert open_runs.select(Query()).is_current


def test_a_trace_that_is_no_run_is_not_shown(sink, open_runs):
    """What would not become a task is no open run."""
    sink.accept([make_span("query", "root")])
    assert select(open_runs) == []


def test_the_traces_that_changed_last_are_shown(sink, open_runs):
    """More than the limit are open: the newest are listed."""
    for number in range(MAX_TRACES + 1):
        sink.accept([chat("a", "root", trace=f"{number + 1:032x}")])
    traces = {row["otel_trace_id"] for row in select(open_runs)}
    assert len(traces) == MAX_TRACES
    assert f"{1:032x}" not in traces


def test_a_defect_is_logged_once(caplog):
    """However often the tasks of a growing trace are made."""
    grown = [chat("a", "root")]

    def peek(limit):
        return [WaitingTrace(grown[0].trace_id, len(grown), tuple(grown))]

    def refuse(task):
        raise ValueError

    opened = OpenRuns(
        peek, Config(should_send=refuse), clock=lambda: 0.0, patience_s=None
    )
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            grown.append(chat(f"b{number}", "root"))
            assert len(select(opened)) == 1
    assert len(caplog.records) == 1
    opened.close()


def test_a_look_does_not_wait_for_a_large_trace():
    """What is being made is shown by a later look; this one says that it is not current."""
    released = threading.Event()

    def peek(limit):
        released.wait(20)
        return [WaitingTrace("a" * 32, 1.0, (chat("a", "root"),))]

    opened = OpenRuns(peek, Config(), patience_s=0.1)
    first = opened.select(Query())
    assert (first.rows, first.is_current) == ([], False)
    released.set()
    while not (found := opened.select(Query())).is_current:
        threading.Event().wait(0.01)
    assert len(found.rows) == 1
    opened.close()


def test_the_ids_of_complete_runs_are_forgotten(sink, store, monkeypatch):
    """Only so many addresses of runs that were open are remembered."""
    monkeypatch.setattr("infinium_otel.apps.serve.open_runs.MAX_REMEMBERED", 1)
    opened = OpenRuns(sink.peek, Config(), patience_s=None)
    ids = []
    for number in (1, 2):
        trace = f"{number:032x}"
        sink.accept([chat("a", "root", trace=trace)])
        ids += [row["trace_id"] for row in select(opened) if row["trace_id"] not in ids]
        sink.accept([chat("root", trace=trace)])
    found = [opened.find_completed(run_id, store) for run_id in ids]
    assert [bool(stored) for stored in found] == [False, True]
    opened.close()
