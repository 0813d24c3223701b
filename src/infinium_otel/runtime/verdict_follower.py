"""Fetches the interpretations of delivered runs, and has them emitted."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from infinium_otel.delivery.storage.spool.awaited_runs import (
    LEASE_S,
    AwaitedRuns,
    MemoryDatabase,
)
from infinium_otel.delivery.verdicts import describe_run, read_verdict
from infinium_otel.errors import SpoolError
from infinium_otel.runtime.verdict_telemetry import count_outcome, emit_verdict
from infinium_otel.runtime.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.queue import Item
    from infinium_otel.delivery.sender import Sender
    from infinium_otel.delivery.verdicts import AwaitedRun

logger = logging.getLogger(__name__)

POLLS_S = (2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0)
"""Seconds before each request for a result; the last one repeats. Source: the service's
documentation: 5 to 30 seconds are typical."""
CREDENTIALS_S = 30.0
"""Seconds until the next request after one whose credentials were refused."""
FAILED_S = 5.0
"""Seconds until the next try after the spool failed."""
STOP_S = 1.0
"""Seconds an exit waits for an emission in progress."""
NOT_FOUND = 404
MAX_EMISSIONS = 5
"""Emissions of one verdict by a process whose logger provider does not export it."""
MAX_UNFLUSHED = 10_000


class VerdictFollower:
    """Awaits the interpretation of each delivered run, in one background thread.

    A run is remembered before its task leaves the queue, in the spool or in memory, and
    forgotten once its evaluations were exported. Nothing here is in the application's way:
    the thread is started on demand and sends in the pace of the deliveries.

    Args:
        config: the settings.
        sender: what delivers the tasks; its `on_delivered` is set.
        epoch: seconds since the epoch.

    Attributes:
        outcomes: runs that this process awaits no more, by what became of them.
    """

    def __init__(
        self, config: Config, sender: Sender, epoch: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._sender = sender
        self._epoch = epoch
        self._database = MemoryDatabase()
        self._memory = AwaitedRuns(self._database, config.max_queued_tasks)
        self._reported: set[str] = set()
        self._unflushed: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.worker = Worker(self._run_once, lambda: False)
        sender.on_delivered = self.note_delivered

    @property
    def awaited(self) -> AwaitedRuns:
        """The runs that are awaited."""
        return self._sender.get_awaited() or self._memory

    def note_delivered(self, item: Item, result: AttemptResult) -> None:
        """Await the interpretation of a task that was delivered. Never raises."""
        run = describe_run(item.key, item.body, result.data, self._epoch())
        if run is None:
            self._report("not_placed", "has no trace, or the service gave it no id")
            return
        try:
            self._add(run)
        except SpoolError as error:
            self._report("spool", f"cannot be remembered ({error})")
        self.resume()

    def resume(self) -> None:
        """Follow what is awaited, unless that is left to another process."""
        if self._config.verdicts_in_process:
            self.worker.wake()

    def _add(self, run: AwaitedRun) -> None:
        dropped = self.awaited.add(run, run.delivered_s + POLLS_S[0])
        if dropped:
            reason = "was dropped: too many runs are awaited"
            self._report("dropped", reason, dropped)

    def stop(self, timeout_s: float) -> None:
        """End the thread; what is awaited stays in the spool, if there is one."""
        self.worker.stop(min(timeout_s, STOP_S))
        if self._sender.get_awaited() is None and (left := self._memory.count()):
            reason = "was not awaited until this process ended; set `spool` to keep on"
            self._report("shutdown", reason, left)
        self._database.close()

    def after_fork_in_child(self) -> None:
        """Forget the parent's runs, which the parent awaits."""
        self._database.after_fork_in_child()
        self.worker.reset()

    def _run_once(self) -> float | None:
        """Request every result that is due; returns seconds until the next, or None."""
        lease_s = LEASE_S + self._config.timeout_s
        try:
            while (run := self.awaited.claim(self._epoch(), lease_s)) is not None:
                pause_s = self._follow(run)
                if pause_s is not None:
                    self.awaited.postpone(run, self._epoch() + pause_s, polled=False)
                    return pause_s
            due_s = self.awaited.get_next_due()
        except SpoolError as error:
            self._report("spool", f"cannot be remembered ({error})", 0)
            return FAILED_S
        return None if due_s is None else max(0.0, due_s - self._epoch())

    def _follow(self, run: AwaitedRun) -> float | None:
        """Request the result of *run*; returns seconds to wait if nothing was requested."""
        result = self._sender.fetch_result(run.result_id)
        if isinstance(result, float):
            return result
        found = (result.data or {}).get("interpretedTraceResult")
        if result.kind == "delivered" and found:
            self._emit(run, found)
        elif _is_final(result):
            self._end(run, "refused", f"was refused ({result.reason})")
        elif self._epoch() - run.delivered_s >= self._config.verdicts_timeout_s:
            waited = f"was not ready after {self._config.verdicts_timeout_s:g} seconds"
            self._end(run, "not_ready", f"{waited}; see `verdicts_timeout_s`")
        else:
            self._postpone(run, result)
        return None

    def _emit(self, run: AwaitedRun, found: object) -> None:
        evaluations = read_verdict(found)
        if not evaluations:
            self._end(run, "empty", "contains no score, label or text")
        elif emit_verdict(run, evaluations, with_texts=self._config.capture_content):
            self.awaited.end(run, self._epoch())
            self._unflushed.pop(run.key, None)
            self._count("judged")
        else:
            self._note_unflushed(run)

    def _note_unflushed(self, run: AwaitedRun) -> None:
        """Emit again once the lease has ended, but not for ever."""
        self._unflushed[run.key] += 1
        if self._unflushed[run.key] >= MAX_EMISSIONS:
            del self._unflushed[run.key]
            self._end(
                run, "not_exported", "could not be exported by the logger provider"
            )
        elif len(self._unflushed) > MAX_UNFLUSHED:
            self._unflushed.clear()

    def _postpone(self, run: AwaitedRun, result: AttemptResult) -> None:
        pause_s = POLLS_S[min(run.polls + 1, len(POLLS_S) - 1)]
        if result.kind == "credentials":
            pause_s = CREDENTIALS_S
        pause_s = max(pause_s, result.delay_s or 0.0)
        self.awaited.postpone(run, self._epoch() + pause_s, polled=True)

    def _end(self, run: AwaitedRun, outcome: str, reason: str) -> None:
        self.awaited.end(run, self._epoch())
        self._report(outcome, reason)

    def _count(self, outcome: str, runs: int = 1) -> None:
        self.outcomes[outcome] += runs
        count_outcome(outcome, runs)

    def _report(self, outcome: str, reason: str, runs: int = 1) -> None:
        """Count runs without a verdict, and log the first of each kind."""
        self._count(outcome, runs)
        if outcome not in self._reported:
            self._reported.add(outcome)
            logger.warning(
                "The interpretation of %d delivered run(s) %s; further ones are counted "
                "as %r in the metric infinium.interpretation.count",
                max(1, runs),
                reason,
                outcome,
            )


def _is_final(result: AttemptResult) -> bool:
    """Whether the service will not give the result; "not found" may mean not yet stored."""
    return result.kind in ("refused", "too_large") and result.status != NOT_FOUND
