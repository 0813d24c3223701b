"""The four OpenTelemetry classes: span and log, exporter and processor.

Those for logs are imported when they are asked for: the SDK's logs are not for free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.exporter.spans import InfiniumSpanExporter, InfiniumSpanProcessor

if TYPE_CHECKING:
    from infinium_otel.exporter.logs import (
        InfiniumLogExporter,
        InfiniumLogRecordProcessor,
    )

__all__ = [
    "InfiniumLogExporter",
    "InfiniumLogRecordProcessor",
    "InfiniumSpanExporter",
    "InfiniumSpanProcessor",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from infinium_otel.exporter import logs  # noqa: PLC0415 - when asked for

    value: object = getattr(logs, name)
    return value
