"""The mistakes in a file of routes, each with its line and key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple["str | int", ...]
"""The path to a key, such as ("rules", 1, "agent") or ("agents", "support")."""

HEADER = re.compile(r"\s*\[")


class Mistakes:
    """Collects mistakes.

    Args:
        path: of the file.
        text: of the file, to find the lines.
    """

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._found: list[str] = []

    def add(self, where: Place, what: str) -> None:
        """Note a mistake at a key."""
        number = find_line(self._lines, where)
        line = f", line {number}" if number else ""
        self._found.append(f"{self._path}{line}: {_name_key(where)}: {what}")

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            ConfigurationError: there is a mistake.
        """
        if self._found:
            raise ConfigurationError(self._found)


def find_line(lines: list[str], where: Place) -> int | None:
    """The line of a key, from 1; that of its table if it has no line; None without."""
    table, *rest = where
    if not rest:
        return _find(lines, rf"\s*\[*\s*{re.escape(str(table))}\b")
    at = _find_table(lines, where)
    if at is None or len(rest) == 1:
        return at
    key = rf"[\"']?{re.escape(str(rest[1]))}[\"']?"
    end = _find_end(lines, at, str(table))
    below = _find(lines[at:end], rf"\s*({key}\s*[=.]|\[\s*{table}\s*\.\s*(.*\.)?{key})")
    return at if below is None else at + below


def _find_table(lines: list[str], where: Place) -> int | None:
    """The line of the header of an agent or a rule."""
    table, which, *_ = where
    if isinstance(which, str):
        name = rf"[\"']?{re.escape(which)}[\"']?"
        return _find(lines, rf"\s*\[\s*{table}\s*\.\s*{name}\s*\]")
    headers = [n for n, line in enumerate(lines, 1) if _is_item(line, str(table))]
    return headers[which - 1] if which <= len(headers) else None


def _find_end(lines: list[str], at: int, table: str) -> int:
    """Where the table ends whose header is in line *at*."""
    for number in range(at, len(lines)):
        line = lines[number]
        is_inside = re.match(rf"\s*\[\s*{table}\s*\.", line) and _is_item(
            lines[at - 1], table
        )
        if HEADER.match(line) and not is_inside:
            return number
    return len(lines)


def _is_item(line: str, table: str) -> bool:
    return re.match(rf"\s*\[\[\s*{table}\s*\]\]", line) is not None


def _find(lines: list[str], pattern: str) -> int | None:
    return next(
        (number for number, line in enumerate(lines, 1) if re.match(pattern, line)),
        None,
    )


def _name_key(where: Iterable[str | int]) -> str:
    """As in TOML, with the number of the rule: `rules[2].agent`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).lstrip(".")
