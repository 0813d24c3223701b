"""What is said where spans hold no messages."""

from __future__ import annotations

import logging

import pytest

from infinium_otel import Config
from infinium_otel.bridge import Bridge
from support.sending import MemorySender
from support.told import chat, raised

OPENAI = "opentelemetry.instrumentation.openai_v2"
MESSAGES = {"gen_ai.input.messages": '[{"role": "user", "content": "hi"}]'}


@pytest.fixture
def said(caplog):
    """Feeds spans through a bridge; returns what was said of content."""

    def feed(*spans, logs=False, **settings):
        bridge = Bridge(Config(**settings), MemorySender())
        if logs:
            bridge.wait_for_logs(0.0)
        with caplog.at_level(logging.INFO, "infinium_otel.bridge.hints"):
            for span in spans:
                bridge.accept([span], 1.0)
            bridge.flush(1.0, everything=True)
        bridge.shutdown(1.0)
        return [r.getMessage() for r in caplog.records if r.name.endswith("hints")]

    return feed


def silent(number, scope=OPENAI, **more):
    return chat("c", trace=f"{number:032x}", scope=scope, **more)


def test_the_switch_is_named_once(said):
    """Where calls have no content, it is said once which variable switches it on."""
    (line,) = said(silent(1), silent(2))
    assert line.startswith(f"The spans of {OPENAI} hold no messages")
    assert "CAPTURE_MESSAGE_CONTENT" in line


@pytest.mark.parametrize(
    ("span", "settings"),
    [
        pytest.param(silent(1, attributes=MESSAGES), {}, id="content"),
        pytest.param(silent(1, scope="acme.sdk"), {}, id="unknown-switch"),
        pytest.param(silent(1, scope=""), {}, id="no-scope"),
        pytest.param(silent(1, status="error", events=(raised(),)), {}, id="failed"),
        pytest.param(silent(1), {"capture_content": False}, id="unwanted"),
        pytest.param(silent(1), {"logs": True}, id="comes-as-logs"),
    ],
)
def test_nothing_is_said_where_it_would_not_help(span, settings, said):
    """Nothing is said where content is there, unwanted, comes as logs, or is unknown."""
    assert said(span, **settings) == []


def test_names_without_end_are_not_all_kept(said):
    """Scopes come from spans: only so many are remembered."""
    spans = [silent(n, scope=f"{OPENAI}.x{n}") for n in range(1, 151)]
    assert len(said(*spans)) == 100
