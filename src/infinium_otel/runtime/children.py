"""Runs a function before the end of a child process that runs no `atexit` handler.

A child of `multiprocessing` that was forked, and of Celery's prefork pool, ends by
`os._exit`. Both have hooks of their own for it; nothing is imported here that the program
has not imported itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PRIORITY = -100
"""Last among the finalizers of `multiprocessing`: after grandchildren and queues."""

PROCESS_MODULES = ("multiprocessing.process", "billiard.process")


class ChildExit:
    """Calls *deliver* at the end of this process's children, once in each.

    Args:
        deliver: delivers what is left; must be bounded in time and never raise.
    """

    def __init__(self, deliver: Callable[[], None]) -> None:
        self._deliver = deliver
        self._is_inherited = False
        self._finalized_in = 0
        self._has_signal = False

    def watch(self) -> None:
        """Use the hooks of the packages that are imported by now.

        To be called where work begins and in each new child: the hook of a package that
        the parent imports later is found there.
        """
        self._watch_multiprocessing()
        self._watch_celery()

    def _watch_multiprocessing(self) -> None:
        """Source: CPython, `multiprocessing.process.BaseProcess._bootstrap`.

        It clears the finalizers that were inherited, then calls what
        `register_after_fork` has, and at the end of the child its finalizers. Billiard
        has the same, with the lists of `multiprocessing`.
        """
        util = sys.modules.get("multiprocessing.util")
        register = getattr(util, "register_after_fork", None)
        if register is None:
            return
        if not self._is_inherited:
            self._is_inherited = True
            register(self, ChildExit._finalize)
        if any(map(_runs_child, PROCESS_MODULES)):
            self._finalize()

    def _finalize(self) -> None:
        if self._finalized_in != os.getpid():
            self._finalized_in = os.getpid()
            sys.modules["multiprocessing.util"].Finalize(
                None, self._deliver, exitpriority=PRIORITY
            )

    def _watch_celery(self) -> None:
        """Source: Celery, `celery.concurrency.prefork.process_destructor`.

        Its children end by `os._exit` after this signal, recycled ones too.
        """
        signals = sys.modules.get("celery.signals")
        signal = getattr(signals, "worker_process_shutdown", None)
        if signal is not None and not self._has_signal:
            self._has_signal = True
            signal.connect(
                self._on_celery_exit, weak=False, dispatch_uid="infinium_otel"
            )

    def _on_celery_exit(self, **_: Any) -> None:
        self._deliver()


def _runs_child(module: str) -> bool:
    """Whether this process is a child that *module*'s package runs a function in."""
    current = getattr(sys.modules.get(module), "current_process", None)
    return current is not None and getattr(current(), "_parent_pid", None) is not None
