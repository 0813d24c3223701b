"""By which signs a trace is one of an agent, whatever its vocabulary.

Source: OpenInference, OpenLLMetry, Traceloop, Vercel's AI SDK, LangChain4j, Spring AI and
others name their scopes by what they instrument; there are more of them every week.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.assembly.roles import AGENT, CALL, UNKNOWN, WORKFLOW
from infinium_otel.dialects import MAX_SCOPE, is_ai_scope, names_ai, read, split_scope
from infinium_otel.mapping.tree import AGENTIC
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.dialects import Dialect
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan, SpanStart

_NOT_AI_DIALECTS = frozenset({"transport", "logfire", "langfuse", "laminar"})
"""What their keys stand on is any span of a program: their SDKs stamp them on all."""

_PLAIN_DIALECTS = frozenset(
    "openinference claude_code promptflow google_adk azure vector_stores strands".split()
)
"""Those that have keys without a prefix of their own: `tool.name`, `session.id`, `gcp.*`."""


def is_agentic(nodes: Sequence[Node]) -> bool:
    """Whether a trace is an agent's: by its kinds, by model work, or by how it failed.

    One that ended well must show work: a model, tool or agent span, or a model beside
    tokens or messages. That an agent was created or a server listed its tools is no
    work. Of one that failed any sign is enough: it must not vanish because its
    vocabulary is unknown.
    """
    if any(
        node.kind in AGENTIC or _has_model_work(node.span) or _has_event(node.record)
        for node in nodes
    ):
        return True
    failed = any(
        node.record.status == "error"
        or (node.span.failure is not None and not node.span.failure.handled)
        for node in nodes
    )
    return failed and any(_has_sign(node) for node in nodes)


def _has_model_work(span: NormalizedSpan) -> bool:
    if span.dropped or not (span.model or span.model_requested):
        return False
    has_tokens = span.usage is not None and (
        span.usage.input is not None or span.usage.output is not None
    )
    return has_tokens or span.output is not None


_WORK = frozenset("llm chat completion embedding tool agent model choice".split())


def _has_event(record: SpanRecord) -> bool:
    """Whether an AI library reports a model's or a tool's work as an event."""
    if not (record.events and is_ai_scope(record.scope_name)):
        return False
    return any(not _WORK.isdisjoint(split_scope(event.name)) for event in record.events)


def _has_sign(node: Node) -> bool:
    """Whether a span is an AI library's, by its scope or by the words of its keys."""
    record, dialects = node.record, node.span.dialects
    if is_ai_scope(record.scope_name):
        return True
    own = [name for name in dialects if name not in _NOT_AI_DIALECTS]
    return bool(own) and (
        not _PLAIN_DIALECTS.issuperset(own) or any(map(names_ai, record.attributes))
    )


_TRANSPORT = (
    "http.",
    "url.",
    "db.",
    "rpc.",
    "messaging.",
    "net.",
    "network.",
    "asgi.",
    "dns.",
    "server.",
    "client.",
    "faas.",
)


def is_transport(record: SpanRecord) -> bool:
    """Whether a span is a request, a query or a message, by the keys of its attributes."""
    return any(key.startswith(_TRANSPORT) for key in record.attributes)


_ROLES = {"agent": AGENT, "workflow": WORKFLOW} | dict.fromkeys(
    AGENTIC - {"agent", "tool"}, CALL
)


class SpanRoles:
    """What spans can be to a run, by what they contain (`Config.task_per` "agent").

    Args:
        readers: dialects of other distributions.
    """

    def __init__(self, readers: tuple[Dialect, ...] = ()) -> None:
        self._readers = readers

    def find_role(self, record: SpanRecord) -> str:
        """The role of an ended span."""
        span = read(record, self._readers)
        if span.unconfirmed:
            return ""
        if span.kind == "step" and (
            "openinference" in span.dialects or is_library_scope(record.scope_name)
        ):
            return WORKFLOW  # a chain, as LangChain and its likes call most spans
        return _ROLES.get(span.kind, "")

    def find_start_role(self, start: SpanStart) -> str:
        """As `find_role`, for one that runs: many get their attributes at their end."""
        record = SpanRecord(
            trace_id=start.trace_id,
            span_id=start.span_id,
            parent_id=start.parent_id,
            name=start.name,
            start_ns=0,
            end_ns=0,
            attributes=start.attributes,
            scope_name=start.scope_name,
        )
        role = self.find_role(record)
        may_change = role in ("", WORKFLOW) and is_library_scope(start.scope_name)
        return UNKNOWN if may_change else role


_LIBRARY = re.compile(r"instrument|openinference|telemetry")


def is_library_scope(scope: str) -> bool:
    """Whether a scope is an AI library's, not the application's own."""
    return bool(_LIBRARY.search(scope.lower())) and is_ai_scope(scope)


def list_scopes(records: Iterable[SpanRecord]) -> dict[str, bool]:
    """The scopes of *records*, each with whether its spans are transport only."""
    found: dict[str, bool] = {}
    for record in records:
        name = record.scope_name[:MAX_SCOPE]
        found[name] = found.get(name, False) or is_transport(record)
    return found
