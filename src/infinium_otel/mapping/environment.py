"""Where the run took place, from the resource and the ids of the trace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import MAX_SCOPE
from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.mapping.evaluations import build_evaluation_tags
from infinium_otel.mapping.prompts import build_prompt_tags
from infinium_otel.mapping.tree import AGENTIC
from infinium_otel.mapping.usage import sum_token_details
from infinium_otel.records.caching import cache_names
from infinium_otel.redaction import find_cut
from infinium_otel.taskdata import EnvironmentContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.mapping.capture_policy import CapturePolicy
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import SpanRecord, Trace

MAX_TAG_LENGTH = 500

RESOURCE_TAGS = (
    "service.name",
    "service.version",
    "service.namespace",
    "deployment.environment.name",
    "deployment.environment",
)


_RUN_TAGS = {
    "hud.trace.reward": "hud.reward",
    "hud.trace.status": "hud.status",
    "agentix.outcome.status": "agentix.status",
    "gen_ai.agent.finish_reason": "gen_ai.agent.finish_reason",
}
"""Tags of a run by the attribute of its root: other systems', and why an agent ended."""


_ENDING = re.compile(
    r"(?:.*[._])?(?:abort|cancel|cancell?ation|exit|interrupt|interruption|stop|termination"
    r"|tripwire)[._]reason"
)
"""Keys for why a run ended before its end, in any vocabulary: `riffer.interrupt.reason`."""


def build_environment(
    trace: Trace, nodes: list[Node], usage_nodes: Iterable[Node], policy: CapturePolicy
) -> EnvironmentContext:
    """The environment of *trace*; `custom_tags` contain the ids that lead back to it."""
    resource = nodes[0].record.resource
    framework, version = _find_framework(nodes)
    runtime = _to_tag(resource.get("process.runtime.name"))
    language = _to_tag(resource.get("telemetry.sdk.language"))
    is_python = language == "python" or (runtime or "").lower() in _PYTHONS
    return EnvironmentContext(
        framework=framework,
        framework_version=version,
        python_version=_to_tag(resource.get("process.runtime.version"))
        if is_python  # else the process ran, or may have run, something else
        else None,
        sdk_version=_to_tag(resource.get("telemetry.sdk.version")),
        runtime=runtime or language,
        region=_to_tag(resource.get("cloud.region")),
        custom_tags=_build_tags(trace, nodes, usage_nodes, policy),
    )


def find_end_ns(nodes: list[Node]) -> int:
    """When the run ended: with the root, or with agentic work that outlived it.

    A web server's span ends when the response begins, before its stream ends.
    """
    root = nodes[0].record
    working = (n.record.end_ns for n in nodes if n.kind in AGENTIC)
    return max(root.start_ns, root.end_ns, *working)


_PYTHONS = frozenset({"cpython", "pypy", "graalpy", "python"})


_TRACERS = frozenset(
    "langfuse langsmith langwatch traceloop lmnr laminar opik braintrust weave mlflow "
    "agentops phoenix arize openlit openllmetry openinference opentelemetry logfire "
    "maxim helicone portkey respan keywordsai galileo datadog sentry".split()
)
"""SDKs that trace what other frameworks do."""

_INSTRUMENTATION = re.compile(r"(?i).*instrumentation(?:::|[.\-_/:])")
_AROUND_FRAMEWORK = re.compile(
    r"(?i)^(?:experimental\.|io\.opentelemetry\.|opentelemetry\.|genai[.-])"
    r"|(?:[._-](?:tracer|telemetry|tracing|otel|opentelemetry|diagnostics|sdk|v\d{1,3}"
    r"|instrumentation|python|js|exporter))+$"
    r"|-\d+(?:\.\d+)*$"
)
_TELEMETRY_PACKAGES = re.compile(r"(?i)(?:core|otel|telemetry|tracing|tracer)\b.*")


def _find_framework(nodes: list[Node]) -> tuple[str | None, str | None]:
    """The framework at work, by the scope of the first span that names one.

    Returns:
        Its name and its version; an instrumentation's version is not the framework's.
    """
    is_instrumented = False
    for node in nodes:
        if node.span.dialects:
            is_instrumented = True
            name = get_framework(node.record.scope_name)
            if name:
                return name, _get_version(node.record)
    first = nodes[0].record
    name = None if is_instrumented else get_framework(first.scope_name)
    return (name, _get_version(first)) if name else (None, None)


def _get_version(record: SpanRecord) -> str | None:
    is_own = has_framework_version(record.scope_name)
    return (record.scope_version or None) if is_own else None


@cache_names(maxsize=256)
def has_framework_version(scope: str) -> bool:
    """Whether a scope's version is its framework's, not an instrumentation's."""
    return bool(scope) and not _FOREIGN_VERSION.search(scope[:MAX_SCOPE])


_FOREIGN_VERSION = re.compile(r"(?i)instrumentation|otel|telemetry|exporter")


@cache_names(maxsize=256)
def get_framework(scope: str) -> str | None:
    """The framework that a scope names, without what names its instrumentation.

    Returns:
        None for the scope of an SDK that traces any framework.
    """
    scope = scope[:MAX_SCOPE]  # else the patterns take the square of its length
    name = _INSTRUMENTATION.sub("", scope, count=1) or scope
    if name == scope:
        name = _get_package(scope)
    for _ in range(MAX_PARTS):
        shorter = _AROUND_FRAMEWORK.sub("", name)
        if shorter in ("", name):
            break
        name = shorter
    tracer, _, traced = name.partition(".")  # "logfire.openai"
    if re.split(r"[^a-z]", tracer.lower(), maxsplit=1)[0] in _TRACERS:
        name = traced
    domain = _DOMAIN.fullmatch(name)
    return (domain[1] if domain else name) or None


