"""Decodes text that should be JSON: nested in itself, cut short, or a Python repr.

Nothing here raises: text that cannot be decoded stays text.
"""

from __future__ import annotations

import ast
import json
import json.encoder
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from infinium_otel.records import bounds

MAX_NESTING = 3
MAX_REPR = 10_000
MAX_REPAIR = 1_000_000
MAX_DEPTH = 200

MAX_DECODED_BYTES, DECODED_BYTES_PER_SPAN = 64 * bounds.MIB, 32 * 1024
"""Estimated bytes of the objects, lists and items that are decoded of one trace, and more
for each of its spans. The three bytes `{},` are 232 of them; what instrumentations write
is up to 15,000 per span."""

SHORT_LIST = 20
"""Items of a flat list, or members of a flat object, that is always shown."""

_CONTAINER_BYTES, _ITEM_BYTES = 232, 72
"""An object of up to five members, and an item that is a short text."""
_REPAIRED_BYTES, _PRINTED_BYTES, _PRINTED_MARKS = 8, 512, "([{,=:"
"""What a character costs whose text has to be repaired, and a mark in a printed object: as
much time as that many bytes take to be made."""

MAPPING = (dict, MappingProxyType)
"""For `isinstance`: the mappings that attributes can be. `collections.abc.Mapping` would
be slowest for values that are not one."""
_WALKED = (*MAPPING, list, tuple)

_OPENERS = {"{": "}", "[": "]"}
_DECODE = json.JSONDecoder().raw_decode
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
_C_ENCODER = getattr(json.encoder, "c_make_encoder", None)
_QUOTE = getattr(json.encoder, "encode_basestring", None)


class DecodingLimit:
    """What may still be decoded of one trace; it holds within its `with` block.

    Args:
        left: estimated bytes.

    Attributes:
        refused: how many texts stayed text because of the limit.
    """

    __slots__ = ("_token", "left", "refused")

    def __init__(self, left: int) -> None:
        self.left = left
        self.refused = 0

    def __enter__(self) -> DecodingLimit:  # noqa: PYI034 - Self is Python 3.11's
        self._token = _LIMIT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _LIMIT.reset(self._token)

    def spend(self, n_bytes: int) -> bool:
        """Count *n_bytes*, if there are so many left; report whether there are."""
        if n_bytes > self.left:
            self.refused += 1
            return False
        self.left -= n_bytes
        return True


_LIMIT: ContextVar[DecodingLimit | None] = ContextVar("decoding_limit", default=None)


def limit_decoding(spans: int) -> DecodingLimit:
    """Limit what `loads` and `parse_list` decode until the `with` block ends.

    Args:
        spans: how many there are to read.
    """
    return DecodingLimit(MAX_DECODED_BYTES + DECODED_BYTES_PER_SPAN * spans)


def _may_decode(text: str) -> bool:
    """Whether *text* is neither nested too deep nor more than may still be decoded."""
    containers = text.count("{") + text.count("[")
    if containers > bounds.MAX_DEPTH and bounds.is_too_deep(text):
        return False
    limit = _LIMIT.get()
    return limit is None or limit.spend(_estimate_bytes(text, containers))


def _estimate_bytes(text: str, containers: int) -> int:
    """About how many bytes JSON *text* with so many objects and lists uses decoded."""
    return _CONTAINER_BYTES * containers + _ITEM_BYTES * text.count(",")


def may_parse_printed(text: str) -> bool:
    """Whether *text*, an object as a program prints it, may still be decoded."""
    limit = _LIMIT.get()
    return limit is None or limit.spend(
        _PRINTED_BYTES * sum(map(text.count, _PRINTED_MARKS))
    )


