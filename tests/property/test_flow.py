"""Spans are conserved, and neither order nor batches nor repetition change the tasks."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from infinium_otel import load_otlp, otlp
from infinium_otel.assembly import Assembler
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline, spans_to_tasks
from infinium_otel.records import SpanLink, SpanRecord, SpanStart
from infinium_otel.runtime import PipelineRunner
from support.corpus import all_names, recording
from support.sending import MemorySender
from support.spans import T0, S, sid, tid

PARTS = 8
"""Tests that share the recordings, so that workers can."""
QUICK = settings(max_examples=150, deadline=None)


@st.composite
def forests(draw, most=14):
    """Spans of a few traces: trees, orphans, cycles, links, remote parents, skew."""
    count = draw(st.integers(1, most))
    spans = []
    for number in range(1, count + 1):
        parent = draw(st.none() | st.integers(1, most + 2))
        start = draw(st.integers(0, 20))
        links = draw(st.lists(st.integers(1, most), max_size=1))
        traces = [draw(st.integers(1, 3)) for _ in range(2)]
        spans.append(
            SpanRecord(
                trace_id=tid(traces[0]),
                span_id=sid(number),
                parent_id=None if parent is None else sid(parent),
                name=str(number),
                start_ns=T0 + start * S,
                end_ns=T0 + (start + draw(st.integers(-2, 9))) * S,
                links=tuple(SpanLink(tid(traces[1]), sid(link)) for link in links),
                parent_is_remote=draw(st.booleans()) and parent is not None,
            )
        )
    return spans


configs = st.sampled_from(
    [
        Config(),
        Config(task_per="trace", linger_s=0),
        Config(task_per="agent"),
        Config(task_per="agent", linger_s=0, max_open_spans=5),
        Config(task_per="agent", max_spans_per_trace=2, trace_timeout_s=20),
        Config(max_open_traces=1),
        Config(max_open_spans=3),
        Config(max_spans_per_trace=2),
        Config(linger_s=0, trace_timeout_s=0),
    ]
)


class Roles:
    """Roles by the name of the span, for spans that run by their id."""

    NAMES = ("", "agent", "workflow", "call")

    def find_role(self, record):
        return self.NAMES[int(record.name) % 4]

    def find_start_role(self, start):
        return ("", "agent", "unknown", "")[int(start.span_id, 16) % 4]


def places(machine):
    return machine.emitted_spans + machine.open_spans + machine.refused.total()


def remembers_places(machine):
    """Whether what is remembered of each span's place is what would be found anew."""
    for trace in machine._open:
        if trace.runs is not None and trace.runs.indexes(trace.spans):
            places = trace.runs._places
            known = dict(places._places)
            places._places.clear()
            if any(places.locate(each) != place for each, place in known.items()):
                return False
    return True


