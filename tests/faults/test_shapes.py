"""Runs of any shape and number: late, broken, cyclic, many."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import chain

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from infinium_otel.records import SpanRecord
from support.programs import AGENT, accounted, exporting, processing, run_agent
from support.spans import T0, S, sid, tid

AGENTS = 8
"""Threads of the burst."""
RUNS = 250
"""Runs of each."""
SPANS = 50
"""Spans of a run."""
MANY = 3_000
"""Runs that are open at once."""


def tool(number, parent=None, *, run=1, start=0, end=1):
    """The span of a tool call, which becomes a step; times in seconds after `T0`."""
    return SpanRecord(
        trace_id=tid(run),
        span_id=sid(number),
        parent_id=None if parent is None else sid(parent),
        name=f"{run}.{number}",
        start_ns=T0 + start * S,
        end_ns=T0 + end * S,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": f"tool {number}",
        },
    )


def get_span_ids(fake):
    """Ids of the spans in the stored tasks, repeated as often as they occur."""
    found = []
    for task in fake.tasks:
        ids = {task["environment"]["custom_tags"]["otel.root_span_id"]}
        ids |= {step["metadata"]["otel.span_id"] for step in task.get("steps", ())}
        found += ids
    return found


def read_stats(processor):
    """The stats after everything in the inbox was processed."""
    runner = processor._runner
    with runner._lock:
        runner._feeder.drain(runner.inbox)
    return processor.stats


@pytest.mark.slow
def test_traces_that_never_end(fake):
    """20,000 roots that never end: memory is bounded, every ended span is counted."""
    held = []
    bounds = {"max_open_traces": 100, "max_queued_tasks": 500, "include": "all"}
    fake.always(503)
    with processing(fake, **bounds) as (processor, _, tracer):
        for number in range(20_000):
            root = tracer.start_span("root")
            held.append(root)
            with trace.use_span(root), tracer.start_as_current_span("child"):
                pass
            if number % 2_000 == 0:
                assert accounted(processor.stats)
                stats = read_stats(processor)
                assert accounted(stats)
                assert stats.open <= 100
                assert stats.tasks_queued <= 500
        stats = read_stats(processor)
        assert stats.received == 20_000
        assert stats.open <= 100
        assert stats.tasks_queued <= 500
        assert accounted(stats)
        assert processor._runner._feeder.pipeline.open_traces <= 100
        assert len(processor._runner.inbox) == 0


def test_a_root_that_never_ends(fake):
    """Its ended spans are sent at the age limit, marked as incomplete."""
    with processing(fake, trace_timeout_s=0.2) as (processor, _, tracer):
        with trace.use_span(tracer.start_span("root")):
            tracer.start_span("child", attributes=AGENT).end()
        assert fake.wait_for_tasks(1)
        assert processor.force_flush(60_000)
        assert (processor.stats.delivered, processor.stats.open) == (1, 0)
    (task,) = fake.tasks
    assert task["environment"]["custom_tags"]["otel.incomplete"]


@pytest.mark.slow
def test_thousands_of_runs_at_once(fake):
    """Interleaved runs: none is cut, lost or mixed up."""
    settings = {"max_open_traces": MANY, "max_queued_tasks": MANY}
    with processing(fake, **settings) as (processor, provider, tracer):
        roots = [tracer.start_span("run", attributes=AGENT) for _ in range(MANY)]
        children = []
        for root in roots:
            with trace.use_span(root):
                children.append(tracer.start_span("child"))
        for child in children:
            child.end()
        assert accounted(processor.stats)
        for root in roots:
            root.end()
        assert provider.force_flush(120_000)
        stats = processor.stats
        assert (stats.delivered, stats.tasks_delivered) == (2 * MANY, MANY)
    assert all(len(task["steps"]) == 1 for task in fake.tasks)


@pytest.mark.slow
def test_one_run_of_more_spans_than_a_task_has(fake):
    """It is sent in parts of `max_spans_per_trace`, each span in one of them."""
    with processing(fake) as (processor, provider, tracer):
        with tracer.start_as_current_span("run", attributes=AGENT):
            for _ in range(24_999):
                tracer.start_span("child").end()
        assert provider.force_flush(120_000)
        stats = processor.stats
        assert (stats.delivered, stats.tasks_delivered) == (25_000, 3)
        assert accounted(stats)
    assert fake.complaints == []


@pytest.mark.slow
def test_burst_from_many_threads(fake, few_examples):
    """100,000 spans from eight threads all arrive, once.

    At any time every one of them is in exactly one place.
    """
    runs = RUNS // 10 if few_examples else RUNS
    ids = [[] for _ in range(AGENTS)]

    def work(tracer, mine):
        for _ in range(runs):
            with tracer.start_as_current_span("run", attributes=AGENT) as root:
                for _ in range(SPANS - 1):
                    tracer.start_span("child").end()
            mine.append(f"{root.get_span_context().span_id:016x}")

    settings = {"max_queued_tasks": 100_000, "concurrency": 4}
    with processing(fake, **settings) as (processor, provider, tracer):
        threads = [threading.Thread(target=work, args=(tracer, mine)) for mine in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                assert accounted(processor.stats)
                thread.join(0.005)
        assert provider.force_flush(120_000)
        stats = processor.stats
        assert stats.received == stats.delivered == AGENTS * runs * SPANS
        assert accounted(stats)
    roots = [key.split("-")[1] for key in fake.keys]
    assert sorted(roots) == sorted(chain.from_iterable(ids))
    assert len(fake.requests) == AGENTS * runs
    assert len(set(get_span_ids(fake))) == AGENTS * runs * SPANS


class TestLateChildren:
    """A child that ends after its root is never dropped."""

    def start(self, tracer):
        """A root and a child that have both started."""
        root = tracer.start_span("run", attributes=AGENT)
        with trace.use_span(root):
            return root, tracer.start_span("late", attributes={"x": 1})

    def test_just_after_its_root(self, fake):
        """It is part of the one task, which waited for it."""
        with processing(fake) as (_, provider, tracer):
            root, child = self.start(tracer)
            root.end()
            child.end()
            assert fake.wait_for_tasks(1)
            assert provider.force_flush(60_000)
        assert len(fake.keys) == 1
        assert len(get_span_ids(fake)) == 2

    def test_after_the_linger(self, fake):
        """If it is later, it follows as a part of the same task."""
        with processing(fake, linger_s=0.05) as (processor, provider, tracer):
            root, child = self.start(tracer)
            root.end()
            assert fake.wait_for_tasks(1)
            child.end()
            assert provider.force_flush(60_000)
            assert processor.stats.delivered == 2
        first, second = fake.keys
        assert second == f"{first}-1"

    def test_after_a_flush(self, fake):
        """A flush sends the ended spans; the rest follows under its part's key."""
        with processing(fake) as (processor, provider, tracer):
            root, child = self.start(tracer)
            root.end()
            assert provider.force_flush(60_000)
            assert len(fake.keys) == 1
            child.end()
            assert provider.force_flush(60_000)
            assert processor.stats.delivered == 2
        first, second = fake.keys
        assert second == f"{first}-1"


