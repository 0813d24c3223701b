"""Writes lines to the terminal in colour, or as plain text where it is piped."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata.tree_text import WIDTH, cut, to_plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.taskdata.tree_text import Line

UNCUT = 10_000
"""The width of a line that is not cut."""
SIGNS = "├│└─→✗…"
"""What trees are drawn with."""
STYLES = {"name": "bold", "faint": "dim", "good": "green", "bad": "red"}


class Terminal:
    """The output of a command: with colours if it is a terminal and there is `rich`."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self._console = _make_console() if self.is_terminal else None

    @property
    def width(self) -> int:
        """Characters of a line; a pipe gets whole lines."""
        if not self.is_terminal:
            return UNCUT
        return shutil.get_terminal_size((WIDTH, 24)).columns

    def write(self, lines: Iterable[Line]) -> None:
        """Write *lines*, each cut to the width of the terminal."""
        for line in lines:
            if self._console is None:
                self._write_plain(cut(to_plain_text([line]), self.width) + "\n")
            else:
                self._write_styled(line)
        sys.stdout.flush()

    def write_text(self, text: str) -> None:
        """Write *text* as it is."""
        self._write_plain(text)
        sys.stdout.flush()

    def _write_plain(self, text: str) -> None:
        # An output that cannot show a character gets a question mark.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))

    def _write_styled(self, line: Line) -> None:
        from rich.text import Text  # noqa: PLC0415 - an extra

        text = Text()
        for part in line:
            text.append(part.text, STYLES.get(part.style, ""))
        text.rstrip()
        self._console.print(text, no_wrap=True, overflow="ellipsis", crop=True)  # type: ignore[union-attr]


def _make_console() -> Any:
    """A console; None without the extra `cli`, or where colours cannot or must not be."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    try:
        SIGNS.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # as on consoles of older Windows: rich would raise
        return None
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return Console(highlight=False, markup=False, emoji=False)
