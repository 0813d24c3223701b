"""One line on a terminal that shows what a long-running command does."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.apps.observe.samples import Delivery

INTERVAL_S = 1.0
CLEAR = "\r\x1b[2K"
"""To the start of the line, and erase it. Source: ECMA-48, EL."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the previous line showed: a rate is a difference.

    Args:
        spans: received until then.
        attempts: made until then.
    """

    spans: int = 0
    attempts: int = 0


def write_line(now: Delivery, before: Seen, interval_s: float) -> str:
    """The line for this moment: what comes in, what is held, what goes out."""
    stats, load = now.stats, now.load
    spans = (stats.received - before.spans) / interval_s
    sent = (now.attempts.total() - before.attempts) / interval_s
    parts = [
        f"{spans:,.0f} spans/s in",
        f"{load.tasks_open:,} runs open ({load.bytes_open >> 20:,} MiB)",
        f"{load.tasks_queued:,} queued",
        f"{sent:,.1f} of {now.rate_allowed:g} requests/s",
        f"{stats.tasks_delivered:,} delivered",
    ]
    if stats.tasks_refused:
        parts.append(f"{stats.tasks_refused:,} NOT DELIVERED")
    if now.state != "closed":
        parts.append(now.state)
    return " · ".join(parts)


@contextmanager
def show_progress(read: Callable[[], Delivery]) -> Iterator[None]:
    """Show the line once a second until the block ends; only on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    handlers = [*logging.getLogger().handlers]
    for handler in handlers:
        handler.addFilter(_erase_line)
    writer = Thread(target=_write_lines, args=(read, done), daemon=True)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()
        for handler in handlers:
            handler.removeFilter(_erase_line)
        sys.stderr.write(CLEAR)
        sys.stderr.flush()


def _erase_line(_: logging.LogRecord) -> bool:
    """Make room for a line of the log; the progress appears below it a second later."""
    sys.stderr.write(CLEAR)
    return True


def _write_lines(read: Callable[[], Delivery], done: Event) -> None:
    before = Seen()
    while not done.wait(INTERVAL_S):
        now = read()
        sys.stderr.write(CLEAR + write_line(now, before, INTERVAL_S))
        sys.stderr.flush()
        before = Seen(now.stats.received, now.attempts.total())
