"""Spans: the exporter for the SDK's processors, and the processor that replaces them."""

from __future__ import annotations

import logging
import os
import weakref
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from infinium_otel.config import hide_secrets
from infinium_otel.exporter._batches import flush_batches
from infinium_otel.exporter._handle import Handle
from infinium_otel.exporter.prompts import usage as prompt_usage
from infinium_otel.exporter.prompts import write_prompts
from infinium_otel.runtime import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from typing_extensions import Unpack

    from infinium_otel.config import Config, Settings
    from infinium_otel.runtime import PipelineRunner

logger = logging.getLogger(__name__)

SHORT_LIVED_VARIABLES = ("AWS_LAMBDA_FUNCTION_NAME", "FUNCTION_TARGET", "RQ_JOB_ID")
"""Variables of platforms that freeze or end the process after an invocation or a job.

Source: AWS Lambda and Google Cloud Functions, runtime environment variables; RQ 3.0,
`Worker.fork_work_horse`: a process for each job, which ends by `os._exit`."""
INVOCATION_S = 5.0
"""Seconds the end of an invocation may wait for the delivery of its task."""
OUTAGE_S = 0.5
"""The same after one that waited in vain."""


class InfiniumSpanExporter(Handle, SpanExporter):
    """Turns spans into tasks, for `BatchSpanProcessor` or `SimpleSpanProcessor`.

    A trace is complete once its root has ended and the rest of its batch is processed.
    `InfiniumSpanProcessor` also sees spans start, and costs the application less.
    """

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Process *spans*, and make a first attempt to deliver the tasks they complete.

        A failed delivery stays queued and is retried in the background. Never raises.

        Returns:
            FAILURE only if something was lost.
        """
        try:
            is_safe = self._runner.accept(spans, self._runner.config.timeout_s)
        except Exception as error:  # noqa: BLE001 - the application only wanted to end a span
            self._report_failure(error)
            is_safe = False
        return SpanExportResult.SUCCESS if is_safe else SpanExportResult.FAILURE


class InfiniumSpanProcessor(Handle, SpanProcessor):
    """The recommended integration: it sees which spans are open.

    A trace is sent as soon as its last span has ended. The start and the end of a span
    cost the application one append each.
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
        self._is_short_lived: bool | None = None
        self._invocation_s = INVOCATION_S
        _processors.add(self)

    def after_fork_in_child(self) -> None:
        """Look again whether the process is short-lived: a child may be."""
        self._is_short_lived = None

    def _use(self, runner: PipelineRunner) -> None:
        super()._use(runner)
        self._append = runner.inbox.append
        self._worker = runner.worker
        self._has_spool = runner.config.spool is not None

    def on_start(
        self,
        span: Span,
        parent_context: Context | None = None,
    ) -> None:
        """Record that *span* is open, and write the prompts in use on it."""
        if prompt_usage.began:
            write_prompts(span, parent_context)
        self._append((span,))  # see `runtime.inbox.STARTED`

    def on_end(self, span: ReadableSpan) -> None:
        """Add *span*; in a short-lived process, deliver the run it ends. Never raises."""
        try:
            if self._has_spool or self._is_short_lived is not False:
                self._end_with_care(span)
                return
            # `runner.on_end` without a journal, inlined: this runs for every span.
            self._append(span)
            if self._worker.needs_wake:
                self._runner.process_soon()
        except Exception as error:  # noqa: BLE001 - the application only wanted to end a span
            self._report_failure(error)

    def _end_with_care(self, span: ReadableSpan) -> None:
        """As `on_end`, with a journal, or in a process that may be short-lived."""
        if (
            self._is_short_lived is None
        ):  # only now: RQ's variable is set after the fork
            self._is_short_lived = any(map(os.environ.get, SHORT_LIVED_VARIABLES))
        self._runner.on_end(span)
        if self._is_short_lived and (span.parent is None or span.parent.is_remote):
            is_delivered = self._runner.flush(self._invocation_s)
            self._invocation_s = INVOCATION_S if is_delivered else OUTAGE_S


_processors: weakref.WeakSet[InfiniumSpanProcessor] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for processor in list(_processors):
        processor.after_fork_in_child()


registry.before_exit(flush_batches)
if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
