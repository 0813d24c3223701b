"""What the installed instrumentations will and will not record, and what changes it.

A table, in the order in which it is looked at: the first row that a distribution's
name fits is the one that counts.

Source: the packages as released in November 2026, and recordings of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOPIC = "Instrumentations"
Environ = Mapping[str, str]

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
LATEST = "gen_ai_latest_experimental"

SPAN, LOGS, NOWHERE, BY_CODE = "span", "logs", "nowhere", "by code"
"""Where texts of messages go; `BY_CODE` is what no variable tells."""


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """A row: one distribution, or all whose names begin alike.

    Args:
        name: the distribution's; one that ends in "-" is the beginning of names.
        records: what it tells of a run.
        misses: what it does not tell, whatever is set; "" if nothing is known.
        content: where texts go under these variables.
        mend: the command that puts texts on spans.
        flat: it writes each message as attributes of its own, many a span.
        least: the lowest major version that emits spans.
    """

    name: str
    records: str
    misses: str = ""
    content: Callable[[Environ], str] = lambda _: SPAN
    mend: str = ""
    flat: bool = False
    least: int = 0

    def fits(self, name: str, version: str) -> bool:
        """True if this row is about that distribution."""
        major = version.partition(".")[0]
        if major.isdigit() and int(major) < self.least:
            return False
        return name.startswith(self.name) if self.name[-1] == "-" else name == self.name


def _genai(environ: Environ) -> str:
    """The packages of the opentelemetry-python-genai repository."""
    places = {"SPAN_ONLY": SPAN, "SPAN_AND_EVENT": SPAN, "EVENT_ONLY": LOGS}
    return places.get(environ.get(CAPTURE, "").upper(), NOWHERE)


def _opted_in(environ: Environ) -> str:
    """Packages that know both vocabularies, and speak the old one unless told."""
    if LATEST in environ.get(OPT_IN, "").split(","):
        return _genai(environ)
    return LOGS if environ.get(CAPTURE, "").lower() == "true" else NOWHERE


def _unless(variable: str, value: str) -> Callable[[Environ], str]:
    return lambda environ: (
        NOWHERE if environ.get(variable, "").lower() == value else SPAN
    )


def _openinference(environ: Environ) -> str:
    hidden = ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS")
    return (
        NOWHERE if any(environ.get(v, "").lower() == "true" for v in hidden) else SPAN
    )


def _anthropic(environ: Environ) -> str:
    mode = environ.get("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "")
    return SPAN if mode == "content" else NOWHERE


ON_SPANS = f"export {CAPTURE}=SPAN_ONLY"
ON_SPANS_OPTED_IN = f"export {OPT_IN}={LATEST} {CAPTURE}=SPAN_ONLY"
CALLS = "LLM calls: model, tokens, errors"
RUNS = "agents, LLM calls, tools, errors"

OPENLLMETRY = (
    *("openai", "anthropic", "langchain", "llamaindex", "bedrock", "mistralai"),
    *("cohere", "groq", "ollama", "together", "crewai", "haystack", "replicate"),
    *("vertexai", "google-generativeai", "watsonx", "sagemaker", "alephalpha"),
    *("transformers", "writer", "agno", "openai-agents", "mcp"),
)
"""What OpenLLMetry's packages instrument, as their names say it."""

