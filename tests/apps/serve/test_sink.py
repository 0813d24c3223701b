"""From received spans to stored tasks."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from contextlib import contextmanager

import pytest

from infinium_otel import otlp
from infinium_otel.apps.serve.event_stream import EventStream
from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.sink import STORED_AT_ONCE, StoreSink
from infinium_otel.apps.serve.span_archive import SpanArchive
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline
from support import corpus
from support.otlp_requests import agent_span, traces


def spans() -> list:
    recording = corpus.recording(corpus.names()[0])
    return otlp.from_json(recording.spans).records


def total(store) -> int:
    return store.page(Query()).total


def test_a_whole_trace_is_stored_at_once(store):
    """A trace that is complete in one request is a task before the response is sent."""
    StoreSink(Pipeline(Config()), store, EventStream()).accept(spans())
    assert total(store) == 1


def test_many_runs_are_stored_in_steps(store):
    """Other requests read between two; before, 35,000 runs held them up for 17 s."""
    published = []

    class Published(EventStream):
        def publish(self, last: int) -> None:
            published.append(last)

    wires = [agent_span(number) for number in range(1, STORED_AT_ONCE + 2)]
    records = otlp.from_json(traces(*wires)).records
    StoreSink(Pipeline(Config()), store, Published()).accept(records)
    assert published == [STORED_AT_ONCE, STORED_AT_ONCE + 1]


def test_a_trace_without_its_root_waits(store):
    """Spans without their root wait for it, and are stored when the server stops."""
    sink = StoreSink(Pipeline(Config()), store, EventStream())
    sink.accept([span for span in spans() if span.parent_id])
    sink.due()
    assert total(store) == 0
    sink.flush()
    assert total(store) == 1


def test_spans_that_take_long_to_search_are_not_kept(store, tmp_path, caplog):
    """They are counted, the log reports it once, and their task is stored."""
    archive = SpanArchive(str(tmp_path / "kept.db"))
    seconds = iter([0.0, 1.0, 9.0, 0.0, 9.0])
    sink = StoreSink(
        Pipeline(Config()),
        store,
        EventStream(),
        archive,
        cpu_time=lambda: next(seconds),
    )
    records = spans()
    with caplog.at_level(logging.WARNING):
        sink.accept(records)
        sink.keep(records)
    assert total(store) == 1
    assert len(archive.find(records[0].trace_id)) == 1
    assert sink.not_kept == 2 * len(records) - 1
    (line,) = [each.getMessage() for each in caplog.records]
    assert f"{len(records) - 1} of its spans" in line
    assert "Send fewer in one request" in line
    archive.close()


def test_due_traces_are_stored(store):
    """A trace that is due is stored without another request."""
    stored = threading.Event()

    class Published(EventStream):
        def publish(self, last: int) -> None:
            stored.set()

    pipeline = Pipeline(Config(trace_timeout_s=0))
    sink = StoreSink(pipeline, store, Published())
    sink.accept([span for span in spans() if span.parent_id])

    async def play():
        watch = asyncio.create_task(sink.watch())
        assert await asyncio.to_thread(stored.wait, 20)
        watch.cancel()

    asyncio.run(play())
    assert total(store) == 1


def test_one_failure_does_not_end_the_watch(store, caplog):
    """A failed check is logged, and the next one takes place."""
    checks = []

    class Failing(Pipeline):
        def due(self, now_s):
            checks.append(now_s)
            if len(checks) == 1:
                raise ValueError("one bad task")
            raise asyncio.CancelledError

    sink = StoreSink(Failing(Config()), store, EventStream())
    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        asyncio.run(sink.watch())
    assert len(checks) == 2
    assert "could not be stored" in caplog.text


def test_without_content_no_span_is_kept(store, tmp_path):
    """`capture_content=False` holds for the kept spans as well."""
    archive = SpanArchive(str(tmp_path / "spans.db"))
    config = Config(capture_content=False)
    sink = StoreSink(Pipeline(config), store, EventStream(), archive, config)
    sink.accept(spans())
    assert total(store) == 1
    assert archive.find(spans()[0].trace_id) == []
    archive.close()


def test_a_task_is_stored_if_its_spans_cannot_be(store, tmp_path, caplog):
    """A failing archive is logged, and costs no task."""
    archive = SpanArchive(str(tmp_path / "spans.db"))
    archive.close()
    sink = StoreSink(Pipeline(Config()), store, EventStream(), archive)
    sink.accept(spans())
    assert total(store) == 1
    assert "spans could not be kept" in caplog.text


def test_a_full_disk_loses_no_run(store, tmp_path, caplog):
    """What was not stored is stored first when there is room again, and nothing before.

    So a sender that retries what was refused does not get a success for spans that were
    taken for copies of what never reached the disk.

    Source: vivekchand/clawmetry#5949 (a receiver acknowledged what it had not stored).
    """
    wires = [agent_span(number) for number in range(1, 2 * STORED_AT_ONCE + 2)]
    records = otlp.from_json(traces(*wires)).records
    sink = StoreSink(Pipeline(Config()), store, EventStream())
    with limited(store):
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match="full"):
                sink.accept(records)
        assert total(store) < len(wires)
    sink.accept(records)
    assert total(store) == len(wires)


def test_what_a_full_disk_costs_is_logged(store, caplog):
    """While it lasts once, and with its number when the server stops."""
    records = otlp.from_json(traces(*map(agent_span, range(1, 301)))).records
    sink = StoreSink(Pipeline(Config()), store, EventStream())
    with limited(store):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            sink.accept(records)
        for _ in range(3):
            sink._check()
        kept = total(store)
        sink.flush()
    assert caplog.messages == [
        "Runs wait to be stored: database or disk is full",
        f"{300 - kept} runs could not be stored, and are lost: database or disk is full",
    ]


@contextmanager
def limited(store):
    """The database cannot grow, as on a full disk."""
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    (limit,) = store._db.execute("PRAGMA max_page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 20}")
    yield
    store._db.execute(f"PRAGMA max_page_count = {limit}")