SHAPES = [
    pytest.param([tool(1), tool(2, 1), tool(3, 2)], 3, id="root-first"),
    pytest.param([tool(3, 2), tool(2, 9)], 2, id="no-root"),
    pytest.param([tool(2, 9), tool(1), tool(3, 8)], 3, id="parents-missing"),
    pytest.param([tool(2, 3), tool(3, 2), tool(1)], 3, id="cycle"),
    pytest.param([tool(2, 3), tool(3, 4), tool(4, 2)], 3, id="cycle-of-all"),
    pytest.param([tool(1, 1)], 1, id="its-own-parent"),
    pytest.param([tool(1), tool(2)], 2, id="two-roots"),
    pytest.param(
        [tool(1), replace(tool(2, 9), parent_is_remote=True), tool(3, 2)],
        3,
        id="remote-parent",
    ),
    pytest.param([tool(1), tool(2, 1), tool(2, 1), tool(1)], 2, id="twice"),
    pytest.param([tool(1, start=9, end=3), tool(2, 1)], 2, id="end-first"),
]


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("one_by_one", [False, True], ids=["together", "one-by-one"])
@pytest.mark.parametrize(("spans", "different"), SHAPES)
def test_any_shape(fake, spans, different, one_by_one, backwards):
    """For any parents and any order, each span arrives once."""
    spans = spans[::-1] if backwards else spans
    with exporting(fake) as (exporter, _, _):
        for batch in [[s] for s in spans] if one_by_one else [spans]:
            assert exporter.export(batch) is SpanExportResult.SUCCESS
        assert exporter.force_flush(60_000)
        stats = exporter.stats
    assert stats.delivered == different
    assert stats.refused == len(spans) - different
    assert stats.reasons == ({"duplicate": stats.refused} if stats.refused else {})
    assert set(get_span_ids(fake)) == {s.span_id for s in spans}
    assert fake.complaints == []


def test_ids_of_zeros(fake):
    """An id of only zeros is invalid: the span is counted and affects no other."""
    zero = SpanRecord("0" * 32, "0" * 16, None, "zero", T0, T0 + S)
    with exporting(fake) as (exporter, _, _):
        assert exporter.export([zero, tool(1)]) is SpanExportResult.SUCCESS
        stats = exporter.stats
    assert (stats.delivered, stats.reasons) == (1, {"invalid_id": 1})
    assert accounted(stats)


@pytest.mark.slow
def test_a_chain_ten_thousand_deep(fake):
    """Any depth works: no recursion, and no span is lost."""
    spans = [tool(n, n - 1 or None) for n in range(1, 10_001)]
    with exporting(fake) as (exporter, _, _):
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        assert exporter.force_flush(60_000)
        assert exporter.stats.delivered == 10_000
    assert fake.complaints == []


def test_no_task_is_made_of_unsampled_spans(fake):
    """Unsampled spans are neither sent nor counted."""
    with processing(fake) as (processor, provider, _):
        provider.sampler = ALWAYS_OFF
        run_agent(provider.get_tracer("unsampled"))
        assert provider.force_flush(1_000)
        assert processor.stats.received == 0
    assert fake.requests == []
