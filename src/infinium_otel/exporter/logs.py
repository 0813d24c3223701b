"""Log records: content that instrumentations write beside their spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs import export as sdk

from infinium_otel.exporter.inlet import FLUSH_MILLIS, Inlet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.config import Config

    LogRecordExporter = sdk.LogRecordExporter
else:
    # Both were renamed in SDK 1.39.
    LogRecordExporter = getattr(sdk, "LogRecordExporter", None) or sdk.LogExporter

_Result = getattr(sdk, "LogRecordExportResult", None) or sdk.LogExportResult

SETTLE_S = 6.0
"""Seconds a complete trace waits for log records that come through a batch processor:
the longest default delay of the SDK's is five."""


class InfiniumLogExporter(Inlet, LogRecordExporter):
    """Joins log records to their spans, under the SDK's `BatchLogRecordProcessor`.

    Tasks leave some seconds later than without it, because log records may come after
    the spans they belong to. `InfiniumLogRecordProcessor` needs no such wait.
    """

    def __init__(
        self, config: Config | None = None, *, client: Any = None, **settings: Any
    ) -> None:
        super().__init__(config, client=client, **settings)
        self._bridge.wait_for_logs(SETTLE_S)

    def export(self, batch: Sequence[Any]) -> Any:
        """Take log records; those without a span are none of ours. Never raises."""
        self._bridge.accept(batch, 0.0)
        return _Result.SUCCESS

    def shutdown(self, timeout_millis: float = FLUSH_MILLIS) -> None:
        """Deliver what is left; afterwards nothing is taken."""
        self._leave(timeout_millis)


class InfiniumLogRecordProcessor(Inlet, LogRecordProcessor):
    """Joins log records to their spans at the cost of an append."""

    def on_emit(self, log_record: Any) -> None:
        """Take a log record; those without a span are none of ours."""
        self._bridge.logged(log_record)

    def emit(self, log_data: Any) -> None:
        """As `on_emit`, which it was called up to SDK 1.35."""
        self._bridge.logged(log_data)

    def shutdown(self, timeout_millis: float = FLUSH_MILLIS) -> None:
        """Deliver what is left; afterwards nothing is taken."""
        self._leave(timeout_millis)

    def force_flush(self, timeout_millis: float = FLUSH_MILLIS) -> bool:
        """As `Inlet.force_flush`."""
        return self._bridge.flush(timeout_millis / 1000)
