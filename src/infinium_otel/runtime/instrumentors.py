"""The installed instrumentors of AI libraries: which they are, and their activation.

Several packages instrument the same library. One of them is activated, in the order of
`FAMILIES`, so that no call is recorded twice.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from infinium_otel.config.suggestion import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence
    from importlib.metadata import Distribution, EntryPoint

logger = logging.getLogger(__name__)

GROUP = "opentelemetry_instrumentor"
"""The entry point group. Source: opentelemetry-instrumentation."""

OPENLLMETRY = (
    *("openai", "anthropic", "langchain", "llamaindex", "bedrock", "mistralai"),
    *("cohere", "groq", "ollama", "together", "crewai", "haystack", "replicate"),
    *("vertexai", "google-generativeai", "watsonx", "sagemaker", "alephalpha"),
    *("transformers", "writer", "agno", "openai-agents", "mcp"),
)
"""What OpenLLMetry's packages instrument, as their names have it."""
OPENLLMETRY_STORES = (
    *("chromadb", "lancedb", "marqo", "milvus", "pinecone", "qdrant", "weaviate"),
    *("litellm", "voyageai"),
)
"""The same for vector stores, embeddings and the proxies of models."""

# The patterns are compiled when they are needed, which few programs do: at the import they
# took a twentieth of the time of `register`.
_INSTRUMENTED = r"(?P<name>[\w.-]+).*extra == ['\"]instruments(?:-any)?['\"]"
"""A requirement that names an instrumented library."""

_PREFIX = "opentelemetry-instrumentation-"
FAMILIES = (
    ("OpenTelemetry", f"{_PREFIX}(?:genai-(.+)|(.+)-v2|(google-genai))"),
    ("OpenInference", "openinference-instrumentation-(.+)"),
    ("OpenLLMetry", f"{_PREFIX}({'|'.join((*OPENLLMETRY, *OPENLLMETRY_STORES))})"),
)
"""Who makes instrumentors, the preferred first, and the names of their distributions."""

ALIASES = {
    "boto3": "bedrock",
    "google-generativeai": "google-genai",
    "google-genai-sdk": "google-genai",
    "langchain-core": "langchain",
    "llamaindex": "llama-index",
    "llama-index-core": "llama-index",
    "mistral": "mistralai",
}
"""Other names of libraries in the names of distributions."""

INSTRUMENTATION_FOR = {
    "openai": "opentelemetry-instrumentation-genai-openai",
    "anthropic": "opentelemetry-instrumentation-genai-anthropic",
    "google-genai": "openinference-instrumentation-google-genai",
    "langchain-core": "opentelemetry-instrumentation-genai-langchain",
    "openai-agents": "opentelemetry-instrumentation-genai-openai-agents",
    "llama-index-core": "openinference-instrumentation-llama-index",
    "dspy": "openinference-instrumentation-dspy",
    "boto3": "openinference-instrumentation-bedrock",
}
"""Libraries that emit no spans themselves, and the package that instruments them."""

_MODULES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google.genai": "google-genai",
    "langchain_core": "langchain-core",
    "llama_index.core": "llama-index-core",
    "dspy": "dspy",
}
"""The libraries of `INSTRUMENTATION_FOR` that only a program with models imports."""


