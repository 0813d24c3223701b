"""Pages of the documentation, as text."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def read_plain(name):
    """A page as one line, so that a sentence may go over the end of one."""
    return " ".join((ROOT / name).read_text("utf-8").split())
