"""Text that should be JSON, to a value: nested in itself, cut short, or Python's repr.

Nothing here raises: what cannot be understood stays the text it was.
"""

from __future__ import annotations

import ast
import json
from types import MappingProxyType
from typing import Any

MAX_NESTING = 3
MAX_REPR = 10_000
MAX_SALVAGE = 1_000_000
MAX_DEPTH = 200

MAPPING = (dict, MappingProxyType)
"""For `isinstance`: the mappings that attributes hold. To ask the abstract class takes
longest where the answer is no."""

_OPENERS = {"{": "}", "[": "]"}
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def decode(value: Any, nesting: int = MAX_NESTING) -> Any:
    """The value that *value* stands for.

    Args:
        value: anything; only a text that begins like a JSON object, list or string is
            looked into, so that "123" stays a text.
        nesting: how many layers of JSON text inside JSON text to unwrap.

    Returns:
        Structured data, or *value* itself where it is no JSON.
    """
    while nesting and isinstance(value, str):
        text = value.strip()
        if not text.startswith(("{", "[", '"')):
            return value
        found = _loads(text)
        if found is None:
            return value
        value, nesting = found, nesting - 1
    return value


def text_of(value: Any) -> str:
    """*value* as one readable text: texts as they are, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"[bytes {len(value)}]"
    try:
        return _ENCODE.encode(value)
    except (TypeError, ValueError, RecursionError):
        return _described(value)


def _described(value: Any) -> str:
    """A text for what JSON cannot hold: keys that are no texts, cycles, any depth."""
    try:
        return str(value)
    except (RecursionError, ValueError):
        return f"[{type(value).__name__}]"


def _loads(text: str) -> Any:
    """The value of *text*, mended if it was cut; None if it is not JSON at all."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    found = _literal(text) if len(text) <= MAX_REPR else None
    return salvaged(text) if found is None else found


def _literal(text: str) -> Any:
    """What a Python repr says: `{'city': 'Paris'}`."""
    if text[0] == '"' or "'" not in text:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def salvaged(text: str) -> Any:
    """The value of JSON *text* that was cut off, up to its last complete element.

    Returns:
        None where nothing can be saved, or where the text is no JSON that was cut:
        "[1] see below" closes its bracket and goes on.
    """
    if text[:1] not in _OPENERS or len(text) > MAX_SALVAGE:
        return None
    ends = _safe_ends(text)
    for end, closers in reversed(ends):
        try:
            found = json.loads(text[:end] + closers)
        except (ValueError, RecursionError):
            continue
        if found:
            return found
    return None


def _safe_ends(text: str) -> list[tuple[int, str]]:
    """The last few places where *text* could end, each with the brackets to close."""
    ends: list[tuple[int, str]] = []
    closers: list[str] = []
    quoted = escaped = False
    for index, char in enumerate(text):
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in _OPENERS:
            closers.append(_OPENERS[char])
            ends.append((index + 1, "".join(reversed(closers))))
        elif char == ",":
            ends.append((index, "".join(reversed(closers))))
        elif closers and char == closers[-1]:
            closers.pop()
            ends.append((index + 1, "".join(reversed(closers))))
        if not 0 < len(closers) <= MAX_DEPTH:
            return []
        del ends[:-4]
    if quoted:
        ends.append(_closed_string(text, escaped=escaped, closers=closers))
    return ends


def _closed_string(text: str, *, escaped: bool, closers: list[str]) -> tuple[int, str]:
    """An end inside a string, which keeps the part of it that was there."""
    return len(text) - escaped, '"' + "".join(reversed(closers))
