"""How to switch content on, per instrumentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from infinium_otel.dialects import (
    CONTENT_SWITCHES,
    content_hint,
    find_content_switch,
)

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ADK = "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS"
OWN = "OTEL_INSTRUMENTATION_OPENAI_AGENTS_CAPTURE_CONTENT"
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
        ("@arizeai/openinference-instrumentation-langchain", "HIDE_INPUTS"),
        ("Experimental.Microsoft.Extensions.AI", "=true"),
        ("Microsoft.Agents.AI.Workflows", "=true"),
        ("io.opentelemetry.openai-java-1.1", "OTEL_LOGS_EXPORTER"),
        ("ai", "recordInputs"),
    ],
)
def test_each_scope_has_its_switch(scope, part):
    """The most particular scope decides."""
    assert part in content_hint(scope)


@pytest.mark.parametrize("scope", ["", "my.app", "aims.agent", "litellmx", "airflow"])
def test_others_have_none(scope):
    """An unknown scope, or one that only begins alike, gets no hint."""
    assert content_hint(scope) is None


@pytest.mark.parametrize("switch", CONTENT_SWITCHES, ids=lambda s: s.scope)
def test_the_default_is_the_placement_without_variables(switch):
    """The default that a person reads is the one that the variables give."""
    assert (switch.placement({}) == "nowhere") is (switch.default == "off")


@pytest.mark.parametrize(
    ("scope", "environ", "placement"),
    [
        ("opentelemetry.instrumentation.botocore", {CAPTURE: "true"}, "logs"),
        ("openinference.instrumentation", {"OPENINFERENCE_HIDE_INPUTS": "1"}, "span"),
        ("traceloop", {"TRACELOOP_TRACE_CONTENT": "0"}, "nowhere"),
        ("traceloop", {"TRACELOOP_TRACE_CONTENT": "TRUE"}, "span"),
        ("gcp.vertex.agent", {ADK: "0"}, "nowhere"),
        ("openlit", {CAPTURE: "SPAN_ONLY"}, "nowhere"),
        ("litellm", {CAPTURE: "true"}, "logs"),
        ("litellm", {CAPTURE: "SPAN_AND_EVENT"}, "span"),
        ("opentelemetry.instrumentation.openai_agents_v2", {CAPTURE: "no"}, "nowhere"),
        ("opentelemetry.instrumentation.openai_agents_v2", {OWN: "event"}, "logs"),
        ("pydantic-ai", {}, "span"),
    ],
)
def test_placement(scope, environ, placement):
    """Each package has its own words for the same variable."""
    assert find_content_switch(scope).placement(environ) == placement


@pytest.mark.parametrize("switch", CONTENT_SWITCHES, ids=lambda s: s.scope)
def test_the_guide_lists_every_switch(switch):
    """The guide about content lists every switch with the same default and hint.

    Each variable is code of its own there, so that it can be copied.
    """
    rows = PAGE.read_text("utf-8").splitlines()
    end = f"| {switch.default} | {switch.hint} |"
    row = next(row for row in rows if row.replace("`", "").endswith(end))
    assert not any(" " in code for code in row.split("`")[1::2])
