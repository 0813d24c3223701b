"""Spans on their way into the store."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from infinium_otel import otlp
from infinium_otel.apps.serve.intake import Intake
from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.live import Live
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline
from support import corpus


def spans() -> list:
    recording = corpus.recording(corpus.names()[0])
    return otlp.from_json(recording.spans).records


def total(store) -> int:
    return store.page(Query()).total


def test_a_whole_trace_is_kept_at_once(store):
    """A trace that is complete in one request is a task when the answer goes out."""
    Intake(Pipeline(Config()), store, Live()).accept(spans())
    assert total(store) == 1


def test_a_trace_without_its_root_waits(store):
    """Spans without their root wait for it, and are kept when the server stops."""
    intake = Intake(Pipeline(Config()), store, Live())
    intake.accept([span for span in spans() if span.parent_id])
    intake.due()
    assert total(store) == 0
    intake.flush()
    assert total(store) == 1


def test_the_clock_is_watched(store):
    """A trace whose time has come is kept with no request at all."""
    kept = threading.Event()

    class Told(Live):
        def tell(self, last: int) -> None:
            kept.set()

    pipeline = Pipeline(Config(trace_timeout_s=0))
    intake = Intake(pipeline, store, Told())
    intake.accept([span for span in spans() if span.parent_id])

    async def play():
        watch = asyncio.create_task(intake.watch())
        assert await asyncio.to_thread(kept.wait, 20)
        watch.cancel()

    asyncio.run(play())
    assert total(store) == 1


def test_one_failure_does_not_end_the_watch(store, caplog):
    """A look that fails is said, and the next one takes place."""
    looks = []

    class Failing(Pipeline):
        def due(self, now_s):
            looks.append(now_s)
            if len(looks) == 1:
                raise ValueError("one bad task")
            raise asyncio.CancelledError

    intake = Intake(Failing(Config()), store, Live())
    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        asyncio.run(intake.watch())
    assert len(looks) == 2
    assert "could not be kept" in caplog.text
