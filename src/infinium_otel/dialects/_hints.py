"""How each instrumentation is told to write down what was said.

Source: the packages' own settings, versions as in the dialects' `source`.
"""

from __future__ import annotations

from dataclasses import dataclass

GENAI = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
LATEST = "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental"


@dataclass(frozen=True, slots=True)
class ContentSwitch:
    """What switches content on for the instrumentations under one scope.

    Args:
        scope: the instrumentation scope's name, or its beginning.
        default: "on" or "off": what content is where nothing is set.
        hint: what to set, as a person would type it.
    """

    scope: str
    default: str
    hint: str


_TRACELOOP = "TRACELOOP_TRACE_CONTENT=true (or leave it unset)"
_INSTRUMENTATION = "opentelemetry.instrumentation."

CONTENT_SWITCHES = (
    # true is rejected with a warning by this family, and means no content
    ContentSwitch(_INSTRUMENTATION + "genai", "off", f"{GENAI}=SPAN_ONLY"),
    ContentSwitch("opentelemetry.util.genai", "off", f"{GENAI}=SPAN_ONLY"),
    ContentSwitch(
        _INSTRUMENTATION + "openai_v2", "off", f"{LATEST} and {GENAI}=SPAN_ONLY"
    ),
    ContentSwitch(
        _INSTRUMENTATION + "google_genai", "off", f"{LATEST} and {GENAI}=SPAN_ONLY"
    ),
    ContentSwitch(_INSTRUMENTATION + "openai_agents_v2", "off", f"{GENAI}=SPAN_ONLY"),
    # its messages are log records only
    ContentSwitch(
        _INSTRUMENTATION + "botocore",
        "off",
        f"{GENAI}=true and OTEL_LOGS_EXPORTER=infinium",
    ),
    # OpenLLMetry uses the scopes of the official packages it has no rival in
    ContentSwitch(_INSTRUMENTATION, "on", _TRACELOOP),
    ContentSwitch("traceloop", "on", _TRACELOOP),
    ContentSwitch(
        "openinference.instrumentation",
        "on",
        "OPENINFERENCE_HIDE_INPUTS=false and OPENINFERENCE_HIDE_OUTPUTS=false",
    ),
    ContentSwitch(
        "com.anthropic.sdk",
        "off",
        "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content",
    ),
    ContentSwitch("com.anthropic.claude_code", "off", "OTEL_LOG_USER_PROMPTS=1"),
    ContentSwitch(
        "pydantic-ai",
        "on",
        "InstrumentationSettings(include_content=True); with event_mode='logs' also "
        "OTEL_LOGS_EXPORTER=infinium",
    ),
    ContentSwitch(
        "gcp.vertex.agent",
        "on",
        f"ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true, {LATEST} and {GENAI}=SPAN_ONLY",
    ),
    ContentSwitch("agent_framework", "off", "ENABLE_SENSITIVE_DATA=true"),
    ContentSwitch(
        "semantic_kernel",
        "off",
        "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE=true "
        "and OTEL_LOGS_EXPORTER=infinium",
    ),
    ContentSwitch("azure.ai", "off", f"{GENAI}=true"),
    ContentSwitch("openlit", "on", f"{GENAI}=true"),
    ContentSwitch("litellm", "on", f"{GENAI}=SPAN_ONLY"),
    ContentSwitch("haystack", "off", "HAYSTACK_CONTENT_TRACING_ENABLED=true"),
    ContentSwitch(
        "langsmith",
        "on",
        "LANGSMITH_HIDE_INPUTS=false and LANGSMITH_HIDE_OUTPUTS=false",
    ),
    ContentSwitch("ai", "on", "experimental_telemetry.recordInputs and recordOutputs"),
)
"""The more particular scope first."""


def content_hint(scope_name: str) -> str | None:
    """How to switch content on for the spans of one instrumentation.

    Args:
        scope_name: name of the instrumentation scope.

    Returns:
        What to set; None where nothing is known that would help.
    """
    for switch in CONTENT_SWITCHES:
        if _is_within(scope_name, switch.scope):
            return switch.hint
    return None


def _is_within(scope_name: str, scope: str) -> bool:
    """Whether *scope* is the beginning of *scope_name*, up to the end of a word."""
    rest = scope_name.removeprefix(scope)
    whole = scope.endswith(".") or not rest or rest[0] in "._"
    return scope_name.startswith(scope) and whole
