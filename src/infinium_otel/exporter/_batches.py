"""Empties the SDK's batch processors above our exporters, where nothing else does.

A child of a fork never calls the `shutdown` of its provider; a provider made before our
import calls it only after our own exit hook, and the SDK's concurrent processors not at
all.
"""

from __future__ import annotations

import logging
import sys
from itertools import chain
from typing import Any

from opentelemetry import trace

from infinium_otel.exporter._handle import Handle
from infinium_otel.runtime.sdk_processors import list_processors

logger = logging.getLogger(__name__)


def flush_batches() -> None:
    """Have the global providers' batches of our exporters exported; never raises.

    Logs first: they are part of the runs that the spans complete.
    """
    logs = sys.modules.get("opentelemetry._logs")
    providers = [logs.get_logger_provider()] if logs is not None else []
    providers.append(trace.get_tracer_provider())
    for processor in chain.from_iterable(map(list_processors, providers)):
        if isinstance(_get_exporter(processor), Handle):
            try:
                processor.force_flush()
            except Exception:
                logger.exception("A batch could not be exported")


def _get_exporter(processor: Any) -> Any:
    """The exporter of a batch processor; None for any other.

    Source: opentelemetry-sdk 1.39 to 1.45, `BatchSpanProcessor`.
    """
    batch = getattr(processor, "_batch_processor", None)
    return getattr(batch, "_exporter", None)
