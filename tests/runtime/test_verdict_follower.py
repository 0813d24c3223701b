"""Verdicts of delivered runs, as the application's own OpenTelemetry shows them."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest
from opentelemetry import _logs, metrics
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from infinium_otel import (
    ConfigurationError,
    InfiniumClient,
    InfiniumLogExporter,
    InfiniumLogRecordProcessor,
)
from infinium_otel.delivery.verdicts import AwaitedRun
from infinium_otel.records import Evaluation
from infinium_otel.runtime import verdict_follower, verdict_telemetry
from infinium_otel.testing import Fault
from support.programs import processing, run_agent
from support.waiting import wait_until

RESULT = {"score": 0.8, "verdict": "passed", "summary": "Found the flight.", "ok": True}
RUN = AwaitedRun("k", "id", "a" * 32, "b" * 16, "", 0.0)
NAME, SCORE = "gen_ai.evaluation.name", "gen_ai.evaluation.score.value"
OUTCOMES, COUNTS = "infinium.interpretation.count", "infinium.evaluation.count"


class Seen:
    """What an application's OpenTelemetry received."""

    def __init__(self, logs, reader):
        self.logs, self.reader = logs, reader

    @property
    def events(self):
        return [each.log_record for each in self.logs.get_finished_logs()]

    @property
    def outcomes(self):
        return self.count(OUTCOMES, "infinium.interpretation.outcome")

    def count(self, name, key):
        """The sums of a counter by the attribute *key*."""
        data = self.reader.get_metrics_data()
        found = Counter()
        for scope in data.resource_metrics[0].scope_metrics if data else ():
            for metric in scope.metrics:
                for point in metric.data.data_points if metric.name == name else ():
                    found[point.attributes[key]] += getattr(point, "value", point)
        return found


@pytest.fixture
def seen(monkeypatch):
    """The global providers of this test, and polls without pauses."""
    monkeypatch.setattr(verdict_follower, "POLLS_S", (0.0, 0.01))
    monkeypatch.setattr(verdict_follower, "CREDENTIALS_S", 0.02)
    monkeypatch.setattr(verdict_telemetry, "_names", set())
    for name in ("_get_counts", "_get_scores", "_get_outcomes"):
        getattr(verdict_telemetry, name).cache_clear()
    logs, reader = InMemoryLogRecordExporter(), InMemoryMetricReader()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: provider)
    monkeypatch.setattr(
        verdict_telemetry,
        "get_meter",
        lambda name: metrics.get_meter(name, meter_provider=meters),
    )
    found = Seen(logs, reader)
    found.provider = provider
    yield found
    provider.shutdown()
    meters.shutdown()
    for name in ("_get_counts", "_get_scores", "_get_outcomes"):
        getattr(verdict_telemetry, name).cache_clear()


@contextmanager
def following(fake, interpret=lambda _: RESULT, **settings):
    fake.interpret = interpret
    with processing(fake, verdicts=True, **settings) as (processor, provider, tracer):
        yield processor, provider, tracer


def test_a_verdict_is_in_its_run(fake, seen):
    """Each number and label is an event under the root span, and in the metrics."""
    with following(fake) as (_, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: seen.outcomes)
    whole, ok = seen.events
    tags = fake.tasks[0]["environment"]["custom_tags"]
    assert f"{whole.trace_id:032x}" == tags["otel.trace_id"]
    assert f"{whole.span_id:016x}" == tags["otel.root_span_id"]
    assert whole.event_name == "gen_ai.evaluation.result"
    identity = whole.attributes["infinium.evaluation.id"]
    assert dict(whole.attributes) == {
        NAME: "interpretation",
        SCORE: 0.8,
        "gen_ai.evaluation.score.label": "passed",
        "gen_ai.evaluation.explanation": "Found the flight.",
        "gen_ai.agent.name": "helper",
        "infinium.trace_id": fake.trace_ids[0],
        "infinium.evaluation.id": identity,
    }
    assert ok.attributes[SCORE] == 1.0
    assert ok.attributes["gen_ai.evaluation.score.label"] == "true"
    assert ok.attributes["infinium.evaluation.id"] != identity
    assert seen.count(COUNTS, NAME) == {"interpretation": 1, "ok": 1}


