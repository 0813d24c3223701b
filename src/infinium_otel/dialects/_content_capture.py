"""Which setting makes each instrumentation record the texts of messages.

The one table of it: the hint for spans without content and the doctor's findings both
come from here. The guide "Capture message content" shows it.

Source: the packages' own code, in the versions of the dialects' `source`; where a rule
differs from the others, the comment beside it names the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Environ = Mapping[str, str]
Placement = Literal["span", "logs", "nowhere"]
"""Where an instrumentation writes the texts of messages."""

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
LATEST = "gen_ai_latest_experimental"


def _always_on_spans(_: Environ) -> Placement:
    """The placement where no variable changes it; the application's code may."""
    return "span"


@dataclass(frozen=True, slots=True)
class ContentSwitch:
    """What makes the instrumentations under one scope record content.

    Args:
        scope: the instrumentation scope's name, or its beginning.
        default: "on" or "off": whether content is recorded where nothing is set.
        hint: what to set, as a person would type it.
        placement: where content goes under given environment variables.
        command: the shell command that puts content on spans; "" if there is none.
    """

    scope: str
    default: str
    hint: str
    placement: Callable[[Environ], Placement] = _always_on_spans
    command: str = ""


_MODES: dict[str, Placement] = {
    "SPAN_ONLY": "span",
    "SPAN_AND_EVENT": "span",
    "EVENT_ONLY": "logs",
}


def _by_mode(environ: Environ) -> Placement:
    """The GenAI packages, which reject `true` (`opentelemetry.util.genai.utils`)."""
    return _MODES.get(environ.get(CAPTURE, "").strip().upper(), "nowhere")


def _by_mode_if_opted_in(environ: Environ) -> Placement:
    """Packages with two vocabularies: modes in the new one, `true` in the old one.

    With opentelemetry-util-genai 1.3b0 the new one is the only one; opting in does no
    harm there, and versions before need it.
    """
    if LATEST in environ.get(OPT_IN, "").split(","):
        return _by_mode(environ)
    return "logs" if environ.get(CAPTURE, "").lower() == "true" else "nowhere"


def _span_unless(
    *variables: str, nowhere: str, logs: str
) -> Callable[[Environ], Placement]:
    """On spans unless the first variable that is set has one of the other words."""
    places: dict[str, Placement] = {
        **dict.fromkeys(nowhere.split(), "nowhere"),
        **dict.fromkeys(logs.split(), "logs"),
    }

    def placement(environ: Environ) -> Placement:
        values = (environ.get(variable, "") for variable in variables)
        return places.get(next(filter(None, values), "").strip().lower(), "span")

    return placement


def _only_if(
    variable: str, values: str, *, unset: Placement, place: Placement = "span"
) -> Callable[[Environ], Placement]:
    """A switch that is on for some *values* of a variable and off for all others."""
    on = frozenset(values.split())

    def placement(environ: Environ) -> Placement:
        value = environ.get(variable, "").lower()
        if not value:
            return unset
        return place if value in on else "nowhere"

    return placement


def _unless(values: str, *variables: str) -> Callable[[Environ], Placement]:
    """A switch that is on unless one of *variables* has one of *values*."""
    off = frozenset(values.split())

    def placement(environ: Environ) -> Placement:
        found = (environ.get(variable, "").strip().lower() for variable in variables)
        return "nowhere" if any(value in off for value in found) else "span"

    return placement


_ON_SPANS = f"{CAPTURE}=SPAN_ONLY"
_INSTRUMENTATION = "opentelemetry.instrumentation."
_HIDE = ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS")
_ANTHROPIC = "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE"
_ADK = "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS"
_SEMANTIC_KERNEL = "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE"


def _genai(scope: str) -> ContentSwitch:
    return ContentSwitch(scope, "off", _ON_SPANS, _by_mode, f"export {_ON_SPANS}")


def _opted_in(scope: str) -> ContentSwitch:
    return ContentSwitch(
        _INSTRUMENTATION + scope,
        "off",
        f"{OPT_IN}={LATEST} and {_ON_SPANS}",
        _by_mode_if_opted_in,
        f"export {OPT_IN}={LATEST} {_ON_SPANS}",
    )


def _openllmetry(scope: str) -> ContentSwitch:
    return ContentSwitch(
        scope,
        "on",
        "TRACELOOP_TRACE_CONTENT=true (or leave it unset)",
        _only_if("TRACELOOP_TRACE_CONTENT", "true", unset="span"),
        "unset TRACELOOP_TRACE_CONTENT",
    )


def _if_true(scope: str, place: Placement) -> ContentSwitch:
    """An instrumentation of another language, with the older word of the variable."""
    logs = " and OTEL_LOGS_EXPORTER=otlp" if place == "logs" else ""
    return ContentSwitch(
        scope,
        "off",
        f"{CAPTURE}=true{logs}",
        _only_if(CAPTURE, "true", unset="nowhere", place=place),
        f"export {CAPTURE}=true",
    )


