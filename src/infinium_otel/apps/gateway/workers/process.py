"""One worker as the parent sees it: a process that is started, watched and stopped.

A new interpreter, not a fork: by the time a worker is started again the parent has
threads, and a fork would copy whatever they hold.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from threading import Lock
from typing import TYPE_CHECKING

from infinium_otel.apps.gateway.workers.channel import Channel
from infinium_otel.apps.gateway.workers.reports import Report

if TYPE_CHECKING:
    from infinium_otel.apps.gateway.workers.assignment import Assignment
    from infinium_otel.apps.gateway.workers.reports import Numbers

PROGRAM = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from infinium_otel.apps.gateway.workers.child import main; "
    "sys.exit(main(sys.argv[1]))"
)
"""With the parent's own path: `-m` would also import from the current directory."""

REPORT_S = 2.0
"""Seconds a worker may take to report."""


class WorkerProcess:
    """One process of a worker. Thread-safe.

    Args:
        assignment: what it does, but for the descriptors.
        index: of the worker.
        peer_listener: where other workers connect; it outlives the process.

    Attributes:
        report: the latest; None before the first.
        heard_s: when it arrived, or when the process was started; monotonic.
    """

    def __init__(
        self, assignment: Assignment, index: int, peer_listener: socket.socket
    ) -> None:
        ours, theirs = socket.socketpair()
        complete = assignment.for_worker(index, peer_listener.fileno(), theirs.fileno())
        self.report: Report | None = None
        self.heard_s = self.started_s = time.monotonic()
        self._lock = Lock()
        self._is_pending = False
        self._channel = Channel(ours)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", PROGRAM, complete.to_json(), *sys.path],
                stdin=subprocess.DEVNULL,
                pass_fds=complete.descriptors,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def update_report(
        self, total: Numbers | None = None, timeout_s: float = REPORT_S
    ) -> bool:
        """Update `report`; False if it does not in time.

        Args:
            total: the sum of all workers, which it shows at `/healthz`.
            timeout_s: seconds to wait. A report that comes later is that of the next call.
        """
        with self._lock:
            try:
                if not self._is_pending:
                    self._channel.send({"total": total})
                    self._is_pending = True
                self._note(self._channel.receive(timeout_s))
            except (EOFError, OSError):  # it has ended, or is busy
                return False
            return True

    def _note(self, message: dict[str, object]) -> None:
        self._is_pending = False
        self.heard_s = time.monotonic()
        self.report = Report(**message)  # type: ignore[arg-type]  # as the child sent it

    def terminate(self) -> None:
        """Have it drain and end; may be called again."""
        if self.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            self._process.kill()
            self._process.wait()

    def collect(self) -> None:
        """Read the last report of a process that has ended."""
        with self._lock:
            try:
                while True:
                    self._note(self._channel.receive(0.1))
            except (EOFError, OSError):
                self._channel.close()
