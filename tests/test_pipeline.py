"""The pure steps as one object, and all at once."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from infinium_otel import pipeline as module
from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline, spans_to_tasks
from infinium_otel.sdkspans import as_record
from infinium_otel.taskdata import TaskData
from support.spans import agent_run, log, sid, span, tid


def conserved(pipeline):
    return pipeline.received == (
        pipeline.open
        + pipeline.finished
        + pipeline.filtered.total()
        + pipeline.refused.total()
    )


def test_an_agent_run_becomes_a_task():
    """A complete run leaves as one task with its key, ids and number of spans."""
    pipeline = Pipeline(Config())
    [done] = pipeline.feed(agent_run(1), 0.0)
    assert isinstance(done.task, TaskData)
    assert done.key == f"{tid(1)}-{sid('r1')}"
    assert (done.trace_id, done.root_id, done.spans) == (tid(1), sid("r1"), 3)
    assert set(done.span_ids) == {sid("r1"), sid("c1.0"), sid("c1.1")}
    assert (pipeline.tasks, pipeline.finished) == (1, 3)
    assert conserved(pipeline)


def test_opened_due_and_flush_reach_the_assembler():
    """Starts, time and flush are passed on."""
    pipeline = Pipeline(Config(linger_s=5))
    pipeline.opened(tid(1), sid("r1"), None, False, 0.0)
    pipeline.opened(tid(1), sid("c1.9"), sid("r1"), False, 0.0)
    assert pipeline.feed(agent_run(1), 0.0) == []
    assert (pipeline.open, pipeline.open_traces) == (3, 1)
    assert pipeline.open_bytes > 0
    assert pipeline.next_due() == 5.0
    assert len(pipeline.due(5.0)) == 1
    pipeline.feed(agent_run(2)[:2], 6.0)
    assert len(pipeline.flush(6.0)) == 1
    assert conserved(pipeline)


def test_complete_traces_wait_for_logs():
    """Where log events come in batches, complete traces wait for them."""
    pipeline = Pipeline(Config())
    pipeline.wait_for_logs(6.0)
    pipeline.feed([log("x", "zz")], 0.0)
    assert pipeline.feed(agent_run(1), 0.0) == []
    assert len(pipeline.due(6.0)) == 1
    pipeline.due(700.0)
    assert pipeline.dropped_logs == 1


@pytest.mark.parametrize(
    ("hook", "sent", "problems"),
    [
        pytest.param(lambda task: True, 1, {}, id="true"),
        pytest.param(lambda task: False, 0, {}, id="false"),
        pytest.param(lambda task: None, 0, {}, id="none-is-no"),
        pytest.param(lambda task: 1 / 0, 1, {"should_send": 2}, id="raises"),
    ],
)
def test_should_send(hook, sent, problems, caplog):
    """A task that the hook refuses is filtered; a hook that raises keeps nothing."""
    pipeline = Pipeline(Config(should_send=hook))
    assert len(pipeline.feed(agent_run(1), 0.0)) == sent
    assert len(pipeline.feed(agent_run(2), 0.0)) == sent
    assert pipeline.problems == problems
    assert pipeline.filtered == ({} if sent else {"should_send": 6})
    assert len(caplog.records) == len(problems)
    assert conserved(pipeline)


def test_what_is_filtered_is_told():
    """Whoever keeps spans elsewhere hears of those that become no task."""
    told = {}
    config = Config(should_send=lambda task: False)
    Pipeline(config, on_filtered=told.__setitem__).feed(agent_run(1), 0.0)
    assert list(told) == [tid(1)]
    assert len(told[tid(1)]) == 3


def broken(*_):
    raise KeyError("secret text")


@pytest.mark.parametrize("step", ["map_trace", "redact", "fit"])
def test_a_step_that_fails_loses_nothing(step, monkeypatch, caplog):
    """A defect in a step leaves the trace as a bare task, counted, said once."""
    monkeypatch.setattr(module, step, broken)
    pipeline = Pipeline(Config())
    done = pipeline.feed([*agent_run(1), *agent_run(2)], 0.0)
    assert [task.spans for task in done] == [3, 3]
    assert pipeline.problems == {"KeyError": 2}
    tags = done[0].task.environment.custom_tags
    assert tags["otel.problem"] == "mapping failed: KeyError"
    assert tags["otel.trace_id"] == tid(1)
    assert done[0].task.duration == 2.0
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
    assert conserved(pipeline)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        pytest.param("map_trace", "login api_key=[redacted]", id="mapping"),
        pytest.param("redact", "[redaction failed]", id="redaction"),
    ],
)
def test_a_bare_task_keeps_secrets_too(step, name, monkeypatch):
    """What leaves of a run that could not be mapped is redacted, or blanked."""
    monkeypatch.setattr(module, step, broken)
    [done] = Pipeline(Config(include="all")).feed(
        [span("login api_key=s3cr3tvalue")], 0.0
    )
    assert done.task.name == name


def test_all_at_once_is_order_independent():
    """The same spans in any order, some twice, give the same tasks."""
    batch = [s for n in range(1, 6) for s in agent_run(n)]
    expected = spans_to_tasks(batch)
    assert len(expected) == 5
    for seed in range(5):
        shuffled = batch + random.Random(seed).sample(batch, 6)
        random.Random(seed).shuffle(shuffled)
        assert spans_to_tasks(shuffled) == expected


def test_all_at_once_takes_anything():
    """What is no span is left out; the rest becomes tasks."""
    batch = [None, 7, "x", SimpleNamespace(log_record=None), *agent_run(1)]
    assert len(spans_to_tasks(batch)) == 1


def test_all_at_once_knows_no_bounds():
    """Bounds on open traces do not matter where everything is in memory already."""
    batch = [s for n in range(1, 6) for s in agent_run(n)]
    random.Random(3).shuffle(batch)
    config = Config(max_open_traces=1, max_open_spans=1, max_open_bytes=1)
    assert spans_to_tasks(batch, config=config) == spans_to_tasks(batch)


def test_unfinished_runs_become_tasks():
    """Spans without a root become a task too."""
    assert len(spans_to_tasks(agent_run(1)[:2])) == 1


def test_as_record_keeps_records():
    """Our own records pass as they are."""
    record, event = span("a"), log("x", "a")
    assert as_record(record) is record
    assert as_record(event) is event


class TestFurtherParts:
    """What comes after its run has left."""

    def late(self, number):
        return span(f"late{number}", f"r{number}", trace=tid(number))

    def test_follow_a_run_that_was_sent(self):
        """A late span is sent whatever it is, if its run was."""
        pipeline = Pipeline(Config())
        pipeline.feed(agent_run(1), 0.0)
        pipeline.feed([self.late(1)], 0.0)
        [done] = pipeline.flush(0.0)
        assert done.key == f"{tid(1)}-{sid('r1')}-1"
        assert conserved(pipeline)

    def test_stay_away_with_a_run_that_was_filtered(self):
        """A late span of a health check is as unwanted as that was."""
        pipeline = Pipeline(Config())
        pipeline.feed([span("r1", trace=tid(1))], 0.0)
        pipeline.feed([self.late(1)], 0.0)
        assert pipeline.flush(0.0) == []
        assert pipeline.filtered == {"not_included": 2}

    def test_runs_are_not_remembered_for_ever(self, monkeypatch):
        """Memory is bounded; past it a late span has to speak for itself."""
        monkeypatch.setattr(module, "MAX_SENT", 1)
        pipeline = Pipeline(Config())
        pipeline.feed([*agent_run(1), *agent_run(2)], 0.0)
        pipeline.feed([self.late(1), self.late(2)], 0.0)
        assert [done.trace_id for done in pipeline.flush(0.0)] == [tid(2)]


@pytest.mark.parametrize("include", ["all", "agents"])
def test_requests_of_our_own_are_left_out(include):
    """Spans of requests to Infinium are filtered, alone or within a run."""
    told = {}
    config = Config(include=include, base_url="http://infinium.test/api/v1")
    pipeline = Pipeline(config, on_filtered=told.__setitem__)
    own = {"url.full": "http://infinium.test/api/v1/agents/a/trace"}
    lone = span("lone", trace=tid(2), attributes=own)
    within = span("within", "r1", 0.5, 0.6, trace=tid(1), attributes=own)
    [done] = pipeline.feed([lone, within, *agent_run(1)], 0.0)
    assert done.spans == len(done.task.steps) + 1 == 3
    assert pipeline.filtered == {"own_request": 2}
    assert pipeline.filtered_tasks.total() == 1
    assert told == {tid(1): (sid("within"),), tid(2): (sid("lone"),)}
    assert conserved(pipeline)
