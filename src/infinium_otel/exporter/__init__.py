"""The four OpenTelemetry classes: span and log, exporter and processor.

Those for logs are imported on first use, because the SDK's logs take time to import.
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
    from infinium_otel.exporter import logs  # noqa: PLC0415 - on first use

    value: object = getattr(logs, name)
    return value
