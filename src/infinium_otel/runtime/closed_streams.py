"""Keeps `logging` from printing a traceback for a handler whose stream is closed.

pytest closes the streams that it captures. A handler that was created in a test still has
one, and for each line that our threads and exit hooks log, `logging` would print thirty.
"""

from __future__ import annotations

import logging
import sys

from infinium_otel.runtime.failing_handlers import shield

PACKAGE = "infinium_otel"


class ClosedStreamFilter(logging.Filter):
    """Passes records to all handlers but those with a closed stream."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False if the record was handled here: some handler has a closed stream."""
        handlers = _list_handlers(logging.getLogger(record.name))
        usable = [handler for handler in handlers if not _is_closed(handler)]
        if len(usable) == len(handlers):
            return True
        for handler in usable or _make_substitutes():
            if record.levelno >= handler.level:
                handler.handle(record)
        return False


_filter = ClosedStreamFilter()


def guard_loggers() -> None:
    """Filter the records of all loggers of this package that exist by now.

    What handlers raise is kept out of our work as well.
    """
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.startswith(PACKAGE):
            logger.addFilter(_filter)  # once: a filter is not added twice
            shield(logger)


def _list_handlers(logger: logging.Logger) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    current: logging.Logger | None = logger
    while current is not None:
        handlers += current.handlers
        current = current.parent if current.propagate else None
    return handlers


def _is_closed(handler: logging.Handler) -> bool:
    return bool(getattr(getattr(handler, "stream", None), "closed", False))


def _make_substitutes() -> list[logging.Handler]:
    """What prints warnings if every handler has a closed stream."""
    stream = sys.stderr
    if stream is None or stream.closed:
        return []
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.WARNING)
    return [handler]
