"""What to change if another vendor's SDK and ours do not see each other's spans."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from infinium_otel.exporter import _providers as providers
from infinium_otel.runtime import instrumentors

logger = logging.getLogger(__name__)


def report() -> None:
    """At exit, log what to do if one of us received no span at all."""
    handles = [each.handle for each in providers.attachments]
    if not handles:
        return
    if any(handle.stats.received for handle in handles):
        advice = _advise_on_openlit()
        if advice:
            logger.warning("OpenLIT received no span. %s", advice)
        return
    advice = _advise_on_own_providers() or instrumentors.advise()
    if advice:
        logger.warning("No span was recorded, so no run was sent. %s", advice)


def _advise_on_own_providers() -> str:
    """What to do about a vendor that has a provider of its own.

    Logfire and Phoenix keep their spans to their own provider, which the SDK does not
    accept as the global one after `register()`; MLflow's is never global by default.

    Source: logfire 5.4, arize-phoenix-otel 0.17, mlflow-tracing 3.17.
    """
    logfire = sys.modules.get("logfire")
    instance = getattr(logfire, "DEFAULT_LOGFIRE_INSTANCE", None)
    config = getattr(instance, "config", None)
    if getattr(config, "_initialized", False):
        return _advise_to_come_after("logfire.configure()")
    if "phoenix.otel" in sys.modules:
        return _advise_to_come_after("phoenix.otel.register()")
    shares = os.environ.get("MLFLOW_USE_DEFAULT_TRACER_PROVIDER", "true").lower()
    if "mlflow.tracing" in sys.modules and shares not in ("false", "0"):
        return (
            "MLflow keeps its spans to a tracer provider of its own: set "
            "MLFLOW_USE_DEFAULT_TRACER_PROVIDER=false before it is imported"
        )
    return ""


def _advise_on_openlit() -> str:
    """What to do if OpenLIT found our provider, to which it adds no exporter.

    Source: openlit 1.45, `otel/tracing.py`.
    """
    openlit: Any = sys.modules.get("openlit.otel.tracing")
    if not getattr(openlit, "TRACER_SET", False) or not providers.is_only_ours():
        return ""
    return _advise_to_come_after("openlit.init()")


def _advise_to_come_after(setup: str) -> str:
    return f"Other tracer providers must come first: call register() after {setup}"
