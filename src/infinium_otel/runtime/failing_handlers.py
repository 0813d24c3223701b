"""Keeps what the application's log handlers raise out of our work.

`logging` passes on what a handler, a filter or a record factory raises, to whoever logs.
Here that would be a thread of ours, which would end, or a call of the application that
must not raise: the end of a span, a flush.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.foreign_code import is_interruption

if TYPE_CHECKING:
    from collections.abc import Callable

_reported: set[str] = set()


def shield(logger: logging.Logger) -> None:
    """Let no call of *logger* raise because of the handlers of the application."""
    if "handle" in vars(logger):
        return
    kind = type(logger)  # looked up at each call: others patch the methods of the class

    def handle(record: logging.LogRecord) -> None:
        _try(lambda: kind.handle(logger, record), record.getMessage)

    def make_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = _try(lambda: kind.makeRecord(logger, *args, **kwargs), lambda: args[4])
        return made or logging.LogRecord(*args[:7])

    logger.handle = handle  # type: ignore[method-assign]
    logger.makeRecord = make_record  # type: ignore[method-assign]


def _try(call: Callable[[], Any], get_message: Callable[[], Any]) -> Any:
    try:
        return call()
    except BaseException as error:
        if is_interruption(error):
            raise
        _report(type(error).__name__, get_message)
        return None


def _report(kind: str, get_message: Callable[[], Any]) -> None:
    """Write the message to stderr, and once what the handler raised."""
    if sys.stderr is None:
        return
    with contextlib.suppress(Exception):  # it may be closed
        if kind not in _reported:
            _reported.add(kind)
            sys.stderr.write(f"infinium-otel: a log handler raised {kind}\n")
        sys.stderr.write(f"infinium-otel: {get_message()}\n")
