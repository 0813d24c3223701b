"""Keeps the workers running: starts them, starts them again, stops them."""

from __future__ import annotations

import logging
import signal
import time
from threading import Lock
from typing import TYPE_CHECKING

from infinium_otel.apps.gateway.workers.process import WorkerProcess
from infinium_otel.apps.gateway.workers.reports import Numbers, add, retire
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from threading import Event

    from infinium_otel.apps.gateway.workers.assignment import Assignment

logger = logging.getLogger(__name__)

START_S = 60.0
"""Seconds until a worker must have reported for the first time."""

TICK_S = 0.1
REPORT_S = 0.5
"""Seconds between two checks whether a worker runs, and between two reports."""

DELAY_S, MAX_DELAY_S = 0.25, 30.0
"""Seconds before a worker is started again: twice as many each time, up to a limit."""

STEADY_S = 60.0
"""Seconds after which the end of a worker has nothing to do with the one before."""

PARTIAL = 1


class Worker:
    """One of the workers, through all its processes.

    Args:
        index: from 0.
        start: starts a process.

    Attributes:
        process: the present one; None between two.
        restarts: how often it was started again.
        failing_since: when the first of the failures in a row was; None without one.
    """

    def __init__(self, index: int, start: Callable[[int], WorkerProcess]) -> None:
        self.index = index
        self._start = start
        self.process: WorkerProcess | None = None
        self.restarts = 0
        self.failing_since: float | None = None
        self.exit_code: int | None = None
        self._delay_s = DELAY_S
        self._due_s = 0.0

    def start(self) -> None:
        """Start a process."""
        self.process = self._start(self.index)

    def note_end(self, code: int, lived_s: float, now_s: float) -> None:
        """Plan the next start, and log what happened, each kind once in a row."""
        if lived_s > STEADY_S or self.failing_since is None:
            self.failing_since, self._delay_s = now_s, DELAY_S
            self.exit_code = None
        if code != self.exit_code:
            logger.error(
                "Worker %d ended with exit code %s and is started again; further ends "
                "like this one are only counted",
                self.index,
                describe_code(code),
            )
        self.exit_code = code
        self._due_s = now_s + self._delay_s
        self._delay_s = min(2 * self._delay_s, MAX_DELAY_S)

    def note_report(self, now_s: float) -> None:
        """Forget earlier failures once a process has run for a while."""
        process = self.process
        if process is not None and now_s - process.started_s > STEADY_S:
            self.failing_since = None

    def is_due(self, now_s: float) -> bool:
        """Whether it is time to start it again."""
        return self.process is None and now_s >= self._due_s


def describe_code(code: int) -> str:
    """An exit code, or the name of the signal that ended a process."""
    if code >= 0:
        return str(code)
    try:
        return f"{code} ({signal.Signals(-code).name})"
    except ValueError:
        return str(code)