class Instrumentor:
    """An installed package that makes a library emit spans.

    Args:
        library: what it instruments, by the name that `register(instrument=[...])` takes.
        rank: the place of its family in `FAMILIES`.
        distribution: the package's name.
        entry_point: loads its class.
    """

    def __init__(
        self, library: str, rank: int, distribution: str, entry_point: EntryPoint
    ) -> None:
        self.library = library
        self.rank = rank
        self.distribution = distribution
        self.entry_point = entry_point

    @property
    def is_active(self) -> bool:
        """Whether it has been activated, by whomever."""
        if self.entry_point.module not in sys.modules:
            return False
        # Not by making an instance: some constructors reset global settings, as
        # opentelemetry-instrumentation-openai 0.62 does.
        instance = getattr(self.entry_point.load(), "_instance", None)
        return bool(getattr(instance, "is_instrumented_by_opentelemetry", False))

    def activate(self, **providers: Any) -> bool:
        """Make the library emit spans to *providers*; False if it cannot be done."""
        if not _has_libraries(self.entry_point.dist):
            return False
        try:
            instrumentor = self.entry_point.load()()
            # Versions are checked too; `instrument` would log an error. Source:
            # opentelemetry-instrumentation 0.66, `BaseInstrumentor`.
            find_conflict = getattr(instrumentor, "_check_dependency_conflicts", None)
            if find_conflict is not None and find_conflict():
                return False
            instrumentor.instrument(**providers)
        except Exception as error:  # noqa: BLE001 - a package of others, in any state
            logger.warning("%s could not be activated: %r", self.distribution, error)
            return False
        return self.is_active


def _has_libraries(package: Distribution | None) -> bool:
    """Whether something that an instrumentor instruments is installed, in any version.

    Only a first check: the instrumentor's own follows. It may require less than its
    package names: openinference-instrumentation-llama-index 4.6 names two libraries in
    its extra, and works with one.

    Source: opentelemetry-instrumentation, `get_dist_dependency_conflicts`: the extras
    `instruments` and `instruments-any`.
    """
    required = (package and package.requires) or ()
    named = [re.match(_INSTRUMENTED, requirement) for requirement in required]
    libraries = [match["name"] for match in named if match]
    return not libraries or any(map(_is_installed, libraries))


def _is_installed(name: str) -> bool:
    return _find_version(name) is not None


def _find_version(name: str) -> str | None:
    from importlib.metadata import (  # noqa: PLC0415 - takes time, needed by few
        PackageNotFoundError,
        version,
    )

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def find_refusals(instrumentors: Iterable[Instrumentor]) -> list[str]:
    """What helps, if none of them supports the installed version of their library."""
    found = [_find_refusal(each) for each in instrumentors]
    return found if all(found) else []


def _find_refusal(instrumentor: Instrumentor) -> str:
    """Source: opentelemetry-instrumentation 0.66, `get_dist_dependency_conflicts`.

    Every instrumentor depends on that package, which depends on `packaging`.
    """
    package, refusal = instrumentor.entry_point.dist, ""
    for requirement in (package and package.requires) or ():
        match = re.match(_INSTRUMENTED, requirement)
        installed = match and _find_version(match["name"])
        if not match or not installed:
            continue
        if _fits(requirement, installed):
            return ""
        wanted = requirement.partition(";")[0].strip()
        refusal = (
            f"{instrumentor.distribution} does not support {match['name']} {installed}: "
            f"pip install '{wanted}'"
        )
    return refusal


def _fits(requirement: str, version: str) -> bool:
    try:
        requirements = import_module("packaging.requirements")
        wanted = requirements.Requirement(requirement).specifier
    except (ImportError, ValueError):  # pragma: no cover - broken packages
        return True
    return bool(wanted.contains(version, prereleases=True))


