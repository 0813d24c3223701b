"""The runners of this process: shared, notified of forks, drained at exit."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from infinium_otel.delivery.foreign_code import guard
from infinium_otel.delivery.locks import RLock
from infinium_otel.delivery.starts import forget_starts, wait_for_starts
from infinium_otel.runtime.children import ChildExit
from infinium_otel.runtime.closed_streams import guard_loggers
from infinium_otel.runtime.metrics import observe
from infinium_otel.runtime.runner import PipelineRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from infinium_otel.config import Config
    from infinium_otel.delivery.agent_senders import AgentSenders
    from infinium_otel.delivery.sender import Sender
    from infinium_otel.delivery.storage.journal import Journal
    from infinium_otel.dialects import Dialect
    from infinium_otel.pipeline import Router


EXIT_S = 30.0
"""Seconds the exit of a process without a spool may take while tasks are being delivered;
while they are not, it takes `last_delivery.STALLED_S`."""

GREEN_LIBRARIES = frozenset({"gevent", "eventlet"})

_lock = RLock()
_shared: dict[tuple[Config, int], PipelineRunner] = {}
_all: WeakSet[PipelineRunner] = WeakSet()


def get_shared_runner(
    config: Config,
    client: Any = None,
    *,
    sender: Sender | AgentSenders | None = None,
    router: Router | None = None,
) -> PipelineRunner:
    """The one runner of this process for *config* and *client*.

    Creates it if necessary, with *sender* and *router* if they are given. Each caller
    must call `release` once.
    """
    key = (config, id(client))
    readers = _prepare_readers()
    with _lock:
        runner = _shared.get(key)
        if runner is None or runner.closed:
            runner = _shared[key] = _create(config, client, sender, readers, router)
            _all.add(runner)
        runner.handles += 1
    observe(_all)
    _child_exit.watch()
    guard_loggers()
    return runner


def release(runner: PipelineRunner, timeout_s: float) -> bool:
    """Release one handle of *runner*; the last one shuts it down.

    Returns:
        True if everything was delivered or is safe in the spool.
    """
    with _lock:
        runner.handles -= 1
        is_last = runner.handles <= 0
        if is_last:
            for key in [key for key, each in _shared.items() if each is runner]:
                del _shared[key]
    end = runner.shutdown if is_last else runner.drain
    try:
        return end(timeout_s)
    except KeyboardInterrupt:
        if threading.main_thread().is_alive():
            raise
        return _abandon([runner])  # the user does not wait for the end of an exit


def _abandon(runners: Iterable[PipelineRunner]) -> bool:
    """Close at once, whatever the user presses meanwhile."""
    while True:
        try:
            with _ignore_interrupts():
                safe = [runner.abandon() for runner in runners]
            return all(safe)
        except KeyboardInterrupt:  # before it was ignored
            continue


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C: in an exit hook, Python would print a traceback for it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if handler is not None:  # one that was not set by Python cannot be restored
            signal.signal(signal.SIGINT, handler)


def _prepare_readers() -> Callable[[], Sequence[Dialect]]:
    """What gives the dialects of other distributions, which our own thread calls.

    Where all green threads would wait for that thread, they are loaded here and now, and
    with them what the first run needs.
    """
    if GREEN_LIBRARIES.isdisjoint(sys.modules):
        return _load_readers
    import infinium_otel.pipeline  # noqa: F401, PLC0415 - as above

    loaded = _load_readers()
    return lambda: loaded


def _load_readers() -> Sequence[Dialect]:
    # Imported with the first span: it imports all dialects, which takes 200 ms.
    from infinium_otel.dialects.plugins import load_readers  # noqa: PLC0415

    guard_loggers()  # that of the module above as well
    return [
        replace(reader, refine=reader.refine and guard(reader.refine))
        for reader in load_readers()
    ]


def _create(
    config: Config,
    client: Any,
    sender: Sender | AgentSenders | None,
    readers: Callable[[], Sequence[Dialect]],
    router: Router | None,
) -> PipelineRunner:
    from infinium_otel.delivery.sender import Sender  # noqa: PLC0415 - when needed
    from infinium_otel.runtime.local_spans import make_local_spans  # noqa: PLC0415 - when needed

    sender = sender or Sender(config, client=client)
    runner = PipelineRunner(
        config,
        sender,
        journal=_make_journal(config),
        readers=readers,
        router=router,
    )
    # With several agents, only the runs of the one that *config* describes.
    own = sender if isinstance(sender, Sender) else sender.by_name.get("")
    if config.verdicts and own is not None:
        from infinium_otel.runtime.verdict_follower import VerdictFollower  # noqa: PLC0415 - when needed

        runner.verdicts = VerdictFollower(config, own)
    if local_spans := make_local_spans(config, client):
        runner.send_spans(local_spans)
    has_spool = config.spool is not None and os.path.exists(config.spool)  # noqa: PTH110 - pathlib costs an import
    if has_spool and not _is_before_uwsgi_forks():
        runner.worker.wake()  # an earlier process may have left tasks
        if runner.verdicts is not None:
            runner.verdicts.resume()  # and runs to be judged
    return runner


def _make_journal(config: Config) -> Journal | None:
    """What keeps ended spans of open traces on disk; None if nothing does."""
    if not config.spool or not _is_journaled(config):
        return None
    from infinium_otel.delivery.storage.journal import Journal  # noqa: PLC0415 - when needed

    return Journal(config.spool)


def _is_before_uwsgi_forks() -> bool:
    """Whether this is uWSGI's master, which loads the application and then forks in C.

    No hook of Python runs there: a thread that was started would be missing in the
    workers, and what it held, as the lock of an import, would never be released.
    Source: uWSGI 2.0.31; open-telemetry/opentelemetry-python#2266.
    """
    uwsgi = sys.modules.get("uwsgi")
    return uwsgi is not None and uwsgi.worker_id() == 0


def _is_journaled(config: Config) -> bool:
    """Whether spans may be on disk as recorded; by default only if content is sent."""
    if config.journal == "auto":
        return config.capture_content
    return config.journal == "on"


_exit_steps: list[Callable[[], None]] = []


def before_exit(step: Callable[[], None]) -> None:
    """Call *step*, which must not raise, before the last delivery of this process."""
    _exit_steps.append(step)


_locked: list[PipelineRunner] = []


def _before_fork() -> None:
    _locked[:] = [runner for runner in list(_all) if runner.before_fork()]
    wait_for_starts()


def _after_fork_in_parent() -> None:
    while _locked:
        _locked.pop().after_fork_in_parent()


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that the child lacks
    _lock = RLock()
    _locked.clear()
    forget_starts()
    for runner in list(_all):
        runner.after_fork_in_child()
    if _all:
        _child_exit.watch()


def _at_exit() -> None:
    """Deliver the remaining tasks of a program without an explicit shutdown.

    Registered when this module is imported, so usually before a provider registers its
    own handler: `atexit` runs handlers in reverse order, so providers flush first. What
    an earlier provider hands over afterwards is delivered as well.
    """
    deadline = time.monotonic() + EXIT_S
    try:
        for step in _exit_steps:
            step()
        for runner in list(_all):
            runner.finish(max(0.0, deadline - time.monotonic()))
    except KeyboardInterrupt:
        _abandon(list(_all))


_child_exit = ChildExit(_at_exit)

if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
atexit.register(_at_exit)