def may_walk(value: Any) -> bool:
    """Whether decoded *value* may be gone through once more; see `count_walk`.

    The spans of a trace share what is decoded, so walking it counts as well. A short list
    without lists or objects in it does not.
    """
    limit = _LIMIT.get()
    if limit is None or limit.left > 0:
        return True
    parts = value.values() if isinstance(value, MAPPING) else value
    if len(value) <= SHORT_LIST and not any(isinstance(p, _WALKED) for p in parts):
        return True
    limit.refused += 1
    return False


def count_walk(text: str) -> None:
    """Count that the data which gave this JSON *text* was gone through."""
    limit = _LIMIT.get()
    if limit is not None:
        containers = text.count("{") + text.count("[")
        limit.left = max(0, limit.left - _estimate_bytes(text, containers))


def loads(value: Any, nesting: int = MAX_NESTING) -> Any:
    """Decode *value* if it is JSON text.

    Args:
        value: anything; only a text that begins like a JSON object, list or string is
            decoded, so that "123" stays a text.
        nesting: how many layers of JSON text inside JSON text to decode.

    Returns:
        Structured data, or *value* itself if it is not JSON.
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


def to_text(value: Any) -> str:
    """*value* as one readable text: a text unchanged, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"[bytes {len(value)}]"
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        return _fallback_text(value)


def _encode(value: Any) -> str:
    """As `_ENCODE.encode`, which makes two functions for each value."""
    if _C_ENCODER is None:  # pragma: no cover - in PyPy, whose encoder is fast itself
        return _ENCODE.encode(value)
    encode = _C_ENCODER({}, str, _QUOTE, None, ":", ",", False, False, True)  # noqa: FBT003 - of json
    return "".join(encode(value, 0))


def _fallback_text(value: Any) -> str:
    """A text for values JSON cannot hold: keys of other types, cycles, any depth."""
    try:
        return str(value)
    except (RecursionError, ValueError):
        return f"[{type(value).__name__}]"


def _loads(text: str) -> Any:
    """The value of *text*, repaired if it was cut; None if it is not JSON at all."""
    if not _may_decode(text):
        return None
    try:
        return _parse(text)
    except (ValueError, RecursionError):
        pass
    found = _parse_repr(text) if len(text) <= MAX_REPR else None
    return repair(text) if found is None else found


def _parse(text: str) -> Any:
    """The value of *text* without space around it: `json.loads` with fewer calls.

    Raises:
        ValueError, RecursionError: it is not JSON.
    """
    found, end = _DECODE(text, 0)
    if end != len(text):
        raise ValueError
    return found


def parse_list(text: str) -> list[Any] | None:
    """The list of *text*, which is exactly that in JSON; None for all other texts."""
    if text[:1] != "[" or text[-1:] != "]" or not _may_decode(text):
        return None
    try:
        found = _parse(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _parse_repr(text: str) -> Any:
    """The value of a Python repr such as `{'city': 'Paris'}`; None if it is not one."""
    if text[0] == '"' or "'" not in text or not may_parse_printed(text):
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def repair(text: str) -> Any:
    """The value of JSON *text* that was cut off, up to its last complete element.

    Returns:
        None if nothing can be recovered, or if the text is not JSON that was cut:
        "[1] see below" closes its bracket and goes on.
    """
    if text[:1] not in _OPENERS or len(text) > MAX_REPAIR:
        return None
    limit = _LIMIT.get()
    if limit is not None and not limit.spend(_REPAIRED_BYTES * len(text)):
        return None
    ends = _find_safe_ends(text)
    for end, closers in reversed(ends):
        try:
            found = json.loads(text[:end] + closers)
        except (ValueError, RecursionError):
            continue
        if found:
            return found
    return None


def _find_safe_ends(text: str) -> list[tuple[int, str]]:
    """The last few places where *text* can be cut, each with the brackets to add."""
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
        ends.append(_close_string(text, escaped=escaped, closers=closers))
    return ends


def _close_string(text: str, *, escaped: bool, closers: list[str]) -> tuple[int, str]:
    """The end inside a string, which keeps the part of it before the cut."""
    return len(text) - escaped, '"' + "".join(reversed(closers))