TABLE = (
    Instrumentation("opentelemetry-instrumentation-genai-", RUNS, "", _genai, ON_SPANS),
    Instrumentation(
        "opentelemetry-instrumentation-openai-v2",
        CALLS,
        "cached and reasoning tokens; usage of streams unless the provider sends it",
        _opted_in,
        ON_SPANS_OPTED_IN,
    ),
    Instrumentation(
        "opentelemetry-instrumentation-google-genai",
        CALLS,
        "all calls but the last of automatic function calling",
        _opted_in,
        ON_SPANS_OPTED_IN,
    ),
    Instrumentation(
        "opentelemetry-instrumentation-openai-agents-v2", RUNS, "", lambda _: BY_CODE
    ),
    Instrumentation(
        "openinference-instrumentation-dspy",
        "modules and LLM calls",
        "tokens of LLM calls",
        _openinference,
        "unset OPENINFERENCE_HIDE_INPUTS OPENINFERENCE_HIDE_OUTPUTS",
        flat=True,
    ),
    Instrumentation(
        "openinference-instrumentation-",
        RUNS,
        "",
        _openinference,
        "unset OPENINFERENCE_HIDE_INPUTS OPENINFERENCE_HIDE_OUTPUTS",
        flat=True,
    ),
    *(
        Instrumentation(
            f"opentelemetry-instrumentation-{vendor}",
            RUNS,
            "",
            _unless("TRACELOOP_TRACE_CONTENT", "false"),
            "unset TRACELOOP_TRACE_CONTENT",
            flat=True,
        )
        for vendor in OPENLLMETRY
    ),
    Instrumentation(
        "anthropic",
        "LLM calls and its own tool runs",
        "messages of a failed call",
        _anthropic,
        "export ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content",
        least=2,
    ),
    Instrumentation(
        "google-adk",
        RUNS,
        "",
        _unless("ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS", "false"),
        "unset ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS",
    ),
    Instrumentation(
        "pydantic-ai-slim", RUNS, "anything before Agent.instrument_all() is called"
    ),
    Instrumentation("strands-agents", RUNS, "ends of runs that fail (1.x)"),
    Instrumentation("langfuse", "what its decorators and clients wrap"),
    Instrumentation("openlit", RUNS, "", lambda _: BY_CODE),
    Instrumentation("agent-framework-core", RUNS, "", lambda _: BY_CODE),
    Instrumentation("autogen-core", "agents and tools", "LLM calls", lambda _: NOWHERE),
    Instrumentation(
        "mcp", "tool calls", "arguments and results", lambda _: NOWHERE, least=2
    ),
)

REMEDIES = {
    "openai": "opentelemetry-instrumentation-genai-openai",
    "anthropic": "opentelemetry-instrumentation-genai-anthropic",
    "google-genai": "opentelemetry-instrumentation-google-genai",
    "langchain-core": "opentelemetry-instrumentation-genai-langchain",
    "openai-agents": "opentelemetry-instrumentation-genai-openai-agents",
    "llama-index-core": "openinference-instrumentation-llama-index",
    "dspy": "openinference-instrumentation-dspy",
    "boto3": "openinference-instrumentation-bedrock",
}
"""Libraries that emit nothing by themselves, and what makes them."""


def found(installed: Mapping[str, str]) -> dict[str, Instrumentation]:
    """The rows that are about what is installed, by the distribution's name.

    Args:
        installed: versions of distributions, by name in lower case with hyphens.
    """
    rows = {}
    for name, version in sorted(installed.items()):
        row = next((row for row in TABLE if row.fits(name, version)), None)
        if row is not None:
            rows[name] = row
    return rows


def instrumentations(
    installed: Mapping[str, str], environ: Environ
) -> Iterator[Finding]:
    """What each installed instrumentation will record under *environ*."""
    rows = found(installed)
    for name, row in rows.items():
        yield _finding(f"{name} {installed[name]}", row, row.content(environ))
    if environ.get(CAPTURE, "").lower() == "true" and _any_genai(rows):
        said = f"{CAPTURE}=true is not understood by genai packages: no texts"
        yield Finding(TOPIC, "warning", said, ON_SPANS)
    yield from _absent(rows, installed)


def _any_genai(names: Iterable[str]) -> bool:
    return any(
        name.startswith("opentelemetry-instrumentation-genai-") for name in names
    )


def _finding(subject: str, row: Instrumentation, content: str) -> Finding:
    said = f"{subject}: {row.records}"
    said += f"; not {row.misses}" if row.misses else ""
    if content == NOWHERE and row.mend:
        return Finding(TOPIC, "warning", f"{said}; no texts of messages", row.mend)
    texts = {
        SPAN: "texts on spans",
        LOGS: "texts in log records only",
        BY_CODE: "texts as set in code",
        NOWHERE: "no texts of messages",
    }
    return Finding(TOPIC, "ok", f"{said}; {texts[content]}")


def _absent(
    rows: Mapping[str, Instrumentation], installed: Mapping[str, str]
) -> Iterator[Finding]:
    """If nothing is there that emits spans of agents, say what would."""
    if rows:
        return
    remedies = [new for client, new in REMEDIES.items() if client in installed]
    mend = f"pip install {' '.join(remedies)}" if remedies else None
    said = "no instrumentation of an LLM library is installed here"
    yield Finding(TOPIC, "warning", said, mend)
