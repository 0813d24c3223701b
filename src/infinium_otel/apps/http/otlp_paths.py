"""Which signal a path is for, and what to answer to a path that is for none.

Exporters build their address from a setting by rules that are often misread: some append
`/v1/traces`, some use the address as it is. What was reported most is recognized here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNALS = {"/v1/traces": "traces", "/v1/logs": "logs", "/v1/metrics": "metrics"}
"""Source: the OTLP specification, "OTLP/HTTP Request"."""

RIGHT = "spans go to /v1/traces and logs to /v1/logs"
MAX_SHOWN = 80


def normalize_path(path: str) -> str:
    """*path* without repeated slashes, and without one at the end.

    opentelemetry-js appended one (open-telemetry/opentelemetry-js#3269), and an address
    that ends in one gets a second (`http://host:4318/` + `/v1/traces`).
    """
    return re.sub("/{2,}", "/", path).rstrip("/") or "/"


def find_signal(path: str, paths: Mapping[str, str] = SIGNALS) -> str | None:
    """The signal that is accepted at *path*; None if it is none of *paths*."""
    return paths.get(normalize_path(path))


def explain_path(path: str) -> str:
    """Why nothing is accepted at *path*, and what to set instead."""
    clean = normalize_path(path)
    return f"no such path: {show(path)}; {RIGHT}{_find_cause(clean)}"


def _find_cause(path: str) -> str:
    if path == "/":
        return (
            ". An address given in code or in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is "
            "used as it is: add /v1/traces"
        )
    if any(f"{known}/" in path for known in SIGNALS) or "/v1/v1/" in path:
        return (
            ". OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended: "
            "give it without a path"
        )
    if path.startswith("/opentelemetry.proto.collector."):
        return ". This is OTLP/HTTP; OTLP/gRPC has a port of its own"
    if path.startswith(("/api/v2/spans", "/api/traces")):
        return ". This is OTLP, not Zipkin or Jaeger: use an OTLP exporter"
    if path.endswith(tuple(SIGNALS)):
        return ". Give the address without what is before /v1"
    return ""


def show(text: str) -> str:
    """*text* for a log or a message: printable, and not long."""
    printable = "".join(each if each.isprintable() else "?" for each in text)
    shown = printable[:MAX_SHOWN]
    return shown if shown == printable else f"{shown}..."
