"""Log records: message content that some instrumentations emit beside their spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from infinium_otel.config import hide_secrets
from infinium_otel.delivery.transport.suppression import is_flushing
from infinium_otel.exporter._handle import FLUSH_MILLIS, Handle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from infinium_otel.config import Config, Settings

SETTLE_S = 6.0
"""Seconds a complete trace waits for log records from a batch processor.

Source: opentelemetry-sdk, `BatchLogRecordProcessor`: default delay of 5 seconds or less."""


class InfiniumLogExporter(Handle, LogRecordExporter):
    """Joins log records to their spans, under the SDK's `BatchLogRecordProcessor`.

    Tasks are sent some seconds later, because log records may arrive after their spans.
    `InfiniumLogRecordProcessor` needs no such delay.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        client: Any = None,
        **settings: Unpack[Settings],
    ) -> None:
        hide_secrets(settings)
        super().__init__(config, client=client, **settings)
        self._runner.wait_for_logs(SETTLE_S)

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        """Process log records; those without a span are ignored. Never raises."""
        try:
            self._runner.accept([each for each in batch if not _is_verdict(each)], 0.0)
        except Exception as error:  # noqa: BLE001 - the application only wanted to log
            self._report_failure(error)
            return LogRecordExportResult.FAILURE
        return LogRecordExportResult.SUCCESS


class InfiniumLogRecordProcessor(Handle, LogRecordProcessor):
    """Joins log records to their spans; costs the application one append."""

    def on_emit(self, log_record: Any) -> None:
        """Process a log record; those without a span are ignored. Never raises."""
        try:
            self._runner.on_log(log_record)
        except Exception as error:  # noqa: BLE001 - the application only wanted to log
            self._report_failure(error)

    def force_flush(self, timeout_millis: float = FLUSH_MILLIS) -> bool:
        """As `Handle.force_flush`; nothing for verdicts, which are the application's."""
        return is_flushing() or super().force_flush(timeout_millis)


def _is_verdict(item: Any) -> bool:
    """Whether this is an event of a verdict, which is no part of another run."""
    record = getattr(item, "log_record", None)
    return "infinium.evaluation.id" in (getattr(record, "attributes", None) or ())
