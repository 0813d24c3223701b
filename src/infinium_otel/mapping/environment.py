"""Where the run took place, from the resource and the ids of the trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import text_of
from infinium_otel.mapping.usage import detail_tags
from infinium_otel.taskdata import EnvironmentContext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Trace

MAX_TAG = 500

_RESOURCE_TAGS = (
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
}
"""What another system's run says of itself, by the attribute of its root."""


def environment_of(
    trace: Trace, nodes: list[Node], counted: Iterable[Node]
) -> EnvironmentContext:
    """The environment of *trace*; `custom_tags` carry the ids for the way back."""
    resource = nodes[0].record.resource
    teller = next((n for n in nodes if n.reading.dialects), nodes[0])
    return EnvironmentContext(
        framework=_framework(teller),
        framework_version=teller.record.scope_version or None,
        python_version=_python_version(resource),
        sdk_version=_text(resource.get("telemetry.sdk.version")),
        runtime=_text(resource.get("process.runtime.name"))
        or _text(resource.get("telemetry.sdk.language")),
        region=_text(resource.get("cloud.region")),
        custom_tags=_tags(trace, nodes, counted),
    )


def _python_version(resource: Any) -> str | None:
    language = _text(resource.get("telemetry.sdk.language"))
    version = _text(resource.get("process.runtime.version"))
    return version if language in (None, "python") else None


def _framework(node: Node) -> str | None:
    """The instrumenting library, by its scope."""
    scope = node.record.scope_name
    for prefix in ("opentelemetry.instrumentation.", "openinference.instrumentation."):
        scope = scope.removeprefix(prefix)
    return scope or None


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return (value if isinstance(value, str) else text_of(value))[:MAX_TAG]


def _tags(trace: Trace, nodes: list[Node], counted: Iterable[Node]) -> dict[str, str]:
    tags: dict[str, Any] = {
        "otel.trace_id": trace.trace_id,
        "otel.root_span_id": trace.root_id,
        "otel.parent_span_id": nodes[0].record.parent_id,
        "otel.root_span_name": nodes[0].record.name,
        "gen_ai.conversation.id": _first(nodes, "conversation_id"),
        "user.id": _first(nodes, "user_id"),
        "gen_ai.agent.name": _agents(nodes),
    }
    if not trace.complete:
        tags["otel.incomplete"] = "true"
    if trace.part:
        tags["otel.part"] = str(trace.part)
        tags["continues"] = f"{trace.trace_id}-{trace.root_id}"
    tags |= {key: nodes[0].record.resource.get(key) for key in _RESOURCE_TAGS}
    said = nodes[0].record.attributes
    tags |= {name: said.get(key) for key, name in _RUN_TAGS.items()}
    tags |= detail_tags(counted)
    return {key: text for key, value in tags.items() if (text := _text(value))}


def _agents(nodes: list[Node]) -> str:
    """Every agent that took part, in the order of appearance."""
    names = (node.reading.agent_name for node in nodes)
    return ", ".join(dict.fromkeys(filter(None, names)))


def _first(nodes: list[Node], fact: str) -> Any:
    return next(
        (value for n in nodes if (value := getattr(n.reading, fact)) is not None), None
    )
