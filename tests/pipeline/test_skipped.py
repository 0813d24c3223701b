"""Traces without a model, tool or agent are counted by scope, and logged once."""

from __future__ import annotations

import logging

import pytest

from infinium_otel.config import Config
from infinium_otel.pipeline import Pipeline, skipped
from infinium_otel.pipeline.skipped import SkippedTraces
from support.records import chat, make_span
from support.spans import tid

AI = "acme.instrumentation.langmagic"


def feed(pipeline, scope, number, **attributes):
    record = make_span("r", None, attributes, scope=scope, trace=tid(number))
    return pipeline.feed([record], 0.0)


def logged(caplog, scope):
    return [
        r for r in caplog.records if f"traces with spans of {scope}" in r.getMessage()
    ]


@pytest.mark.parametrize(
    ("scope", "attributes", "level"),
    [
        pytest.param(AI, {}, logging.WARNING, id="ai-library"),
        pytest.param("my.app", {}, logging.WARNING, id="nothing-was-ever-sent"),
        pytest.param("http", {"http.route": "/health"}, logging.INFO, id="requests"),
        pytest.param("db", {"db.system": "redis"}, logging.INFO, id="queries"),
    ],
)
def test_a_scope_is_logged_once(scope, attributes, level, caplog):
    """The log has the count, the scope and the cure; health checks do not warn."""
    caplog.set_level(logging.INFO)
    pipeline = Pipeline(Config())
    for number in range(1, 30):
        assert feed(pipeline, scope, number, **attributes) == []
        pipeline.skipped.log(everything=number > 20)
    [record] = logged(caplog, scope)
    assert record.levelno == level
    assert "10 traces" in record.getMessage()
    assert "INFINIUM_OTEL_INCLUDE=all" in record.getMessage()
    assert pipeline.skipped.scopes == {scope: 29}
    assert pipeline.filtered_tasks == {"not_included": 29}


def test_a_few_traces_are_logged_at_a_flush(caplog):
    """Fewer traces than are worth a line at once are logged when all is flushed."""
    pipeline = Pipeline(Config())
    feed(pipeline, AI, 1)
    pipeline.skipped.log()
    assert logged(caplog, AI) == []
    pipeline.skipped.log(everything=True)
    assert len(logged(caplog, AI)) == 1


@pytest.mark.parametrize("scope", [AI, "my.app"])
def test_a_scope_that_has_runs_does_not_warn(scope, caplog):
    """A library that also makes agents or lists tools is read as it should be."""
    caplog.set_level(logging.INFO)
    pipeline = Pipeline(Config())
    assert pipeline.feed([chat(scope=scope, trace=tid(99))], 0.0)
    feed(pipeline, scope, 1)
    pipeline.skipped.log(everything=True)
    assert [r.levelno for r in logged(caplog, scope)] == [logging.INFO]


def test_the_user_s_own_choice_is_no_riddle():
    """A run with `infinium.skip` is counted under its own reason."""
    pipeline = Pipeline(Config())
    assert pipeline.feed([chat(attributes={"infinium.skip": True})], 0.0) == []
    assert pipeline.filtered == {"excluded": 1}
    assert pipeline.skipped.scopes == {}


def test_names_of_scopes_are_bounded(monkeypatch):
    """Scopes are names from spans: past a limit they are counted together."""
    monkeypatch.setattr(skipped, "MAX_SCOPES", 2)
    counted = SkippedTraces()
    for number in range(5):
        counted.add([make_span("r", None, scope=f"s{number}" if number else "")])
        counted.add_sent([make_span("r", None, scope=f"t{number}")])
    assert counted.scopes == {"(no scope)": 1, "s1": 1, "(others)": 3}
    assert len(counted._sent) == 2


def no_run(caplog):
    return [r for r in caplog.records if "No model call" in r.getMessage()]


def test_the_first_trace_is_logged_with_what_to_do(caplog):
    """As long as no run was sent: one line at the first trace, one at the flush."""
    pipeline = Pipeline(Config(), skipped=SkippedTraces(lambda: "pip install magic"))
    feed(pipeline, AI, 1)
    pipeline.skipped.log()
    [record] = no_run(caplog)
    assert record.levelno == logging.WARNING
    assert AI in record.getMessage()
    assert "pip install magic" in record.getMessage()
    for number, scope in enumerate((AI, "b", "c", "d", "e", "f", "g"), 2):
        feed(pipeline, scope, number)
        pipeline.skipped.log()
    pipeline.skipped.log(everything=True)
    pipeline.skipped.log(everything=True)
    [_, record] = no_run(caplog)
    assert "b, c, d, e, f, ..." in record.getMessage()


@pytest.mark.parametrize(
    ("advice", "level"),
    [
        pytest.param("", logging.INFO, id="a-web-service"),
        pytest.param("pip install magic", logging.WARNING, id="with-a-model-library"),
    ],
)
def test_requests_alone_are_logged_at_the_flush(advice, level, caplog):
    """Health checks warn only where a library of models is loaded, and at the end."""
    caplog.set_level(logging.INFO)
    pipeline = Pipeline(Config(), skipped=SkippedTraces(lambda: advice))
    feed(pipeline, "http", 1, **{"http.route": "/health"})
    pipeline.skipped.log()
    assert no_run(caplog) == []
    pipeline.skipped.log(everything=True)
    assert [r.levelno for r in no_run(caplog)] == [level]


def test_parts_without_a_root():
    """In its own process a part may yet become a run: only a gateway counts it."""
    part = make_span("c", "r", {}, scope=AI, trace=tid(1))
    own, receiver = SkippedTraces(lambda: ""), SkippedTraces()
    for each in (own, receiver):
        each.add([part])
    assert own.scopes == {}
    assert receiver.scopes == {AI: 1}
    own.add([part, make_span("r", None, {}, scope="my.app", trace=tid(1))])
    assert own.scopes == {AI: 1, "my.app": 1}


def test_nothing_is_logged_as_missing_once_a_run_was_sent(caplog):
    """After a run, only the scopes of other traces are logged."""
    pipeline = Pipeline(Config(), skipped=SkippedTraces(lambda: "pip install magic"))
    assert pipeline.feed([chat(scope=AI, trace=tid(99))], 0.0)
    feed(pipeline, "my.app", 1)
    pipeline.skipped.log(everything=True)
    assert no_run(caplog) == []
