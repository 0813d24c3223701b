"""Private keys in blocks: PEM, OpenSSH, PGP (RFC 7468, RFC 4880) and PuTTY's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import LONGEST, Finder, LatePattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text


_BLOCK_BODY = re.compile(
    r"(?:[\s\\nr:>|]{0,16}(?:[A-Za-z-]{4,16}: [^\s\\]{1,80}|[A-Za-z0-9+/=_-]{4,}|=[A-Za-z0-9+/]{4}))"
    r"{1,512}"
)
_BLOCK = LatePattern(
    r"-(?:----BEGIN (?:[A-Z0-9]{1,12} ){0,5}PRIVATE KEY(?: BLOCK)?-----"
    r"|----BEGIN OpenVPN Static key V1-----"
    r"|--- BEGIN (?:[A-Z0-9]{1,12} ){0,5}PRIVATE KEY ----)"
    r"|PuTTY-User-Key-File-[0-9]:|Private-Lines: [0-9]{1,4}"
)
_KEY_LETTERS = re.compile(r"[A-Za-z0-9+/]{6}")
_LAST_LINE = re.compile(r"-{4,5} ?END[A-Za-z0-9 ]{0,60}-{0,5}")


def _look_at_block(text: Text, match: re.Match[str]) -> Iterator[Span]:
    """A block up to its last line; without one, as far as it looks like a key's."""
    whole, start, body = text.whole, match.start(), match.end()
    if whole[start] == "P":
        lines = _BLOCK_BODY.match(whole, body)
        if lines and lines.end() - body >= 16:
            yield start, lines.end()
        return
    nearest = whole.find("----BEGIN", body, body + 4 * LONGEST)
    limit = nearest if nearest >= 0 else body + 4 * LONGEST
    end = whole.find("---- END" if whole[start + 4] == " " else "-----END", body, limit)
    if end >= 0:
        if _KEY_LETTERS.search(whole, body, end):
            last = _LAST_LINE.match(whole, end)
            yield start, last.end() if last else end
        return
    lines = _BLOCK_BODY.match(whole, body)
    if lines and lines.end() - body >= 24:
        yield start, lines.end()


BLOCK_FINDER = Finder(
    _BLOCK, _look_at_block, lowered=False, marks=("key", "private-lines")
)