CONTENT_SWITCHES = (
    _genai(_INSTRUMENTATION + "genai"),
    _genai("opentelemetry.util.genai"),
    _opted_in("openai_v2"),
    _opted_in("google_genai"),
    # 0.1.0, `_resolve_content_mode`: unset and any unknown word are on
    ContentSwitch(
        _INSTRUMENTATION + "openai_agents_v2",
        "on",
        _ON_SPANS,
        _span_unless(
            CAPTURE,
            "OTEL_INSTRUMENTATION_OPENAI_AGENTS_CAPTURE_CONTENT",
            nowhere="no_content false 0 no none",
            logs="event_only event-only event",
        ),
        f"export {_ON_SPANS}",
    ),
    # its messages are log records only
    ContentSwitch(
        _INSTRUMENTATION + "botocore",
        "off",
        f"{CAPTURE}=true and OTEL_LOGS_EXPORTER=infinium",
        _only_if(CAPTURE, "true", unset="nowhere", place="logs"),
    ),
    # OpenLLMetry uses the scopes of the official packages it has no rival in
    _openllmetry(_INSTRUMENTATION),
    _openllmetry("traceloop"),
    ContentSwitch(
        "openinference.instrumentation",
        "on",
        " and ".join(f"{variable}=false" for variable in _HIDE),
        _unless("true", *_HIDE),
        f"unset {' '.join(_HIDE)}",
    ),
    ContentSwitch(
        "com.anthropic.sdk",
        "off",
        f"{_ANTHROPIC}=content",
        _only_if(_ANTHROPIC, "content", unset="nowhere"),
        f"export {_ANTHROPIC}=content",
    ),
    ContentSwitch(
        "com.anthropic.claude_code",
        "off",
        "OTEL_LOG_USER_PROMPTS=1",
        _only_if("OTEL_LOG_USER_PROMPTS", "1 true", unset="nowhere"),
        "export OTEL_LOG_USER_PROMPTS=1",
    ),
    # event_mode is gone in pydantic-ai 2; it belonged to format version 1
    ContentSwitch(
        "pydantic-ai",
        "on",
        "InstrumentationSettings(include_content=True); with event_mode='logs' also "
        "OTEL_LOGS_EXPORTER=infinium",
    ),
    # its own spans by the first, those of the conventions by the others
    ContentSwitch(
        "gcp.vertex.agent",
        "on",
        f"{_ADK}=true, {OPT_IN}={LATEST} and {_ON_SPANS}",
        _unless("0 false", _ADK),
        f"unset {_ADK}",
    ),
    # agent_framework.observability: `_read_bool_env`
    ContentSwitch(
        "agent_framework",
        "off",
        "ENABLE_SENSITIVE_DATA=true",
        _only_if("ENABLE_SENSITIVE_DATA", "true 1 yes on", unset="nowhere"),
        "export ENABLE_SENSITIVE_DATA=true",
    ),
    ContentSwitch(
        "semantic_kernel",
        "off",
        f"{_SEMANTIC_KERNEL}=true and OTEL_LOGS_EXPORTER=infinium",
        _only_if(_SEMANTIC_KERNEL, "true 1 yes on", unset="nowhere", place="logs"),
    ),
    ContentSwitch(
        "azure.ai",
        "off",
        f"{CAPTURE}=true",
        _only_if(CAPTURE, "true", unset="nowhere"),
        f"export {CAPTURE}=true",
    ),
    # openlit.cli.config: any value but these is off, so the other packages' SPAN_ONLY too
    ContentSwitch(
        "openlit",
        "on",
        f"{CAPTURE}=true",
        _only_if(CAPTURE, "true 1 yes", unset="span"),
        f"export {CAPTURE}=true",
    ),
    # litellm.integrations.opentelemetry: `true` is the events' word here
    ContentSwitch(
        "litellm",
        "on",
        _ON_SPANS,
        _span_unless(CAPTURE, nowhere="no_content false 0", logs="event_only true 1"),
        f"export {_ON_SPANS}",
    ),
    ContentSwitch(
        "haystack",
        "off",
        "HAYSTACK_CONTENT_TRACING_ENABLED=true",
        _only_if("HAYSTACK_CONTENT_TRACING_ENABLED", "true", unset="nowhere"),
        "export HAYSTACK_CONTENT_TRACING_ENABLED=true",
    ),
    ContentSwitch(
        "langsmith",
        "on",
        "LANGSMITH_HIDE_INPUTS=false and LANGSMITH_HIDE_OUTPUTS=false",
        _unless("true", "LANGSMITH_HIDE_INPUTS", "LANGSMITH_HIDE_OUTPUTS"),
        "unset LANGSMITH_HIDE_INPUTS LANGSMITH_HIDE_OUTPUTS",
    ),
    ContentSwitch(
        "@arizeai/openinference-instrumentation-",
        "on",
        " and ".join(f"{variable}=false" for variable in _HIDE),
        _unless("true", *_HIDE),
        f"unset {' '.join(_HIDE)}",
    ),
    # Microsoft.Extensions.AI, `TelemetryHelpers.EnableSensitiveDataDefault`
    _if_true("Experimental.Microsoft.", "span"),
    _if_true("Microsoft.Agents.AI", "span"),
    # `captureMessageContent` of the JavaScript and Java instrumentations
    _if_true("@opentelemetry/instrumentation-openai", "logs"),
    _if_true("@elastic/opentelemetry-instrumentation-openai", "logs"),
    _if_true("io.opentelemetry.openai-java-", "logs"),
    ContentSwitch("ai", "on", "experimental_telemetry.recordInputs and recordOutputs"),
)
"""The more particular scope first."""


def find_content_switch(scope_name: str) -> ContentSwitch | None:
    """The switch of the instrumentation with this scope; None if it is unknown."""
    for switch in CONTENT_SWITCHES:
        if _is_within(scope_name, switch.scope):
            return switch
    return None


def content_hint(scope_name: str) -> str | None:
    """How to switch content on for the spans of one instrumentation.

    Args:
        scope_name: name of the instrumentation scope.

    Returns:
        What to set; None if no setting is known for this scope.
    """
    switch = find_content_switch(scope_name)
    return switch.hint if switch else None


def _is_within(scope_name: str, scope: str) -> bool:
    """Whether *scope* is the beginning of *scope_name*, up to the end of a word."""
    rest = scope_name.removeprefix(scope)
    whole = scope.endswith((".", "-")) or not rest or rest[0] in "._"
    return scope_name.startswith(scope) and whole
