"""The bridges of this process: shared, told of forks, drained at exit."""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from infinium_otel.bridge.bridge import Bridge
from infinium_otel.bridge.metrics import observe

if TYPE_CHECKING:
    from infinium_otel.config import Config


EXIT_S = 30.0
"""Seconds the exit of a process without a spool may take while tasks are going out; it
takes `PATIENCE_S` where they are not."""

_lock = threading.Lock()
_shared: dict[tuple[Config, int], Bridge] = {}
_all: WeakSet[Bridge] = WeakSet()


def shared_bridge(config: Config, client: Any = None) -> Bridge:
    """The one bridge of this process for *config* and *client*, made if need be."""
    key = (config, id(client))
    with _lock:
        bridge = _shared.get(key)
        if bridge is None or bridge.closed:
            bridge = _shared[key] = _make(config, client)
            _all.add(bridge)
        bridge.inlets += 1
    observe(_all)
    return bridge


def leave(bridge: Bridge, timeout_s: float) -> bool:
    """One inlet of *bridge* was shut down; the last one closes it."""
    with _lock:
        bridge.inlets -= 1
        last = bridge.inlets <= 0
        if last:
            for key in [key for key, known in _shared.items() if known is bridge]:
                del _shared[key]
    if last:
        return bridge.shutdown(timeout_s)
    return bridge.leave(timeout_s)


def _make(config: Config, client: Any) -> Bridge:
    from infinium_otel.delivery.journal import Journal  # noqa: PLC0415 - when needed
    from infinium_otel.delivery.sender import Sender  # noqa: PLC0415 - when needed
    from infinium_otel.readers import load_readers  # noqa: PLC0415 - when needed

    journal = None if config.spool is None else Journal(config.spool)
    bridge = Bridge(
        config, Sender(config, client=client), journal=journal, readers=load_readers
    )
    if config.spool is not None and os.path.exists(config.spool):  # noqa: PTH110 - no need of pathlib here
        bridge.worker.wake()  # an earlier process may have left something
    return bridge


_held: list[Bridge] = []


def _before_fork() -> None:
    _held[:] = [bridge for bridge in list(_all) if bridge.before_fork()]


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().after_fork_in_parent()


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that is not here
    _lock = threading.Lock()
    _held.clear()
    for bridge in list(_all):
        bridge.after_fork_in_child()


def _at_exit() -> None:
    """The last chance of a program that shut nothing down.

    Registered when this module is imported, so usually before a provider registers
    its own: hooks run in reverse, and providers hand over what they hold first.
    """
    deadline = time.monotonic() + EXIT_S
    for bridge in list(_all):
        if not bridge.closed:
            bridge.shutdown(max(0.0, deadline - time.monotonic()))


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
atexit.register(_at_exit)
