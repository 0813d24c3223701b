"""Spans of no known kind that only stand around work, by their shape.

Web frameworks, runtimes and the sessions of agent frameworks write spans too. They are
known by what their attributes are about, by who wrote them, or by having nothing of
their own; a user's own span has a name or an attribute that no library writes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import is_ai_scope, is_known_key
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node

_INFRASTRUCTURE = frozenset(
    "http url net network server client peer user_agent asgi wsgi express koa fastify "
    "hapi connect restify nestjs spring aspnetcore servlet dns fs tls socket db rpc "
    "messaging graphql next".split()
)
"""First segments of attributes about requests, connections, files."""

_STAMPED = frozenset(
    "logfire code thread otel langfuse lmnr openinference traceloop langwatch celery "
    "sidekiq rq service process host os k8s container cloud faas aws device telemetry "
    "deployment session user enduser tag tags metadata infinium app_root".split()
)
"""First segments of attributes that processors and SDKs put on every span."""

_AROUND = _INFRASTRUCTURE | _STAMPED

_INSTRUMENTATIONS = re.compile(
    r"@?opentelemetry[./]instrumentation[-./]|OpenTelemetry(?:\.|::)Instrumentation"
    r"|io\.opentelemetry\.|go\.opentelemetry\.io/contrib/|@fastify/otel"
    r"|Microsoft\.AspNetCore|System\.Net\.|fastapi\Z"
)
"""Scopes of web frameworks and runtimes; FastAPI 0.165 writes spans of its own."""

_NAMES = re.compile(
    r"(?:middleware|request handler|router|handler|hook) ?- .*"
    r"|(?:dns|tcp|tls|net|fs|socket)[. ]\w+"
    r"|.* (?:http|websocket) (?:send|receive)"
    r"|[Cc]ycle[ _][0-9a-f][0-9a-f-]{7,}"
    r"|(?:on|session|setup|drain|start|stop)_(?:enter|exit|start|end|close|toolsets"
    r"|agent_activity)|(?:llm|tts|stt)_request_run"
)
"""Names of middleware, sockets, an agent loop's turns, and sessions that begin or end."""

_TURNS = re.compile(r"(?:[Ss]tep|[Tt]urn|[Ii]teration|[Rr]ound|[Ll]oop)[ _:#-]*\d+")
"""Names of an agent loop's turns that are only counted; work of its own has a name."""

_CLASS_NAMES = re.compile(r"[A-Z]\w*\.(?:a?run|a?call|a?invoke|__call__)")
"""Names of a class's method, which runs what is inside it."""


def is_frame(node: Node) -> bool:
    """Whether a span of unknown kind is a frame around work, or nothing but transport."""
    attributes = node.record.attributes
    scope = node.record.scope_name
    if node.children and (_only_sums(node) or _has_operation(node)):
        return True
    has_content = node.span.input is not None or node.span.output is not None
    if has_content or has_own_matter(node):
        return False
    if any(key.partition(".")[0] in _INFRASTRUCTURE for key in attributes):
        return True
    name = node.record.name[:200]
    if node.children and (_CLASS_NAMES.fullmatch(name) or _TURNS.fullmatch(name)):
        return True
    return _is_instrumentation(scope) or _NAMES.fullmatch(name) is not None


def _has_operation(node: Node) -> bool:
    """Whether a span without content is of an operation that the conventions do not have yet."""
    if node.span.input is not None or node.span.output is not None:
        return False
    return "gen_ai.operation.name" in node.record.attributes


def _only_sums(node: Node) -> bool:
    """Whether a span has sums over the calls inside it, or only an agent's name."""
    span = node.span
    if span.input is not None or span.output is not None:
        return False
    is_named = span.agent_name is not None and not has_own_matter(node)
    return span.usage is not None or is_named


@cache_names(maxsize=1024)
def _is_instrumentation(scope: str) -> bool:
    """Whether a scope is that of a web framework's or a runtime's instrumentation."""
    return _INSTRUMENTATIONS.match(scope) is not None and not is_ai_scope(scope)


def has_own_matter(node: Node) -> bool:
    """Whether an attribute describes work that no library knows of."""
    attributes = node.record.attributes
    own = [key for key, value in attributes.items() if _is_set(value) and _is_own(key)]
    if not own:
        return False
    known = {_get_namespace(key) for key in attributes if is_known_key(key)}
    return any(_get_namespace(key) not in known for key in own)


def has_matter(node: Node) -> bool:
    """Whether an attribute describes work at all, not only where it was done."""
    return any(
        _is_set(value) and _get_namespace(key) not in _AROUND
        for key, value in node.record.attributes.items()
    )


def _is_set(value: Any) -> bool:
    return value is not None and value not in ("", "None", "null", (), [])


@cache_names(maxsize=4096)
def _is_own(key: str) -> bool:
    return _get_namespace(key) not in _AROUND and not is_known_key(key)


def _get_namespace(key: str) -> str:
    """The first segment of a key; one without a separator is its own."""
    return re.split(r"[.:]", key, maxsplit=1)[0]
