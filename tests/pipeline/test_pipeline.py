"""The pure steps as one object, and all at once."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline, spans_to_tasks
from infinium_otel.pipeline import trace_mapper as module
from infinium_otel.records import SpanStart
from infinium_otel.records.from_sdk import to_record
from infinium_otel.taskdata import TaskData
from support.spans import TRACE, agent_run, log, sid, span, tid

AGENT = {"gen_ai.operation.name": "invoke_agent"}
CHAT = {"gen_ai.operation.name": "chat"}


def conserved(pipeline):
    return pipeline.received == (
        pipeline.open
        + pipeline.finished
        + pipeline.filtered.total()
        + pipeline.refused.total()
    )


def test_the_work_can_be_interrupted_at_every_span():
    """`pause` is called once a span or more often, and changes nothing."""
    pauses = []
    pipeline = Pipeline(Config())
    pipeline.pause = lambda: pauses.append(None)
    records = agent_run(1, 50)
    [done] = pipeline.feed(records, 0.0)
    assert len(pauses) > len(records)
    assert [done] == Pipeline(Config()).feed(records, 0.0)


def test_an_agent_run_becomes_a_task():
    """A complete run becomes one task with its key, ids and number of spans."""
    pipeline = Pipeline(Config())
    [done] = pipeline.feed(agent_run(1), 0.0)
    assert isinstance(done.task, TaskData)
    assert done.key == f"{tid(1)}-{sid('r1')}"
    assert (done.trace_id, done.root_id, done.spans) == (tid(1), sid("r1"), 3)
    assert set(done.span_ids) == {sid("r1"), sid("c1.0"), sid("c1.1")}
    assert (pipeline.tasks, pipeline.finished) == (1, 3)
    assert conserved(pipeline)


def test_on_start_due_and_flush_reach_the_assembler():
    """Starts, time and flush are passed on."""
    pipeline = Pipeline(Config(linger_s=5))
    pipeline.on_start(SpanStart(tid(1), sid("r1"), None, False), 0.0)
    pipeline.on_start(SpanStart(tid(1), sid("c1.9"), sid("r1"), False), 0.0)
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
    """A task that the hook refuses is filtered; a hook that raises filters nothing."""
    pipeline = Pipeline(Config(should_send=hook))
    assert len(pipeline.feed(agent_run(1), 0.0)) == sent
    assert len(pipeline.feed(agent_run(2), 0.0)) == sent
    assert pipeline.problems == problems
    assert pipeline.filtered == ({} if sent else {"should_send": 6})
    assert len(caplog.records) == len(problems)
    assert conserved(pipeline)


def test_filtered_spans_are_reported():
    """`on_filtered` is called with the spans that become no task."""
    filtered = {}
    config = Config(should_send=lambda task: False)
    Pipeline(config, on_filtered=filtered.__setitem__).feed(agent_run(1), 0.0)
    assert list(filtered) == [tid(1)]
    assert len(filtered[tid(1)]) == 3


def broken(*_):
    raise KeyError("secret text")


@pytest.mark.parametrize("step", ["map_trace", "redact", "clamp"])
def test_a_step_that_fails_loses_nothing(step, monkeypatch, caplog):
    """A defect in the mapping results in a fallback task, counted and logged once."""
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
def test_a_fallback_task_is_redacted(step, name, monkeypatch):
    """The fallback task of a run that could not be mapped is redacted, or blanked."""
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
    """What is not a span is ignored; the rest becomes tasks."""
    batch = [None, 7, "x", SimpleNamespace(log_record=None), *agent_run(1)]
    assert len(spans_to_tasks(batch)) == 1


def test_all_at_once_has_no_bounds():
    """Bounds on open traces do not matter where everything is in memory already."""
    batch = [s for n in range(1, 6) for s in agent_run(n)]
    random.Random(3).shuffle(batch)
    config = Config(max_open_traces=1, max_open_spans=1, max_open_bytes=1)
    assert spans_to_tasks(batch, config=config) == spans_to_tasks(batch)


def test_unfinished_runs_become_tasks():
    """Spans without a root become a task too."""
    assert len(spans_to_tasks(agent_run(1)[:2])) == 1


def test_as_record_keeps_records():
    """Our own records are returned unchanged."""
    record, event = span("a"), log("x", "a")
    assert to_record(record) is record
    assert to_record(event) is event


class TestFurtherParts:
    """Spans that come after their run was emitted."""

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
        """Memory is bounded; beyond it a late span is filtered on its own."""
        monkeypatch.setattr(module, "MAX_SENT", 1)
        pipeline = Pipeline(Config())
        pipeline.feed([*agent_run(1), *agent_run(2)], 0.0)
        pipeline.feed([self.late(1), self.late(2)], 0.0)
        assert [done.trace_id for done in pipeline.flush(0.0)] == [tid(2)]


@pytest.mark.parametrize("include", ["all", "agents"])
def test_own_requests_are_filtered(include):
    """Spans of requests to Infinium are filtered, alone or within a run."""
    filtered = {}
    config = Config(include=include, base_url="http://infinium.test/api/v1")
    pipeline = Pipeline(config, on_filtered=filtered.__setitem__)
    own = {"url.full": "http://infinium.test/api/v1/agents/a/trace"}
    lone = span("lone", trace=tid(2), attributes=own)
    within = span("within", "r1", 0.5, 0.6, trace=tid(1), attributes=own)
    [done] = pipeline.feed([lone, within, *agent_run(1)], 0.0)
    assert done.spans == len(done.task.steps) + 1 == 3
    assert pipeline.filtered == {"own_request": 2}
    assert pipeline.filtered_tasks.total() == 1
    assert filtered == {tid(1): (sid("within"),), tid(2): (sid("lone"),)}
    assert conserved(pipeline)


class TestRunsInsideARoot:
    """`task_per="agent"`: a task for each run of a worker's loop."""

    CONFIG = Config(task_per="agent", linger_s=10)

    def start(self, pipeline, name, parent=None, **attributes):
        pipeline.on_start(
            SpanStart(TRACE, sid(name), parent and sid(parent), attributes=attributes),
            0.0,
        )

    def test_are_sent_while_it_goes_on(self):
        """Every span is in exactly one place; what failed between runs is a tag."""
        pipeline = Pipeline(self.CONFIG)
        self.start(pipeline, "loop")
        keys = []
        for number in range(3):
            name = f"a{number}"
            self.start(pipeline, name, "loop", **AGENT)
            pipeline.feed([span(f"get{number}", "loop", status="error")], 1.0)
            pipeline.feed([span(f"c{number}", name)], 1.0)
            [done] = pipeline.feed([span(name, "loop", attributes=AGENT)], 2.0)
            keys.append(done.key)
            tags = done.task.environment.custom_tags
            assert tags["otel.between.names"] == f"get{number}"
            assert tags["otel.between.failed"] == f"get{number}"
            assert (tags["otel.between.spans"], done.spans) == ("1", 3)
            assert "otel.incomplete" not in tags
            assert len(done.span_ids) == 3
            assert conserved(pipeline)
        assert keys == [f"{TRACE}-{sid(f'a{number}')}" for number in range(3)]
        assert pipeline.feed([span("loop", None, 0, 99)], 99.0) == []
        assert pipeline.filtered == {"between_runs": 1}
        assert pipeline.filtered_tasks.total() == 0
        assert conserved(pipeline)

    def test_by_default_there_is_one_task(self, caplog):
        """A root that stays open is reported once, with the setting as the cure."""
        pipeline = Pipeline(Config())
        self.start(pipeline, "loop")
        for number in range(3):
            assert not pipeline.feed(
                [span(f"a{number}", "loop", attributes=AGENT)], 700.0 * number
            )
        [message] = [r.getMessage() for r in caplog.records]
        assert "INFINIUM_OTEL_TASK_PER=agent" in message
        assert "with 2 agent spans" in message
        [done] = pipeline.feed([span("loop", None, 0, 99)], 9_999.0)
        assert done.root_id == sid("loop")

    def test_a_run_of_our_own_requests_only(self):
        """Spans before a run that is filtered away are counted too."""
        config = self.CONFIG.but(base_url="http://infinium.test/api/v1")
        pipeline = Pipeline(config)
        own = {"url.full": "http://infinium.test/api/v1/agents/a/trace"}
        records = [span("x", "loop"), span("a", "loop", 2, attributes=AGENT | own)]
        assert pipeline.feed([span("loop", None, 0, 9), *records], 0.0) == []
        assert pipeline.filtered == {"own_request": 1, "between_runs": 2}
        assert conserved(pipeline)


def test_json_beyond_the_limit_is_sent_as_text(caplog):
    """What follows it is mapped, and the log names the trace, once."""
    huge = "[" + "{}," * 300_000 + "{}]"
    question = '[{"role":"user","parts":[{"type":"text","content":"Why?"}]}]'
    pipeline = Pipeline(Config())
    spans = [
        span("root", None, 0, 9, attributes=AGENT | {"gen_ai.input.messages": huge}),
        span("a", "root", 1, attributes=CHAT | {"gen_ai.input.messages": question}),
    ]
    [done] = pipeline.feed(spans, 1.0)
    [message] = [each.getMessage() for each in caplog.records]
    assert done.trace_id in message
    assert "sent as text" in message
    assert "Why?" in str(done.task.steps)
