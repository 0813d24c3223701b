"""How the OpenTelemetry SDK is set up: limits, exporters, the way to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.apps.doctor.instrumentations import LOGS, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPIC = "OpenTelemetry SDK"
COUNT_LIMITS = ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT")
LENGTH_LIMITS = (
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
)
SDK_LIMIT = 128
"""Attributes a span keeps unless told. Source: the SDK's specification."""

ENOUGH = 10_000


def limits(
    installed: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Whether spans lose attributes, or parts of them."""
    flat = [name for name, row in found(installed).items() if row.flat]
    limit = _limit(environ)
    said = f"a span keeps {limit} attributes"
    if limit >= ENOUGH or not flat:
        yield Finding(TOPIC, "ok", said)
    else:
        said += f", then drops the oldest; {flat[0]} writes more in a long conversation"
        said += "; register() lifts the limit by itself"
        mend = f"export {COUNT_LIMITS[0]}={ENOUGH}"
        yield Finding(TOPIC, "warning", said, mend)
    for variable in LENGTH_LIMITS:
        if environ.get(variable, "").strip():
            said = f"{variable}={environ[variable]} cuts texts, also inside JSON"
            yield Finding(TOPIC, "warning", said, f"unset {variable}")


def _limit(environ: Mapping[str, str]) -> int:
    for variable in COUNT_LIMITS:
        text = environ.get(variable, "").strip()
        if text.isdigit():
            return int(text)
    return SDK_LIMIT


def logs_bridge(
    installed: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Whether texts go into log records, which a span exporter never sees."""
    rows = found(installed)
    names = [name for name, row in rows.items() if row.content(environ) == LOGS]
    if not names:
        return
    if "infinium" in environ.get("OTEL_LOGS_EXPORTER", "").split(","):
        yield Finding(TOPIC, "ok", f"log records of {names[0]} are exported to us")
        return
    said = f"{names[0]} writes texts into log records, which come to us only if asked"
    said += "; register() asks by itself"
    mend = "export OTEL_LOGS_EXPORTER=infinium"
    yield Finding(TOPIC, "warning", said, mend)


def entry_points(
    installed: Mapping[str, str],
    exporters: Mapping[str, str],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """Whether the SDK finds this package, and is told to use it.

    Args:
        installed: versions of distributions by name.
        exporters: the entry points of the SDK's trace exporters, by name.
        environ: the environment.
    """
    for name in ("opentelemetry-api", "opentelemetry-sdk"):
        yield Finding(TOPIC, "ok", f"{name} {installed.get(name, 'not installed')}")
    if not exporters.get("infinium", "").startswith("infinium_otel."):
        said = "the exporter `infinium` is not known to the SDK"
        yield Finding(
            TOPIC, "error", said, "pip install --force-reinstall infinium-otel"
        )
        return
    if "infinium" in environ.get("OTEL_TRACES_EXPORTER", "").split(","):
        yield Finding(TOPIC, "ok", "OTEL_TRACES_EXPORTER sends spans to us")
        return
    said = (
        "OTEL_TRACES_EXPORTER does not name us; nothing to do if code calls register()"
    )
    yield Finding(TOPIC, "note", said, "export OTEL_TRACES_EXPORTER=infinium")


def dialects(names: Mapping[str, str]) -> Iterator[Finding]:
    """The dialects that other distributions add.

    Args:
        names: their entry points, by name.
    """
    for name, value in sorted(names.items()):
        yield Finding(TOPIC, "ok", f"dialect {name} is added by {value}")