@pytest.mark.parametrize("place", ["memory", "spool"])
def test_many_runs_once_each(fake, seen, tmp_path, place):
    """Runs that are not ready, and a service that fails now and then, change nothing."""
    fake.pending_polls = 2
    spool = {"spool": str(tmp_path / "spool.db")} if place == "spool" else {}
    with following(fake, **spool) as (_, provider, tracer):
        for number in range(20):
            run_agent(tracer, f"run{number}")
        provider.force_flush()
        fake.wait_for_tasks(20)
        fake.script(503, Fault(breaks="before"), 429, 401)
        wait_until(lambda: len(seen.events) >= 40)
        wait_until(lambda: sum(seen.outcomes.values()) == 20)
    ids = [event.attributes["infinium.evaluation.id"] for event in seen.events]
    assert len(ids) == len(set(ids)) == 40
    assert len({event.trace_id for event in seen.events}) == 20


@pytest.mark.parametrize(
    ("interpret", "outcome"),
    [
        pytest.param(lambda _: None, "not_ready", id="never"),
        pytest.param(lambda _: {"id": "0" * 32}, "empty", id="nothing-in-it"),
    ],
)
def test_runs_without_a_verdict(fake, seen, caplog, interpret, outcome):
    """They are counted by their reason, logged once, and have no event."""
    with following(fake, interpret, verdicts_timeout_s=0.05) as (_, provider, tracer):
        run_agent(tracer, "one")
        run_agent(tracer, "two")
        provider.force_flush()
        wait_until(lambda: seen.outcomes[outcome] == 2)
    assert seen.events == []
    assert caplog.text.count("The interpretation of") == 1


def test_a_refused_request(fake, seen, caplog):
    """A result that the service will not give is not requested again."""
    with following(fake) as (_, provider, tracer):
        fake.script(200, 400)
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: seen.outcomes)
        assert seen.outcomes == {"refused": 1}
    assert [each.method for each in fake.requests] == ["POST", "GET"]
    assert "was refused (400)" in caplog.text


@pytest.mark.parametrize("client", [SimpleNamespace(send_task_data=lambda _: None)])
def test_a_client_without_results(fake, seen, caplog, client):
    """One that gives no id of a task leaves nothing to fetch, which is reported."""
    with following(fake, client=client) as (_, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: seen.outcomes == {"not_placed": 1})
    assert "gave it no id" in caplog.text


def test_our_own_processor_ignores_verdicts(fake, seen):
    """An evaluation event that we emitted is not part of another run, nor flushed early."""
    seen.provider.add_log_record_processor(InfiniumLogRecordProcessor(**fake.settings))
    with following(fake) as (processor, provider, tracer):
        with tracer.start_as_current_span(
            "open", attributes={"gen_ai.operation.name": "chat"}
        ):
            run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: len(seen.events) == 2)
        assert processor.stats.open == 0
    assert len(fake.tasks) == 1


def test_logs_of_an_exporter_wait_for_their_run(fake, seen, monkeypatch):
    """The flush for a verdict drops none of the records that a batch holds."""
    exporter = InfiniumLogExporter(**fake.settings)
    exported = []
    monkeypatch.setattr(
        exporter._runner, "accept", lambda items, _: exported.extend(items)
    )
    seen.provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, schedule_delay_millis=3_600_000)
    )
    with following(fake) as (_, provider, tracer):
        log = seen.provider.get_logger("app")
        with tracer.start_as_current_span("later"):
            log.emit(_logs.LogRecord(body="the application's"))
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: seen.outcomes["judged"] == 1)
    assert [each.log_record.body for each in exported] == ["the application's"]


def test_a_provider_that_never_exports(fake, seen, caplog, monkeypatch):
    """A verdict is emitted some times, then given up, which is counted and logged."""
    monkeypatch.setattr(verdict_follower, "LEASE_S", -29.0)
    seen.provider.shutdown()
    with following(fake, timeout_s=29.0) as (_, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: seen.outcomes["not_exported"] == 1)
    assert "could not be exported" in caplog.text


def test_what_is_not_exported_is_bounded(fake, seen, monkeypatch):
    """Of more runs than are remembered, none is given up too early."""
    emissions = 50
    monkeypatch.setattr(verdict_follower, "LEASE_S", -29.0)
    monkeypatch.setattr(verdict_follower, "MAX_UNFLUSHED", 1)
    monkeypatch.setattr(verdict_follower, "MAX_EMISSIONS", emissions)
    seen.provider.shutdown()

    def interpret(_):
        return RESULT if len(fake.tasks) == 2 else None

    with following(fake, interpret, timeout_s=29.0) as (processor, provider, tracer):
        run_agent(tracer, "one")
        run_agent(tracer, "two")
        provider.force_flush()
        wait_until(lambda: len(fake.requests) > 4 * emissions)
        assert len(processor._runner.verdicts._unflushed) <= 2
    assert seen.outcomes["not_exported"] == 0


