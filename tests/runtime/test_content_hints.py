"""Hints about instrumentations whose spans contain no messages."""

from __future__ import annotations

import logging

import pytest

from infinium_otel import Config
from infinium_otel.runtime import PipelineRunner
from support.records import chat, exception_event
from support.sending import MemorySender

OPENAI = "opentelemetry.instrumentation.openai_v2"
MESSAGES = {"gen_ai.input.messages": '[{"role": "user", "content": "hi"}]'}


@pytest.fixture
def get_hints(caplog):
    """Feeds spans to a runner; returns the hints that were logged."""

    def feed(*spans, logs=False, **settings):
        runner = PipelineRunner(Config(**settings), MemorySender())
        if logs:
            runner.wait_for_logs(0.0)
        with caplog.at_level(logging.INFO, "infinium_otel.runtime.content_hints"):
            for span in spans:
                runner.accept([span], 1.0)
            runner.flush(1.0, everything=True)
        runner.shutdown(1.0)
        return [r.getMessage() for r in caplog.records if r.name.endswith("hints")]

    return feed


def silent(number, scope=OPENAI, **more):
    return chat("c", trace=f"{number:032x}", scope=scope, **more)


def test_the_switch_is_named_once(get_hints):
    """Calls without content: the variable that enables it is logged once."""
    (line,) = get_hints(silent(1), silent(2))
    assert line.startswith(f"The spans of {OPENAI} contain no messages")
    assert "CAPTURE_MESSAGE_CONTENT" in line


@pytest.mark.parametrize(
    ("span", "settings"),
    [
        pytest.param(silent(1, attributes=MESSAGES), {}, id="content"),
        pytest.param(silent(1, scope="acme.sdk"), {}, id="unknown-switch"),
        pytest.param(silent(1, scope=""), {}, id="no-scope"),
        pytest.param(
            silent(1, status="error", events=(exception_event(),)), {}, id="failed"
        ),
        pytest.param(silent(1), {"capture_content": False}, id="unwanted"),
        pytest.param(silent(1), {"logs": True}, id="comes-as-logs"),
    ],
)
def test_no_hint_if_it_would_not_help(span, settings, get_hints):
    """No hint if content exists, is unwanted or comes as logs, or for unknown scopes."""
    assert get_hints(span, **settings) == []


def test_the_number_of_hints_is_bounded(get_hints):
    """Scopes come from spans, so only a limited number is remembered."""
    spans = [silent(n, scope=f"{OPENAI}.x{n}") for n in range(1, 151)]
    assert len(get_hints(*spans)) == 100
