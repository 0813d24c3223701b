"""File descriptors: how many this process may have open, and what each server gets.

Linux starts a process with a soft limit of 1024 and a far higher hard one. What several
ports share is divided, so that connections to one of them cannot exhaust the others.
"""

from __future__ import annotations

ACCEPTED_AT_ONCE = 32
"""Connections that the event loop accepts in one round, before any bound is applied.

Source: CPython 3.14, `asyncio.selector_events._accept_connection`: one more than the
backlog.
"""

RESERVED_DESCRIPTORS = 192
"""For the files, the requests to Infinium, and connections that were just accepted.

The last are at most three rounds' until the first of those too many is closed: its task
makes the transport, the transport calls the protocol, the protocol has it closed.
"""

FEWEST = 16
"""Connections of a port, however few descriptors there are."""

ENOUGH = 1 << 20
"""Where nothing is limited."""


def raise_limit(wanted: int) -> None:
    """Raise the soft limit to *wanted* and the reserve, or as far as the hard one allows."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:  # pragma: no cover - Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted += RESERVED_DESCRIPTORS
    allowed = wanted if hard < 0 else min(wanted, hard)
    if 0 <= soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def count_free() -> int:
    """How many connections the process may have open at most, all ports together."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:  # pragma: no cover - Windows
        return ENOUGH
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft < 0 else soft - RESERVED_DESCRIPTORS


def share(most: int, part: float = 1.0) -> int:
    """How many connections one port may have.

    Args:
        most: where there are enough descriptors.
        part: of all that there are, which this port may use.
    """
    return min(most, max(FEWEST, int(count_free() * part)))
