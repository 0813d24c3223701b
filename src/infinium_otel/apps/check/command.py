"""Runs the command that `infinium-otel check` was given, and ends it with itself."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

STOPPING = ("SIGTERM", "SIGHUP", "SIGINT")
"""Signals that ask this program to end; not all exist on Windows."""
SHELL_BASE = 128
"""A shell's exit code for a program that a signal ended, less the signal's number."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended.

    Args:
        code: its exit code; for a signal 128 more than its number, as in a shell.
        signal_name: of the signal that ended it; "" without one.
        was_stopped: this program received a signal to end while the command ran.
    """

    code: int
    signal_name: str = ""
    was_stopped: bool = False

    def describe(self) -> str:
        """What to say of a command that failed, after "the command itself"."""
        if self.signal_name:
            return f"was ended by {self.signal_name}"
        if self.was_stopped:
            return f"was stopped, and ended with exit code {self.code}"
        return f"failed with exit code {self.code}"


def run_command(argv: Sequence[str], environ: Mapping[str, str]) -> Ended:
    """Run a command to its end.

    A request to end this program is passed on to the command, so that none goes on without
    us, and what it did until then is still checked. The second request kills the command.

    Args:
        argv: the program and its arguments.
        environ: its environment.

    Raises:
        InfiniumError: it cannot be started.
    """
    with _Forwarding() as forwarding:
        try:
            process = subprocess.Popen(list(argv), env=dict(environ))  # noqa: S603 - the user's own command
        except OSError as error:
            raise InfiniumError(f"{argv[0]}: {error.strerror}") from None
        forwarding.begin(process)
        code = process.wait()
    return _to_ended(code, was_stopped=bool(forwarding.received))


class _Forwarding:
    """Passes signals to end on to a process, as a context manager."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Forwarding:  # noqa: PYI034 - Self is Python 3.11's
        # Signals reach the main thread only, and only it may set handlers.
        if threading.current_thread() is threading.main_thread():
            numbers = (getattr(signal, n) for n in STOPPING if hasattr(signal, n))
            for number in numbers:
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:  # as under nohup
                    self._before[number] = before
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before or signal.SIG_DFL)

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on what came before the process had started, and what will come."""
        self._process = process
        for number in self.received:
            _send(process, number)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        if self._process is None:
            return
        if len(self.received) > 1:
            self._process.kill()
        else:
            _send(self._process, number)


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    """Pass on a signal, except Ctrl-C in a terminal, which sends it to both."""
    if number != signal.SIGINT or not _is_in_terminal():
        process.send_signal(number)


def _is_in_terminal() -> bool:
    """Whether the keys of a terminal reach this program."""
    if not hasattr(os, "tcgetpgrp"):  # pragma: no cover - Windows
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _to_ended(code: int, *, was_stopped: bool) -> Ended:
    if code >= 0:
        return Ended(code, was_stopped=was_stopped)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return Ended(SHELL_BASE - code, name, was_stopped)