def test_a_provider_without_a_flush(seen, caplog, monkeypatch):
    """It is used, and that its exports are unknown is logged once."""
    bare = SimpleNamespace(get_logger=seen.provider.get_logger)
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: bare)
    for _ in range(2):
        found = [Evaluation("n", 1.0)]
        assert verdict_telemetry.emit_verdict(RUN, found, with_texts=True)
    assert caplog.text.count("has no force_flush") == 1


def test_a_run_for_another_process(fake, seen, tmp_path):
    """With `verdicts_in_process` off it is noted in the spool, and nothing is fetched."""
    spool = str(tmp_path / "spool.db")
    off = {"spool": spool, "verdicts_in_process": False}
    with following(fake, **off) as (processor, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        fake.wait_for_tasks(1)
        wait_until(lambda: processor._runner.verdicts.awaited.count() == 1)
        assert processor._runner.verdicts.worker.needs_wake
    assert [each.method for each in fake.requests] == ["POST"]
    assert seen.events == []


def test_another_process_needs_a_spool(fake):
    """Without one there is nowhere to note a run."""
    with pytest.raises(ConfigurationError, match="set `spool`"):
        InfiniumLogExporter(**fake.settings, verdicts=True, verdicts_in_process=False)


def test_without_content(fake, seen):
    """Explanations stay away with `capture_content=False`."""
    with following(fake, capture_content=False) as (_, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: len(seen.events) == 2)
    assert "flight" not in str([event.attributes for event in seen.events])


def test_what_is_not_awaited_at_exit(fake, seen, caplog):
    """Without a spool it is reported once, with the number and the cure."""
    fake.pending_polls = 10**9
    with following(fake) as (_, provider, tracer):
        for number in range(3):
            run_agent(tracer, f"run{number}")
        provider.force_flush()
        fake.wait_for_tasks(3)
    assert "3 delivered run(s)" in caplog.text
    assert "set `spool`" in caplog.text


def test_the_next_process_goes_on(fake, seen, tmp_path):
    """What is in the spool is awaited by the next one, although it sends nothing."""
    spool = str(tmp_path / "spool.db")
    fake.pending_polls = 10**9
    with following(fake, spool=spool) as (_, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        fake.wait_for_tasks(1)
    assert seen.events == []
    fake.pending_polls = 0
    with following(fake, spool=spool):
        wait_until(lambda: len(seen.events) == 2)


def test_a_client_of_the_application(fake, seen):
    """A client that can fetch results is used; one that cannot is reported."""
    with (
        InfiniumClient(**fake.settings) as client,
        following(fake, client=client) as (_, provider, tracer),
    ):
        run_agent(tracer)
        provider.force_flush()
        wait_until(lambda: len(seen.events) == 2)


def test_names_are_bounded(seen, monkeypatch):
    """Metrics tell a hundred names apart; the rest is counted together."""
    monkeypatch.setattr(verdict_telemetry, "MAX_NAMES", 2)
    found = [Evaluation(f"n{number}", number) for number in range(5)]
    assert verdict_telemetry.emit_verdict(RUN, found, with_texts=True)
    assert seen.count(COUNTS, NAME) == {"n0": 1, "n1": 1, "_OTHER": 3}


def test_after_the_logger_provider(seen):
    """Whether a verdict was exported is unknown then, so it is emitted again later."""
    seen.provider.shutdown()
    assert not verdict_telemetry.emit_verdict(
        RUN, [Evaluation("n", 1.0)], with_texts=True
    )


def test_threads_only_on_demand(fake):
    """Without delivered runs nothing is started."""
    before = threading.active_count()
    with following(fake):
        assert threading.active_count() == before


def test_a_spool_that_fails(fake, seen, tmp_path, caplog):
    """What cannot be remembered is reported, and nothing else is held up by it."""
    spool = tmp_path / "spool.db"
    with following(fake, spool=str(spool)) as (processor, provider, tracer):
        processor.force_flush()
        with closing(sqlite3.connect(spool)) as connection:
            connection.execute("DROP TABLE awaited")
            connection.commit()
        run_agent(tracer)
        assert provider.force_flush()
        wait_until(lambda: seen.outcomes["spool"] == 1)
    assert "cannot be remembered" in caplog.text
    assert len(fake.tasks) == 1


def test_a_forked_child_awaits_its_own_runs(fake, seen):
    """It forgets the parent's, which the parent awaits."""
    with following(fake, lambda _: None) as (processor, provider, tracer):
        run_agent(tracer)
        provider.force_flush()
        fake.wait_for_tasks(1)
        follower = processor._runner.verdicts
        wait_until(lambda: follower.awaited.count() == 1)
        follower.worker.stop(10)  # a child has no thread of its parent
        follower.after_fork_in_child()
        assert follower.awaited.count() == 0