_DOMAIN = re.compile(r"(?:com|org|io|ai|dev|net)\.(\w+)")
"""A domain name the wrong way round, of which nothing else is left."""
MAX_PARTS = 4


def _get_package(scope: str) -> str:
    """The part of a path that names the framework: of npm's `@scope/name`, of Go's."""
    parts = scope.split("/")
    if scope.startswith("@") and len(parts) > 1:
        owner = parts[0][1:]
        is_telemetry = _TELEMETRY_PACKAGES.fullmatch(parts[1]) or owner in _TRACERS
        return owner if is_telemetry else parts[1]
    if "." in parts[0] and len(parts) > 2:
        return parts[2]
    return scope


def _to_tag(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= MAX_TAG_LENGTH:
        return value
    text = value if isinstance(value, str) else to_text(value)
    return text[: find_cut(text, MAX_TAG_LENGTH)]


def _build_tags(
    trace: Trace, nodes: list[Node], usage_nodes: Iterable[Node], policy: CapturePolicy
) -> dict[str, str]:
    tags: dict[str, Any] = {
        "otel.trace_id": trace.trace_id,
        "otel.root_span_id": trace.root_id,
        "otel.parent_span_id": nodes[0].record.parent_id,
        "otel.root_span_name": nodes[0].record.name,
        "otel.linked_trace_ids": _join_linked_traces(trace, nodes),
        "gen_ai.conversation.id": _find_first(nodes, "conversation_id"),
        "user.id": _find_first(nodes, "user_id"),
        "gen_ai.agent.name": _join_agents(nodes),
    }
    if not trace.complete:
        tags["otel.incomplete"] = "true"
    if trace.part:
        tags["otel.part"] = str(trace.part)
        tags["continues"] = f"{trace.trace_id}-{trace.root_id}"
    resource, attributes = nodes[0].record.resource, nodes[0].record.attributes
    tags |= {key: resource[key] for key in RESOURCE_TAGS if key in resource}
    if not attributes.keys().isdisjoint(_RUN_TAGS):
        tags |= {
            n: attributes[key] for key, n in _RUN_TAGS.items() if key in attributes
        }
    tags |= _find_endings(attributes, policy)
    tags |= sum_token_details(usage_nodes)
    tags |= build_evaluation_tags(nodes)
    tags |= build_prompt_tags(nodes)
    tags = _collect_metadata(nodes, policy) | tags
    return {
        key: text
        for key, value in tags.items()
        if value is not None
        and (
            text := value
            if type(value) is str and len(value) <= MAX_TAG_LENGTH
            else _to_tag(value)
        )
    }


def _find_endings(
    attributes: Mapping[str, Any], policy: CapturePolicy
) -> dict[str, Any]:
    """Why the run ended early; these are texts of the application's, so content."""
    if not policy.allows_content:
        return {}
    return {
        key: value
        for key, value in attributes.items()
        if key.endswith("reason")
        and _names_ending(key)
        and str(value) not in _USUAL_ENDINGS
    }


_USUAL_ENDINGS = frozenset("stop end_turn tool_use tool_calls stop_sequence".split())
"""Reasons for which a model's answer ends, which are none to stop early."""


@cache_names(maxsize=1024)
def _names_ending(key: str) -> bool:
    return _ENDING.fullmatch(key[:MAX_TAG_LENGTH]) is not None


MAX_LINKED_TRACES = 10


def _join_linked_traces(trace: Trace, nodes: list[Node]) -> str:
    """The ids of other traces that spans link to, such as a message's producer."""
    linked: dict[str, None] = {}
    for node in nodes:
        for link in node.record.links:
            if link.trace_id != trace.trace_id and len(linked) < MAX_LINKED_TRACES:
                linked[link.trace_id] = None
    return ", ".join(linked)


MAX_METADATA = 20
MAX_TAGS = 20
_LABELS = ("tenant", "release", "environment")


def _collect_metadata(nodes: list[Node], policy: CapturePolicy) -> dict[str, Any]:
    """The tags and the metadata that the application sets, the outermost span's first.

    Without content only numbers, and what names a tenant, a release or an environment;
    the tags were withheld before.
    """
    tags: dict[str, None] = {}
    metadata: dict[str, Any] = {}
    for node in nodes:
        for tag in node.span.tags:
            if len(tags) < MAX_TAGS:
                tags[tag] = None
        if not node.span.metadata:
            continue
        for name, value in node.span.metadata.items():
            is_label = name in _LABELS or not isinstance(value, str)
            if len(metadata) < MAX_METADATA and (is_label or policy.allows_content):
                metadata.setdefault(name, value)
    return {**metadata, "tags": ", ".join(tags)}


def _join_agents(nodes: list[Node]) -> str:
    """The names of all agents, in the order of appearance."""
    names = [name for node in nodes if (name := node.span.agent_name)]
    return ", ".join(dict.fromkeys(names))


def _find_first(nodes: list[Node], fact: str) -> Any:
    for node in nodes:
        value = getattr(node.span, fact)
        if value is not None:
            return value
    return None
