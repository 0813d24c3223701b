"""A progress bar on the terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def total_bytes(paths: Sequence[str]) -> int | None:
    """Sum the sizes of the files; None if one of them has no known size."""
    files = [Path(path) for path in paths]
    if not all(path.is_file() for path in files):
        return None
    return sum(path.stat().st_size for path in files)


class Progress(Protocol):
    """The progress of a conversion; call it with the number of bytes just read."""

    def __call__(self, n_bytes: int, /) -> None:
        """Add *n_bytes* to what is read."""

    def show_waiting(self, tasks: int) -> None:
        """Show how many tasks wait for their delivery."""


@contextmanager
def show_progress(total: int | None) -> Iterator[Progress]:
    """Give a function to call with the number of bytes just read.

    Nothing is shown unless stderr is a terminal. A bar needs the `cli` extra; without
    it a percentage is shown.

    Args:
        total: bytes in all; None if unknown.
    """
    if not sys.stderr.isatty():
        yield Silence()
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.progress import (  # noqa: PLC0415 - an extra
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415 - an extra
    except ImportError:
        yield Percentage(total)
        sys.stderr.write("\n")
        return
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    waiting = TextColumn("{task.description}")
    console = Console(stderr=True)
    with RichProgress(*columns, waiting, console=console, transient=True) as bar:
        yield Bar(bar, bar.add_task("", total=total))


class Silence:
    """No progress, for a log file."""

    def __call__(self, n_bytes: int, /) -> None:
        """Show nothing."""

    def show_waiting(self, tasks: int) -> None:
        """Show nothing."""


class Bar:
    """A bar of `rich`."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, n_bytes: int, /) -> None:
        """Add *n_bytes* to what is read."""
        self._bar.advance(self._task, n_bytes)

    def show_waiting(self, tasks: int) -> None:
        """Show how many tasks wait behind the bar."""
        self._bar.update(self._task, description=f"to deliver: {tasks}")


class Percentage:
    """The progress as a number that overwrites itself."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0
        self._shown = ""

    def __call__(self, n_bytes: int, /) -> None:
        """Add *n_bytes* to what is read."""
        self._done += n_bytes
        text = f"\r{self._done >> 20} MiB"
        if self._total:
            text = f"\r{min(100, 100 * self._done // self._total)} %"
        self._show(text)

    def show_waiting(self, tasks: int) -> None:
        """Show how many tasks wait instead, padded to cover a longer number."""
        self._show(f"\rto deliver: {tasks:<9}")

    def _show(self, text: str) -> None:
        if text != self._shown:
            sys.stderr.write(text)
            sys.stderr.flush()
            self._shown = text
