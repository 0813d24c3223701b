"""How the OpenTelemetry SDK is set up: limits, exporters, entry points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.apps.doctor.instrumentations import LOGS, find_instrumentations
from infinium_otel.apps.doctor.launcher import TRACES, has_infinium, suggest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

TOPIC = "OpenTelemetry SDK"
COUNT_LIMITS = ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT")
LENGTH_LIMITS = (
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
)
SDK_LIMIT = 128
"""Attributes a span keeps by default. Source: the SDK's specification."""

ENOUGH = 10_000


NEVER = ("always_off", "parentbased_always_off")
RATIO = ("traceidratio", "parentbased_traceidratio")


def check_recording(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check whether variables keep the SDK from recording all spans."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        message = "OTEL_SDK_DISABLED switches the SDK off: no span is recorded"
        yield Finding(TOPIC, "error", message, "unset OTEL_SDK_DISABLED")
    sampler = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    share = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    if sampler in NEVER:
        message = f"OTEL_TRACES_SAMPLER={sampler} records no trace that begins here"
        yield Finding(TOPIC, "error", message, "unset OTEL_TRACES_SAMPLER")
    elif sampler in RATIO and share and share not in ("1", "1.0"):
        message = f"OTEL_TRACES_SAMPLER records only this share of the traces: {share}"
        fix = "unset OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG"
        yield Finding(TOPIC, "warning", message, fix)


def check_limits(
    installed: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Check whether spans lose attributes, or parts of them."""
    flat = [name for name, row in find_instrumentations(installed).items() if row.flat]
    limit = _read_limit(environ)
    message = f"a span keeps {limit} attributes"
    if limit >= ENOUGH or not flat:
        yield Finding(TOPIC, "ok", message)
    else:
        message += (
            f", then drops the oldest; {flat[0]} writes more in a long conversation; "
            "register() raises the limit itself"
        )
        fix = f"export {COUNT_LIMITS[0]}={ENOUGH}"
        yield Finding(TOPIC, "warning", message, fix)
    for variable in LENGTH_LIMITS:
        if environ.get(variable, "").strip():
            message = (
                f"{variable}={environ[variable]} truncates texts, even inside JSON"
            )
            yield Finding(TOPIC, "warning", message, f"unset {variable}")


def _read_limit(environ: Mapping[str, str]) -> int:
    for variable in COUNT_LIMITS:
        text = environ.get(variable, "").strip()
        if text.isdigit():
            return int(text)
    return SDK_LIMIT


def check_log_export(
    installed: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Check whether texts go to log records, which a span exporter never receives."""
    rows = find_instrumentations(installed)
    names = [name for name, row in rows.items() if row.get_placement(environ) == LOGS]
    if not names:
        return
    if has_infinium("OTEL_LOGS_EXPORTER", environ):
        yield Finding(
            TOPIC, "ok", f"log records of {names[0]} are exported to Infinium"
        )
        return
    message = (
        f"{names[0]} writes texts to log records, which are exported only if "
        "configured; register() configures it"
    )
    fix = "export OTEL_LOGS_EXPORTER=infinium"
    yield Finding(TOPIC, "warning", message, fix)


def check_entry_points(
    installed: Mapping[str, str],
    exporters: Mapping[str, str],
    configurators: Collection[str],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """Check whether the SDK finds this package, and is configured to use it.

    Args:
        installed: versions of distributions by name.
        exporters: the entry points of the SDK's trace exporters, by name.
        configurators: the installed packages that set exporters up, by entry point.
        environ: the environment.
    """
    for name in ("opentelemetry-api", "opentelemetry-sdk"):
        yield Finding(TOPIC, "ok", f"{name} {installed.get(name, 'not installed')}")
    if not exporters.get("infinium", "").startswith("infinium_otel."):
        message = "the SDK does not find the exporter `infinium`"
        yield Finding(
            TOPIC, "error", message, "pip install --force-reinstall infinium-otel"
        )
        return
    if has_infinium(TRACES, environ):
        yield Finding(TOPIC, "ok", f"{TRACES} includes infinium")
        return
    message = (
        f"{TRACES} does not include infinium; nothing to do if code calls register()"
    )
    fix = suggest(is_installed=bool(configurators), environ=environ)
    yield Finding(TOPIC, "note", message, fix)


def list_dialects(names: Mapping[str, str]) -> Iterator[Finding]:
    """List the dialects that other distributions add.

    Args:
        names: their entry points, by name.
    """
    for name, value in sorted(names.items()):
        yield Finding(TOPIC, "ok", f"dialect {name} is added by {value}")
