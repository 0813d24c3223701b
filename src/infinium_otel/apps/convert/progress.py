"""A bar on the terminal while a long conversion runs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def total_bytes(paths: Sequence[str]) -> int | None:
    """Size of the files together; None if one of them has none that is known."""
    found = [Path(path) for path in paths]
    if not all(path.is_file() for path in found):
        return None
    return sum(path.stat().st_size for path in found)


@contextmanager
def progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """What to call with the octets that were read.

    Args:
        total: octets in all; None if unknown. Nothing is shown unless stderr is a
            terminal; a bar needs the `cli` extra, without it a percentage is shown.
    """
    if not sys.stderr.isatty():
        yield lambda _octets: None
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.progress import (  # noqa: PLC0415 - an extra
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
        )
    except ImportError:
        yield Percentage(total).advance
        sys.stderr.write("\n")
        return
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda octets: bar.advance(task, octets)


class Percentage:
    """How much is done, as a number that is written over."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0
        self._shown = ""

    def advance(self, octets: int) -> None:
        """*octets* more are done."""
        self._done += octets
        shown = f"\r{self._done >> 20} MiB"
        if self._total:
            shown = f"\r{min(100, 100 * self._done // self._total)} %"
        if shown != self._shown:
            sys.stderr.write(shown)
            sys.stderr.flush()
            self._shown = shown
