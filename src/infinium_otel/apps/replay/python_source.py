"""Values as Python source, as ruff formats it.

Hostile texts are harmless: the source is ASCII, and whatever is not printable is escaped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 88
"""Columns of a line, ruff's default."""
MAX_DEPTH = 30
"""How deep values nest; what is deeper is left out."""
_ESCAPED = re.compile(r"[^ -~]|\\")
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class CallSource:
    """A call, such as `Answer("Hello", model="gpt-4o")`.

    Args:
        name: of what is called.
        args: the positional arguments.
        kwargs: the others, by identifiers; "**" is a dict of those that are none.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None


def to_source(value: Any, before: int = 0, indent: int = 0, depth: int = 0) -> str:
    """The source of *value*: on one line if it fits, else one item a line.

    Args:
        value: JSON values, and `CallSource`.
        before: how many characters stand before it on its line, the indent included;
            a comma may follow it.
        indent: of that line.
        depth: how many values it is inside of.
    """
    line = _to_line(value, depth)
    items, opening, closing = _split(value)
    if not items or depth >= MAX_DEPTH or before + len(line) < WIDTH:
        return line
    inner = indent + 4
    lines = [
        f"{' ' * inner}{name}{to_source(item, inner + len(name), inner, depth + 1)},"
        for name, item in items
    ]
    return "\n".join([opening, *lines, " " * indent + closing])


def _to_line(value: Any, depth: int) -> str:
    """The source of *value* on one line, however long."""
    items, opening, closing = _split(value)
    if not opening:
        return _to_atom(value)
    if depth >= MAX_DEPTH:
        return quote("...")
    inner = (f"{name}{_to_line(item, depth + 1)}" for name, item in items)
    return f"{opening}{', '.join(inner)}{closing}"


def _split(value: Any) -> tuple[list[tuple[str, Any]], str, str]:
    """The items of a value, each with its name, and the brackets; empty of others."""
    if isinstance(value, CallSource):
        found = [("", each) for each in value.args]
        found += [
            (name if name == "**" else f"{name}=", each)
            for name, each in (value.kwargs or {}).items()
        ]
        return found, f"{value.name}(", ")"
    if isinstance(value, Mapping):
        pairs = [(f"{quote(str(key))}: ", each) for key, each in value.items()]
        return pairs, "{", "}"
    if isinstance(value, (list, tuple)):
        return [("", each) for each in value], "[", "]"
    return [], "", ""


def _to_atom(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "None"  # as JSON has no word for it
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value).replace("e+", "e")
    return quote(str(value))


def quote(text: str) -> str:
    """*text* as a literal of printable ASCII, in the quotes that ruff prefers."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    escaped = _ESCAPED.sub(lambda match: _escape(match[0]), text)
    return f"{mark}{escaped.replace(mark, chr(92) + mark)}{mark}"


def _escape(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def to_comment(text: str, limit: int = 200) -> str:
    """*text* on one line of printable ASCII that ends no comment and no docstring."""
    line = " ".join(text.replace("\\", "/").replace('"', "'").split())
    line = "".join(c if c.isascii() and c.isprintable() else "?" for c in line)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def to_identifier(text: str) -> str:
    """*text* in lower case with underscores, as part of an identifier; else "run"."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "_".join(words)[:60].strip("_") or "run"