def find_instrumentors() -> dict[str, list[Instrumentor]]:
    """The installed instrumentors of AI libraries by library, the preferred first."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - as above

    found = {}
    for entry_point in entry_points(group=GROUP):
        instrumentor = _classify(entry_point)
        if instrumentor is not None:
            found[instrumentor.distribution] = instrumentor
    by_library: dict[str, list[Instrumentor]] = {}
    for instrumentor in sorted(found.values(), key=lambda each: each.rank):
        by_library.setdefault(instrumentor.library, []).append(instrumentor)
    return by_library


def _classify(entry_point: EntryPoint) -> Instrumentor | None:
    """The instrumentor at *entry_point*; None if it is not one of an AI library."""
    if entry_point.dist is None:
        return None
    distribution = _normalize(entry_point.dist.name)
    for rank, (_, pattern) in enumerate(FAMILIES):
        match = re.fullmatch(pattern, distribution)
        if match:
            library = next(filter(None, match.groups()))
            library = ALIASES.get(library, library)
            return Instrumentor(library, rank, distribution, entry_point)
    return None


def _normalize(name: str) -> str:
    return re.sub("[-_.]+", "-", name.strip().lower())


def activate(
    names: Sequence[str] | None, *, capture_content: bool, **providers: Any
) -> list[Instrumentor]:
    """Activate one instrumentor per library, unless the library already has an active one.

    What was activated is logged.

    Args:
        names: libraries or distributions; None for all.
        capture_content: also set the variables that make them record content, where
            they are unset.
        providers: passed to the instrumentors: `tracer_provider`, `logger_provider`.

    Returns:
        Those that were activated.
    """
    activated = []
    for candidates in _select(find_instrumentors(), names):
        if any(candidate.is_active for candidate in candidates):
            continue
        for candidate in candidates:
            if capture_content:
                switch_content_on(candidate.entry_point.module, os.environ)
            if candidate.activate(**providers):
                activated.append(candidate)
                break
        else:
            for refusal in find_refusals(candidates):
                logger.warning("%s", refusal)
    if activated:
        listed = ", ".join(sorted(each.distribution for each in activated))
        logger.info("Activated: %s", listed)
    return activated


def _select(
    installed: dict[str, list[Instrumentor]], names: Sequence[str] | None
) -> Iterable[list[Instrumentor]]:
    if names is None:
        return installed.values()
    selected: dict[str, list[Instrumentor]] = {}
    for name in map(_normalize, names):
        library = ALIASES.get(name, name)
        candidates = installed.get(library) or [
            each
            for group in installed.values()
            for each in group
            if name in (each.distribution, _normalize(each.entry_point.name))
        ]
        if candidates:
            selected.setdefault(candidates[0].library, candidates)
        else:
            logger.warning(
                "instrument: no instrumentor of %s is installed%s",
                name,
                _suggest_install(name) or suggest(name, installed),
            )
    return selected.values()


def _suggest_install(library: str) -> str:
    for client, package in INSTRUMENTATION_FOR.items():
        if ALIASES.get(client, client) == ALIASES.get(library, library):
            return f"; pip install {package}"
    return ""


def switch_content_on(scope: str, environ: MutableMapping[str, str]) -> None:
    """Make the instrumentation of *scope* record content on spans.

    A variable that is set is the user's choice and stays as it is; so does one that
    would switch off the content of another library that is loaded.
    """
    from infinium_otel.dialects import find_content_switch  # noqa: PLC0415 - when needed

    switch = find_content_switch(scope)
    if switch is None or switch.placement(environ) == "span":
        return
    verb, *assignments = switch.command.split() or [""]
    for assignment in assignments if verb == "export" else ():
        name, _, value = assignment.partition("=")
        if name not in environ and not _takes_content_away({**environ, name: value}):
            environ[name] = value


def _takes_content_away(environ: MutableMapping[str, str]) -> bool:
    """Whether OpenLIT, which reads the others' variable, would stop recording content."""
    from infinium_otel.dialects import find_content_switch  # noqa: PLC0415 - when needed

    switch = find_content_switch("openlit") if "openlit" in sys.modules else None
    return switch is not None and switch.placement(environ) != "span"


def advise() -> str:
    """What to do so that the model calls of this program are recorded.

    Returns:
        A sentence for the libraries that are imported but not instrumented; "" if there
        are none.
    """
    imported = [name for module, name in _MODULES.items() if module in sys.modules]
    if not imported:
        return ""
    installed = find_instrumentors()
    missing = []
    inactive = []
    refused = []
    for name in imported:
        candidates = installed.get(ALIASES.get(name, name), [])
        if not candidates:
            missing.append(INSTRUMENTATION_FOR[name])
        elif not any(candidate.is_active for candidate in candidates):
            inactive.append(candidates[0].distribution)
            refused += find_refusals(candidates)
    if refused:
        return "; ".join(refused)
    if missing:
        return f"pip install {' '.join(missing)}, and call register(instrument=True)"
    if inactive:
        return f"To activate {', '.join(inactive)}, call register(instrument=True)"
    return ""