class Supervisor:
    """The workers, and the counters of those that have ended.

    Args:
        assignment: what each of them does.
        peer_listeners: where they connect to each other, by index.
        has_spool: whether what a worker holds survives it.
    """

    def __init__(
        self,
        assignment: Assignment,
        peer_listeners: list[socket.socket],
        *,
        has_spool: bool,
    ) -> None:
        def start(index: int) -> WorkerProcess:
            return WorkerProcess(assignment, index, peer_listeners[index])

        self.workers = [Worker(index, start) for index in range(assignment.count)]
        self.is_stopping = False
        self.has_spool = has_spool
        self._retired: Numbers = {}
        self._lock = Lock()

    def start(self, stopped: Event) -> None:
        """Start every worker and wait until each reports.

        Args:
            stopped: set once the command is to end.

        Raises:
            InfiniumError: one could not start: the others are stopped too.
        """
        for worker in self.workers:
            worker.start()
        deadline = time.monotonic() + START_S
        for worker in self.workers:
            while not stopped.is_set() and not self._has_begun(worker, deadline):
                pass

    def _has_begun(self, worker: Worker, deadline: float) -> bool:
        process = worker.process
        assert process is not None  # noqa: S101 - for the type checker
        if process.update_report(timeout_s=TICK_S):
            return True
        code = process.poll()
        if code is None and time.monotonic() < deadline:
            return False
        self.kill()
        reason = (
            "did not start in time"
            if code is None
            else (f"ended with exit code {describe_code(code)} before it was ready")
        )
        raise InfiniumError(f"worker {worker.index} {reason}")

    def run(self, stopped: Event) -> None:
        """Keep the workers running until *stopped* is set."""
        reported_s = 0.0
        while not stopped.wait(TICK_S):
            now_s = time.monotonic()
            for worker in self.workers:
                if not stopped.is_set():  # or they have been stopped as we have
                    self._check(worker, now_s)
            if now_s - reported_s >= REPORT_S:
                reported_s = now_s
                self.update_reports()

    def _check(self, worker: Worker, now_s: float) -> None:
        process = worker.process
        if process is None:
            if worker.is_due(now_s):
                worker.start()
                worker.restarts += 1
            return
        code = process.poll()
        if code is None:
            worker.note_report(now_s)
            return
        self._retire(worker)
        worker.note_end(code, now_s - process.started_s, now_s)

    def _retire(self, worker: Worker) -> None:
        """Keep the counters of a worker that has ended, and forget its process."""
        process = worker.process
        if process is None:
            return
        process.collect()
        kept: Numbers = {}
        if process.report is not None:
            kept = retire(process.report.numbers, has_spool=self.has_spool)
        with self._lock:  # at once: a sum in between would count it twice
            self._retired = add(self._retired, kept)
            worker.process = None

    def update_reports(self) -> None:
        """Have every worker report."""
        total = self.total()
        for process in self.processes():
            process.update_report(total)

    def processes(self) -> list[WorkerProcess]:
        """Those that run."""
        found = [worker.process for worker in self.workers]
        return [process for process in found if process is not None]

    def total(self) -> Numbers:
        """The sum of the latest reports, and of the workers that have ended."""
        with self._lock:
            total = self._retired
            reports = [process.report for process in self.processes()]
        for report in reports:
            if report is not None:
                total = add(total, report.numbers)
        return total

    def stop(self, timeout_s: float) -> int:
        """Have every worker drain and end.

        Returns:
            The worst exit code; that of one that was killed counts as partial.
        """
        self.is_stopping = True
        deadline = time.monotonic() + timeout_s
        running = [each for each in self.workers if each.process is not None]
        while any(_is_running(worker) for worker in running):
            if time.monotonic() > deadline:
                logger.error("Workers did not end in %g s and are killed", timeout_s)
                self.kill()
                break
            # again and again: one that has only just started does not listen yet
            for process in self.processes():
                process.terminate()
            self._wait(running, min(deadline, time.monotonic() + 1.0))
        return max(map(self._end, running), default=0)

    def _end(self, worker: Worker) -> int:
        process = worker.process
        code = None if process is None else process.poll()
        if process is None or code is None:
            return 0
        if code >= 0:
            process.collect()  # its last report: what was delivered, and what was not
            return code
        self._retire(worker)
        return PARTIAL

    def _wait(self, workers: list[Worker], until_s: float) -> None:
        while time.monotonic() < until_s and any(map(_is_running, workers)):
            self.ask_quietly()
            time.sleep(TICK_S)

    def ask_quietly(self) -> None:
        """Have those report that run, so that the numbers are shown until the end."""
        for process in self.processes():
            if process.poll() is None:
                process.update_report(timeout_s=TICK_S)

    def kill(self) -> None:
        """End every worker at once; nothing is known of what they held."""
        for process in self.processes():
            process.kill()
            process.collect()


def _is_running(worker: Worker) -> bool:
    return worker.process is not None and worker.process.poll() is None
