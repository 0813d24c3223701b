"""What the installed instrumentations record and omit, and how to change that.

A table in order of priority: for each distribution, the first row that matches its name
is used.

Source: the packages as released in November 2026, and recordings of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.dialects import find_content_switch
from infinium_otel.runtime.instrumentors import (
    INSTRUMENTATION_FOR,
    OPENLLMETRY,
    find_instrumentors,
    find_refusals,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "Instrumentations"
Environ = Mapping[str, str]

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
GENAI = "opentelemetry.instrumentation.genai"

SPAN, LOGS, NOWHERE = "span", "logs", "nowhere"
"""Where texts of messages go."""


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """A row: one distribution, or all whose names have a common prefix.

    Args:
        name: the distribution's; one that ends in "-" is a prefix.
        records: what it records of a run.
        misses: what it does not record with any setting; "" if nothing is known.
        scope: the instrumentation scope, whose row in `CONTENT_SWITCHES` holds what
            switches texts on; "" if no setting does.
        fixed: where texts go if there is no such setting.
        flat: it writes each message as several attributes, many per span.
        least: the lowest major version that emits spans.
    """

    name: str
    records: str
    misses: str = ""
    scope: str = ""
    fixed: str = SPAN
    flat: bool = False
    least: int = 0

    def matches(self, name: str, version: str) -> bool:
        """Whether this row describes that distribution."""
        major = version.partition(".")[0]
        if major.isdigit() and int(major) < self.least:
            return False
        return name.startswith(self.name) if self.name[-1] == "-" else name == self.name

    def get_placement(self, environ: Environ) -> str:
        """Return where texts go with these variables."""
        switch = find_content_switch(self.scope)
        return switch.placement(environ) if switch else self.fixed

    @property
    def fix(self) -> str:
        """The command that puts texts on spans; "" if there is none."""
        switch = find_content_switch(self.scope)
        return switch.command if switch else ""


CALLS = "LLM calls: model, tokens, errors"
RUNS = "agents, LLM calls, tools, errors"

TABLE = (
    Instrumentation("opentelemetry-instrumentation-genai-", RUNS, "", GENAI),
    Instrumentation(
        "opentelemetry-instrumentation-openai-v2",
        CALLS,
        "cached and reasoning tokens; usage of streams unless the provider sends it",
        "opentelemetry.instrumentation.openai_v2",
    ),
    Instrumentation(
        "opentelemetry-instrumentation-google-genai",
        CALLS,
        "all calls but the last of automatic function calling",
        "opentelemetry.instrumentation.google_genai",
    ),
    Instrumentation(
        "opentelemetry-instrumentation-openai-agents-v2",
        RUNS,
        "",
        "opentelemetry.instrumentation.openai_agents_v2",
    ),
    Instrumentation(
        "openinference-instrumentation-dspy",
        "modules and LLM calls",
        "tokens of LLM calls",
        "openinference.instrumentation",
        flat=True,
    ),
    Instrumentation(
        "openinference-instrumentation-",
        RUNS,
        "",
        "openinference.instrumentation",
        flat=True,
    ),
    *(
        Instrumentation(
            f"opentelemetry-instrumentation-{vendor}",
            RUNS,
            "",
            "traceloop",
            flat=True,
        )
        for vendor in OPENLLMETRY
    ),
    Instrumentation(
        "anthropic",
        "LLM calls and its own tool runs",
        "messages of a failed call",
        "com.anthropic.sdk",
        least=2,
    ),
    Instrumentation(
        "google-adk",
        RUNS,
        "",
        "gcp.vertex.agent",
    ),
    Instrumentation(
        "pydantic-ai-slim",
        RUNS,
        "anything before Agent.instrument_all() is called",
        "pydantic-ai",
    ),
    Instrumentation("strands-agents", RUNS, "ends of runs that fail (1.x)"),
    Instrumentation("langfuse", "what its decorators and clients wrap"),
    Instrumentation("openlit", RUNS, "", "openlit"),
    Instrumentation("agent-framework-core", RUNS, "", "agent_framework"),
    Instrumentation("autogen-core", "agents and tools", "LLM calls", fixed=NOWHERE),
    Instrumentation(
        "mcp", "tool calls", "arguments and results", fixed=NOWHERE, least=2
    ),
)


def find_instrumentations(installed: Mapping[str, str]) -> dict[str, Instrumentation]:
    """Find the rows of the installed distributions, by the distribution's name.

    Args:
        installed: versions of distributions, by name in lower case with hyphens.
    """
    rows = {}
    for name, version in sorted(installed.items()):
        row = next((row for row in TABLE if row.matches(name, version)), None)
        if row is not None:
            rows[name] = row
    return rows


def check_instrumentations(
    installed: Mapping[str, str], environ: Environ
) -> Iterator[Finding]:
    """Report what each installed instrumentation records with *environ*."""
    rows = find_instrumentations(installed)
    for name, row in rows.items():
        yield _describe(f"{name} {installed[name]}", row, row.get_placement(environ))
    genai = next((row for row in rows.values() if row.scope == GENAI), None)
    if genai is not None and environ.get(CAPTURE, "").lower() == "true":
        message = f"{CAPTURE}=true has no effect on genai packages: no texts"
        yield Finding(TOPIC, "warning", message, genai.fix)
    yield from _suggest_instrumentations(rows, installed)


def check_versions() -> Iterator[Finding]:
    """Report the instrumentors that do not support the installed version of a library."""
    for candidates in find_instrumentors().values():
        for refusal in find_refusals(candidates):
            message, _, fix = refusal.partition(": ")
            yield Finding(TOPIC, "warning", message, fix)


def check_flushes(installed: Mapping[str, str]) -> Iterator[Finding]:
    """Check for a framework that flushes inside a run, each of which sends a part of it.

    Source: strands-agents/harness-sdk#2142; 1.36.0 does so no more.
    """
    version = installed.get("strands-agents", "")
    numbers = [int(each) for each in version.split(".")[:2] if each.isdecimal()]
    if version and numbers < [1, 36]:
        message = (
            f"strands-agents {version} flushes after each of its spans: a run arrives "
            "as several tasks, unless there is a spool"
        )
        fix = "pip install --upgrade strands-agents"
        yield Finding(TOPIC, "warning", message, fix)


def _describe(subject: str, row: Instrumentation, placement: str) -> Finding:
    message = f"{subject}: {row.records}"
    message += f"; not {row.misses}" if row.misses else ""
    if placement == NOWHERE and row.fix:
        message += "; no message texts, unless register(instrument=True) runs"
        return Finding(TOPIC, "warning", message, row.fix)
    texts = {
        SPAN: "texts on spans",
        LOGS: "texts in log records only",
        NOWHERE: "no message texts",
    }
    return Finding(TOPIC, "ok", f"{message}; {texts[placement]}")


def _suggest_instrumentations(
    rows: Mapping[str, Instrumentation], installed: Mapping[str, str]
) -> Iterator[Finding]:
    """If nothing that emits spans of agents is installed, suggest what to install."""
    if rows:
        return
    packages = [
        new for client, new in INSTRUMENTATION_FOR.items() if client in installed
    ]
    fix = f"pip install {' '.join(packages)}" if packages else None
    message = "no instrumentation of an LLM library is installed"
    yield Finding(TOPIC, "warning", message, fix)
