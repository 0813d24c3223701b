"""What the doctor finds in the instrumentations."""

from __future__ import annotations

import pytest

from infinium_otel.apps.doctor import (
    instrumentations,
    sdk,
)
from support.doctor import CAPTURE, GENAI, OPENAI_V2, OPENINFERENCE, level_and_fix

LATEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http,gen_ai_latest_experimental"}
AGENTS_V2 = {"opentelemetry-instrumentation-openai-agents-v2": "0.1.0"}
OPENLLMETRY = {"opentelemetry-instrumentation-langchain": "0.62.4"}


def placement_of(installed, environ):
    (row,) = instrumentations.find_instrumentations(installed).values()
    return row.get_placement(environ)


@pytest.mark.parametrize(
    ("installed", "environ", "expected"),
    [
        pytest.param(GENAI, {}, "nowhere", id="genai-default"),
        pytest.param(GENAI, {CAPTURE: "true"}, "nowhere", id="genai-true-is-refused"),
        pytest.param(GENAI, {CAPTURE: "span_only"}, "span", id="genai-span"),
        pytest.param(GENAI, {CAPTURE: "SPAN_AND_EVENT"}, "span", id="genai-both"),
        pytest.param(GENAI, {CAPTURE: "EVENT_ONLY"}, "logs", id="genai-event"),
        pytest.param(OPENAI_V2, {}, "nowhere", id="v2-default"),
        pytest.param(OPENAI_V2, {CAPTURE: "true"}, "logs", id="v2-true"),
        pytest.param(OPENAI_V2, {CAPTURE: "SPAN_ONLY"}, "nowhere", id="v2-not-opted"),
        pytest.param(
            OPENAI_V2, {**LATEST, CAPTURE: "SPAN_ONLY"}, "span", id="v2-opted-in"
        ),
        pytest.param(OPENINFERENCE, {}, "span", id="openinference-default"),
        pytest.param(
            OPENINFERENCE,
            {"OPENINFERENCE_HIDE_OUTPUTS": "True"},
            "nowhere",
            id="hidden",
        ),
        pytest.param(OPENLLMETRY, {}, "span", id="openllmetry-default"),
        pytest.param(
            OPENLLMETRY, {"TRACELOOP_TRACE_CONTENT": "false"}, "nowhere", id="tl-off"
        ),
        pytest.param({"anthropic": "2.11.0"}, {}, "nowhere", id="anthropic-default"),
        pytest.param(
            {"anthropic": "2.11.0"},
            {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"},
            "span",
            id="anthropic-content",
        ),
        pytest.param({"google-adk": "2.13.0"}, {}, "span", id="adk-default"),
        pytest.param({"openlit": "1.45.0"}, {}, "span", id="openlit-default"),
        pytest.param(
            {"openlit": "1.45.0"}, {CAPTURE: "SPAN_ONLY"}, "nowhere", id="openlit-mode"
        ),
        pytest.param(
            {"agent-framework-core": "1.23.0"}, {}, "nowhere", id="maf-default"
        ),
        pytest.param(
            {"agent-framework-core": "1.23.0"},
            {"ENABLE_SENSITIVE_DATA": "true"},
            "span",
            id="maf-sensitive-data",
        ),
        pytest.param(AGENTS_V2, {CAPTURE: "false"}, "nowhere", id="agents-v2-off"),
        pytest.param(AGENTS_V2, {CAPTURE: "EVENT_ONLY"}, "logs", id="agents-v2-event"),
        pytest.param(
            AGENTS_V2,
            {},
            "span",
            id="agents-v2-default",
        ),
        pytest.param({"mcp": "2.3.0"}, {}, "nowhere", id="mcp"),
        pytest.param({"autogen-core": "0.7.5"}, {}, "nowhere", id="autogen"),
    ],
)
def test_where_texts_of_messages_go(installed, environ, expected):
    """Each package has its own variables, with their own meanings."""
    assert placement_of(installed, environ) == expected


@pytest.mark.parametrize(
    "installed",
    [
        pytest.param({"anthropic": "1.9.0"}, id="client-that-emits-nothing"),
        pytest.param({"opentelemetry-instrumentation-httpx": "0.66b2"}, id="no-llm"),
        pytest.param({"openinference-semantic-conventions": "0.1"}, id="only-names"),
    ],
)
def test_other_packages_do_not_match(installed):
    """Another name with the prefix, or a version that emits no spans, does not match."""
    assert instrumentations.find_instrumentations(installed) == {}


def test_an_instrumentation_without_texts_is_a_warning():
    """The finding has what is recorded, what is not, and the command that changes it."""
    (finding,) = instrumentations.check_instrumentations(OPENAI_V2, {})
    assert finding.level == "warning"
    assert "cached and reasoning tokens" in finding.message
    assert finding.fix == (
        "export OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental "
        f"{CAPTURE}=SPAN_ONLY"
    )


@pytest.mark.parametrize(
    ("installed", "environ", "message"),
    [
        pytest.param(OPENINFERENCE, {}, "texts on spans", id="span"),
        pytest.param(OPENAI_V2, {CAPTURE: "true"}, "in log records only", id="logs"),
        pytest.param({"mcp": "2.3.0"}, {}, "no message texts", id="nothing-changes-it"),
    ],
)
def test_an_instrumentation_is_listed_with_its_texts(installed, environ, message):
    """What no setting can change is not a warning."""
    (finding,) = instrumentations.check_instrumentations(installed, environ)
    assert finding.level == "ok"
    assert finding.message.endswith(message)


def test_a_value_without_effect_is_found():
    """Other packages accept `true`; for these it means no texts."""
    *_, finding = instrumentations.check_instrumentations(GENAI, {CAPTURE: "True"})
    assert level_and_fix([finding]) == [("warning", f"export {CAPTURE}=SPAN_ONLY")]
    (only,) = instrumentations.check_instrumentations(OPENAI_V2, {CAPTURE: "true"})
    assert only.level == "ok"


@pytest.mark.parametrize(
    ("installed", "fix"),
    [
        pytest.param({}, None, id="nothing-installed"),
        pytest.param(
            {"openai": "3.0", "langchain-core": "1.0"},
            "pip install opentelemetry-instrumentation-genai-openai "
            "opentelemetry-instrumentation-genai-langchain",
            id="clients",
        ),
    ],
)
def test_an_environment_without_any_is_a_warning(installed, fix):
    """Without an instrumentation nothing is recorded; the fix depends on the clients."""
    found = instrumentations.check_instrumentations(installed, {})
    assert level_and_fix(found) == [("warning", fix)]


def test_dialects_of_other_packages():
    """A dialect of another distribution is listed with its entry point."""
    (finding,) = sdk.list_dialects({"acme": "acme_otel:dialect"})
    assert finding.message == "dialect acme is added by acme_otel:dialect"


@pytest.mark.parametrize(
    ("version", "levels"),
    [("1.10.0", ["warning"]), ("1.35.0", ["warning"]), ("1.36.0", []), ("2.0.0", [])],
)
def test_a_framework_that_flushes_inside_a_run(version, levels):
    """Each flush sends a part of the run.

    Source: strands-agents/harness-sdk#2142; the wheels of 1.35.0 and 1.36.0.
    """
    found = instrumentations.check_flushes({"strands-agents": version})
    assert [finding.level for finding in found] == levels