class TestAssembly:
    @QUICK
    @given(spans=forests(), config=configs, starts_seen=st.booleans(), data=st.data())
    def test_spans_are_conserved(self, spans, config, starts_seen, data):
        """At any time every span is in exactly one place, and each is emitted once."""
        machine = Assembler(config, Roles())
        left = []
        now_s = 0.0
        if starts_seen:
            for record in spans:
                start = SpanStart(
                    record.trace_id,
                    record.span_id,
                    record.parent_id,
                    record.parent_is_remote,
                )
                machine.on_start(start, now_s)
        while spans:
            size = data.draw(st.integers(1, len(spans)))
            batch, spans = spans[:size], spans[size:]
            left += machine.feed(batch, now_s)
            now_s += data.draw(st.sampled_from([0.0, 2.0, 40.0]))
            if data.draw(st.booleans()):
                left += machine.due(now_s)
            assert machine.received == places(machine)
            assert remembers_places(machine)
        left += machine.flush(now_s)
        assert machine.open_spans == 0
        assert machine.received == places(machine)
        ids = [r.span_id for t in left for r in (*t.records, *t.between)]
        assert len(ids) == len(set(ids)) == machine.emitted_spans
        assert len({trace.key for trace in left}) == len(left)

    @QUICK
    @given(spans=forests(), seed=st.integers(0, 99))
    def test_order_and_repetition_change_nothing(self, spans, seed):
        """The same spans in any order, some twice, make the same traces."""
        chance = random.Random(seed)
        other = spans + chance.sample(spans, len(spans) // 2)
        chance.shuffle(other)
        for task_per in ("root", "agent"):
            expected = self.traces(spans, task_per=task_per)
            assert self.traces(other, task_per=task_per) == expected

    @QUICK
    @given(spans=forests(), seed=st.integers(0, 99))
    def test_batches_change_nothing_before_the_deadline(self, spans, seed):
        """Complete traces do not depend on the batches in which they come."""
        chance = random.Random(seed)
        other = [record for record in spans if not record.links]
        expected = self.traces(other, task_per="trace")
        chance.shuffle(other)
        machine = Assembler(Config(task_per="trace"))
        left = []
        while other:
            size = chance.randint(1, len(other))
            left += machine.feed(other[:size], 0.0)
            other = other[size:]
        left += machine.flush(0.0)
        assert {t.key: t for t in left} == expected

    @QUICK
    @given(spans=forests())
    def test_parents_come_first(self, spans):
        """In a trace every span comes after its parent."""
        for task_per in ("root", "agent"):
            for trace in self.traces(spans, task_per=task_per).values():
                seen = set()
                ids = {record.span_id for record in trace.records}
                for record in trace.records:
                    assert record.parent_id not in ids - seen
                    seen.add(record.span_id)

    def traces(self, spans, **settings):
        machine = Assembler(Config(**settings), Roles())
        left = [*machine.feed(spans, 0.0), *machine.flush(0.0)]
        return {trace.key: trace for trace in left}


def records_of(name):
    found = recording(name)
    records = otlp.from_json(found.spans).records
    if found.logs is not None:
        records += otlp.from_json(found.logs).records
    return records


CASES = sorted((Path(__file__).parents[1] / "data" / "cases").glob("*.expect.json"))
SOURCES = [*all_names(), *CASES]


def load(source):
    """The records of a recording, or of a case, and the settings it is for."""
    if isinstance(source, str):
        return records_of(source), {}
    file = source.with_name(source.name.replace(".expect", ""))
    files = [each for each in (file, file.with_suffix(".logs.json")) if each.exists()]
    settings = json.loads(source.read_text("utf-8")).get("config", {})
    return load_otlp(*files), settings


def name_of(source):
    return source if isinstance(source, str) else source.name.partition(".")[0]


def mix(records, chance):
    """Spans shuffled, some of them twice; the order of log events is kept."""
    spans = [record for record in records if isinstance(record, SpanRecord)]
    logs = iter([record for record in records if not isinstance(record, SpanRecord)])
    mixed = records + spans[::3]
    chance.shuffle(mixed)
    return [each if isinstance(each, SpanRecord) else next(logs) for each in mixed]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("task_per", ["root", "trace", "agent"])
def test_everything_recorded_in_any_order_and_batches(part, task_per, few_examples):
    """Shuffled, doubled, and split into batches: the same tasks, of whatever source."""
    for source in SOURCES[part :: PARTS * (9 if few_examples else 1)]:
        records, settings = load(source)
        config = Config(**{**settings, "task_per": task_per})
        expected = spans_to_tasks(records, config=config)
        chance = random.Random(name_of(source))
        other = mix(records, chance)
        assert spans_to_tasks(other, config=config) == expected, name_of(source)
        if task_per == "trace":
            pipeline = Pipeline(config)
            done = []
            while other:
                size = chance.randint(1, len(other))
                done += pipeline.feed(other[:size], 0.0)
                other = other[size:]
            done += pipeline.flush(0.0)
            tasks = sorted((d.task for d in done), key=repr)
            assert tasks == sorted(expected, key=repr), name_of(source)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | st.just("\ud800")
    | st.just(2**62)
    | st.just({1, 2}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from(
    [
        "gen_ai.operation.name",
        "gen_ai.usage.input_tokens",
        "gen_ai.input.messages",
        "gen_ai.tool.call.arguments",
        "openinference.span.kind",
        "llm.token_count.prompt",
        "traceloop.span.kind",
        "infinium.customer.customer_name",
        "error.type",
        "__proto__",
        "",
        "\ud800",
        "k" * 100_000,
    ]
) | st.text(max_size=8)


@st.composite
def bad_spans(draw):
    """A span of the SDK with nothing as it should be."""
    number = draw(st.integers(1, 8))
    parent = draw(st.none() | st.integers(0, 8))
    context = SpanContext(1, number, is_remote=False, trace_flags=TraceFlags(1))
    span = ReadableSpan(
        draw(st.text() | st.just("\ud800") | st.none()),
        context=context,
        parent=None if parent is None else SpanContext(1, parent, is_remote=False),
        attributes=draw(st.dictionaries(keys, anything, max_size=6)),
        start_time=draw(st.none() | st.integers() | st.floats() | st.just(T0)),
        end_time=draw(st.none() | st.integers() | st.just(T0 + S)),
    )
    span._status = SimpleNamespace(
        status_code=draw(st.sampled_from([2, 0, None, "x"])), description=draw(anything)
    )
    events = [
        SimpleNamespace(
            name=draw(anything),
            timestamp=draw(anything),
            attributes=draw(st.dictionaries(keys, anything, max_size=3) | st.none()),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    span._events = events
    return span


class TestBadSpans:
    @QUICK
    @given(
        bad=st.lists(bad_spans(), max_size=5), garbage=st.lists(anything, max_size=2)
    )
    def test_never_lose_the_rest(self, bad, garbage):
        """Bad spans never raise out of an export, and never lose the good ones."""
        sender = MemorySender()
        runner = PipelineRunner(Config(include="all"), sender)
        good = ReadableSpan(
            "good",
            context=SpanContext(2, 99, is_remote=False, trace_flags=TraceFlags(1)),
            start_time=T0,
            end_time=T0 + S,
        )
        assert runner.accept([*bad, *garbage, good], 1.0)
        assert runner.flush(60)
        assert sid(99) in sender.spans
        stats = runner.stats()
        assert stats.received == len(bad) + len(garbage) + 1
        assert stats.received == stats.delivered + stats.refused
        assert stats.refused == len(garbage) + len(bad) - len(
            {b.context.span_id for b in bad}
        )
        assert runner._feeder.pipeline.problems == {}
        runner.shutdown(1.0)
