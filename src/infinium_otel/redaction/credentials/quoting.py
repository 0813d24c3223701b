"""Quoted texts, also in JSON that is a text of other JSON."""

from __future__ import annotations

import re

from infinium_otel.redaction.credentials.finder import LONGEST

QUOTE = r"(?:\\{0,64}(?:[\"'`]|u0022|u0027)|&quot;|&\#34;|&\#39;|%22)"
OPEN = re.compile(r"[bruf]{0,2}(?P<quote>\"\"\"|'''|" + QUOTE + ")", re.IGNORECASE)


def find_end_of_quoted(whole: str, opened: re.Match[str]) -> int:
    """Where the quote closes that *opened*; where the text is cut, its line's end.

    In JSON inside JSON a quote has backslashes before it: one with fewer ends the
    text around it, one with more is inside.
    """
    quote, start = opened["quote"], opened.end()
    limit = min(len(whole), start + LONGEST)
    between = whole.find("\0", start, limit)
    limit = between if between >= 0 else limit
    mark = quote.lstrip("\\")
    depth = len(quote) - len(mark)
    place = start
    while (place := whole.find(mark, place, limit)) >= 0:
        near = whole[max(start, place - 80) : place]
        slashes = len(near) - len(near.rstrip("\\"))
        if slashes <= depth:
            return place - slashes
        place += len(mark)
    line = whole.find("\n", start, limit)
    return line if line >= 0 else limit
