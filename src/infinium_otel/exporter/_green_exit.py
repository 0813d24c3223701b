"""Lets the exit of a process under gevent deliver what is left."""

from __future__ import annotations

import atexit
import sys
from importlib import import_module
from typing import Any


def protect_exit() -> None:
    """Have `_prepare_hub` run before the exit hooks registered so far.

    `atexit` runs the latest first, so each call moves it to the front: the providers'
    hooks, which deliver, come after it.
    """
    atexit.unregister(_prepare_hub)
    atexit.register(_prepare_hub)


def _prepare_hub() -> None:
    """Make gevent's loop fit to be used by exit hooks.

    gevent raises `sys.exit()` of a green thread in the main thread, wherever that waits:
    once the process is exiting, in an exit hook, which then delivers no more. gunicorn's
    gevent worker does so on SIGINT and SIGQUIT.

    It resolves names in native threads, which Python 3.12 no longer starts at exit.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        return
    gevent: Any = sys.modules["gevent"]  # pragma: no cover - by `tox run -e servers`
    hub = gevent.get_hub()  # pragma: no cover - likewise
    hub.SYSTEM_ERROR = (KeyboardInterrupt, SystemError)  # pragma: no cover - likewise
    blocking = import_module("gevent.resolver.blocking")  # pragma: no cover - likewise
    hub.resolver = blocking.Resolver()  # pragma: no cover - likewise
