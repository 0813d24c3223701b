"""How to switch content on, per instrumentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from infinium_otel.dialects import CONTENT_SWITCHES, content_hint

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "content.md"


@pytest.mark.parametrize(
    ("scope", "part"),
    [
        ("opentelemetry.instrumentation.genai.openai", "=SPAN_ONLY"),
        ("opentelemetry.instrumentation.openai_v2", "gen_ai_latest_experimental"),
        ("opentelemetry.instrumentation.openai", "TRACELOOP_TRACE_CONTENT"),
        ("opentelemetry.instrumentation.langchain", "TRACELOOP_TRACE_CONTENT"),
        ("openinference.instrumentation.openai", "OPENINFERENCE_HIDE_INPUTS"),
        ("com.anthropic.sdk.python", "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE"),
        ("com.anthropic.sdk.python.platform", "CONTENT_MODE=content"),
        ("agent_framework", "ENABLE_SENSITIVE_DATA"),
        ("azure.ai.projects", "=true"),
        ("ai", "recordInputs"),
    ],
)
def test_each_scope_has_its_switch(scope, part):
    """The most particular scope decides."""
    assert part in content_hint(scope)


@pytest.mark.parametrize("scope", ["", "my.app", "aims.agent", "litellmx", "airflow"])
def test_others_have_none(scope):
    """A scope nobody knows, or that only begins alike, gets no advice."""
    assert content_hint(scope) is None


@pytest.mark.parametrize("switch", CONTENT_SWITCHES, ids=lambda s: s.scope)
def test_the_guide_says_the_same(switch):
    """Every switch stands on the page about content, as it is here."""
    assert f"| {switch.default} | `{switch.hint}` |" in PAGE.read_text("utf-8")
