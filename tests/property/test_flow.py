"""Spans are conserved, and neither order nor batches nor repetition change the tasks."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from infinium_otel import otlp
from infinium_otel.assembly import Assembler
from infinium_otel.bridge import Bridge
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline, spans_to_tasks
from infinium_otel.records import SpanLink, SpanRecord
from support.corpus import names, recording
from support.sending import MemorySender
from support.spans import T0, S, sid, tid

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
        Config(max_open_traces=1),
        Config(max_open_spans=3),
        Config(max_spans_per_trace=2),
        Config(linger_s=0, trace_timeout_s=0),
    ]
)


def places(machine):
    return machine.left + machine.open_spans + machine.refused.total()


class TestAssembly:
    @QUICK
    @given(spans=forests(), config=configs, told=st.booleans(), data=st.data())
    def test_spans_are_conserved(self, spans, config, told, data):
        """At any time every span is in exactly one place, and each leaves once."""
        machine = Assembler(config)
        left = []
        now_s = 0.0
        if told:
            for record in spans:
                machine.opened(
                    record.trace_id,
                    record.span_id,
                    record.parent_id,
                    record.parent_is_remote,
                    now_s,
                )
        while spans:
            size = data.draw(st.integers(1, len(spans)))
            batch, spans = spans[:size], spans[size:]
            left += machine.feed(batch, now_s)
            now_s += data.draw(st.sampled_from([0.0, 2.0, 40.0]))
            if data.draw(st.booleans()):
                left += machine.due(now_s)
            assert machine.received == places(machine)
        left += machine.flush(now_s)
        assert machine.open_spans == 0
        assert machine.received == places(machine)
        ids = [record.span_id for trace in left for record in trace.records]
        assert len(ids) == len(set(ids)) == machine.left
        assert len({trace.key for trace in left}) == len(left)

    @QUICK
    @given(spans=forests(), seed=st.integers(0, 99))
    def test_order_and_repetition_change_nothing(self, spans, seed):
        """The same spans in any order, some twice, make the same traces."""
        chance = random.Random(seed)
        other = spans + chance.sample(spans, len(spans) // 2)
        chance.shuffle(other)
        assert self.traces(spans) == self.traces(other)

    @QUICK
    @given(spans=forests(), seed=st.integers(0, 99))
    def test_batches_change_nothing_before_the_deadline(self, spans, seed):
        """Whole traces do not depend on the batches they come in, before they leave."""
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
        """In a trace every span stands behind its parent."""
        for trace in self.traces(spans).values():
            seen = set()
            ids = {record.span_id for record in trace.records}
            for record in trace.records:
                assert record.parent_id not in ids - seen
                seen.add(record.span_id)

    def traces(self, spans, **settings):
        machine = Assembler(Config(**settings))
        left = [*machine.feed(spans, 0.0), *machine.flush(0.0)]
        return {trace.key: trace for trace in left}


def records_of(name):
    found = recording(name)
    records = otlp.from_json(found.spans).records
    if found.logs is not None:
        records += otlp.from_json(found.logs).records
    return records


@pytest.mark.parametrize("name", names())
def test_recordings_in_any_order(name):
    """Recorded runs, shuffled and repeated, make the same tasks."""
    records = records_of(name)
    expected = spans_to_tasks(records)
    chance = random.Random(name)
    other = records + [r for r in records if isinstance(r, SpanRecord)][::3]
    chance.shuffle(other)
    assert spans_to_tasks(other) == expected


@pytest.mark.parametrize("name", names()[::5])
def test_recordings_in_any_batches(name):
    """Recorded runs from an at-least-once source, in random batches: the same tasks."""
    config = Config(task_per="trace")
    records = records_of(name)
    expected = spans_to_tasks(records, config=config)
    chance = random.Random(name)
    other = records + [r for r in records if isinstance(r, SpanRecord)][::2]
    chance.shuffle(other)
    pipeline = Pipeline(config)
    done = []
    while other:
        size = chance.randint(1, len(other))
        done += pipeline.feed(other[:size], 0.0)
        other = other[size:]
    done += pipeline.flush(0.0)
    assert sorted((d.task for d in done), key=repr) == sorted(expected, key=repr)


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
        bridge = Bridge(Config(include="all"), sender)
        good = ReadableSpan(
            "good",
            context=SpanContext(2, 99, is_remote=False, trace_flags=TraceFlags(1)),
            start_time=T0,
            end_time=T0 + S,
        )
        assert bridge.accept([*bad, *garbage, good], 1.0)
        assert bridge.flush(1.0)
        assert sid(99) in sender.spans
        stats = bridge.stats()
        assert stats.received == len(bad) + len(garbage) + 1
        assert stats.received == stats.delivered + stats.refused
        assert stats.refused == len(garbage) + len(bad) - len(
            {b.context.span_id for b in bad}
        )
        assert bridge._flow.pipeline.problems == {}
        bridge.shutdown(1.0)
