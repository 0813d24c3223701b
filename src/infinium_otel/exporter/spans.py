"""Spans: the exporter under the SDK's processors, and the processor in their place."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from infinium_otel.exporter.inlet import FLUSH_MILLIS, Inlet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from infinium_otel.config import Config

logger = logging.getLogger(__name__)

FREEZERS = ("AWS_LAMBDA_FUNCTION_NAME", "FUNCTION_TARGET")
"""Variables of platforms that freeze the process between two invocations.
Source: AWS Lambda and Google Cloud Functions, runtime environment variables."""
INVOCATION_S = 5.0
"""Seconds the end of an invocation may wait for its task to be delivered."""


class InfiniumSpanExporter(Inlet, SpanExporter):
    """Makes tasks of ended spans, under `BatchSpanProcessor` or `SimpleSpanProcessor`.

    A trace is complete when its root has ended and the batch that brought it is read
    through. `InfiniumSpanProcessor` knows more, and costs the application less.
    """

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take *spans*, and make the first attempt at delivering what they complete.

        What fails for now stays queued and is tried again in the background. Never
        raises.

        Returns:
            FAILURE only if something was really lost.
        """
        try:
            safe = self._bridge.accept(spans, self._bridge.config.timeout_s)
        except Exception:
            logger.exception("Spans could not be taken")
            safe = False
        return SpanExportResult.SUCCESS if safe else SpanExportResult.FAILURE

    def shutdown(self, timeout_millis: float = FLUSH_MILLIS) -> None:
        """Deliver what is left; afterwards nothing is taken."""
        self._leave(timeout_millis)


class InfiniumSpanProcessor(Inlet, SpanProcessor):
    """The recommended way in: knows which spans are open.

    A trace leaves exactly when its last span has ended. The start and the end of a
    span cost the application an append.
    """

    def __init__(
        self, config: Config | None = None, *, client: Any = None, **settings: Any
    ) -> None:
        super().__init__(config, client=client, **settings)
        self._append = self._bridge.inbox.append
        self._worker = self._bridge.worker
        if any(os.environ.get(name) for name in FREEZERS):
            self.on_end = self._on_end_of_invocation  # type: ignore[method-assign] # so that others need not ask
        elif self._bridge.config.spool is not None:
            self.on_end = self._bridge.ended  # type: ignore[method-assign, assignment] # likewise

    def on_start(
        self,
        span: Span,
        parent_context: Context | None = None,  # noqa: ARG002 - given by the SDK
    ) -> None:
        """Note that *span* is open."""
        self._append((span,))

    def on_end(self, span: ReadableSpan) -> None:
        """Take *span*."""
        self._append(span)
        if self._worker.attention:
            self._bridge.attend()

    def _on_end_of_invocation(self, span: ReadableSpan) -> None:
        """Take *span*; if a run ended with it, see it delivered before the freeze."""
        self._bridge.ended(span)
        parent = span.parent
        if parent is None or parent.is_remote:
            self._bridge.flush(INVOCATION_S)

    def shutdown(self, timeout_millis: float = FLUSH_MILLIS) -> None:
        """Deliver what is left, open traces as incomplete; then nothing is taken."""
        self._leave(timeout_millis)

    def force_flush(self, timeout_millis: float = FLUSH_MILLIS) -> bool:
        """As `Inlet.force_flush`."""
        return self._bridge.flush(timeout_millis / 1000)
