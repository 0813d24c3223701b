"""Truncates texts without splitting a credential, which would hide it from redaction.

A cut moves to the start of a credential that would not be found any more (to its end, if
the start of the text is removed). What is searched for this has a fixed length, whatever
the text's is.
"""

from __future__ import annotations

from infinium_otel.redaction.credentials.budget import earn, withhold
from infinium_otel.redaction.credentials.finder import LONGEST, Rest
from infinium_otel.redaction.credentials.search import find_credentials

BEFORE = 384
"""Characters before a cut that are searched: a name, its separator, and enough of the
value that it is found by what is before the cut alone if it begins even earlier."""

AFTER = 192
"""Characters after a cut that are searched: more than any kind needs to be found."""

ADDRESS = 704
"""Maximum length of an address up to the host, behind which its password is found."""


def truncate(text: str, limit: int) -> str:
    """*text* in at most *limit* characters; "..." marks a cut."""
    if len(text) <= limit:
        return text
    cut = _find_cut(text, limit - 3)
    return withhold(len(text))[:limit] if cut is None else text[:cut] + "..."


def truncate_start(text: str, limit: int) -> str:
    """The last *limit* characters of *text*, for stack traces; "..." marks a cut."""
    if len(text) <= limit:
        return text
    cut = len(text) - limit + 3
    start = max(0, cut - 4 * LONGEST)
    spans = _search(text[start : cut + LONGEST])
    if spans is None:
        return withhold(len(text))[:limit]
    ends = [
        (max(start + first, cut), start + last)
        for first, last in spans
        if start + last > cut
    ]
    while ends:
        kept = "..." + text[cut : cut + 2 * LONGEST]
        again = _search(kept)
        if again is None:
            return withhold(len(text))[:limit]
        found = [(cut - 3 + a, cut - 3 + b) for a, b in again]
        hidden = [end for first, end in ends if not _covers(found, (first, end))]
        if not hidden:
            break
        cut = hidden[0]
        ends = [(first, end) for first, end in ends if end > cut]
    return "..." + text[cut:]


def find_cut(text: str, cut: int) -> int:
    """Where to cut *text*: at *cut*, or before a credential that would not be found then.

    A credential that ends at the cut, or even before it, may be recognized only by what
    follows. Where the `SearchBudget` is used up it is 0: nothing of *text* may be kept.
    """
    return _find_cut(text, cut) or 0


def _find_cut(text: str, cut: int) -> int | None:
    """As `find_cut`; None where the budget is used up."""
    if len(text) <= cut:
        return cut
    start, end = max(0, cut - BEFORE), cut + AFTER
    address = text.rfind("://", max(0, cut - ADDRESS), cut)
    if address >= 0 and not any(map(str.isspace, text[address:cut])):
        start, end = min(start, max(0, address - 16)), cut + ADDRESS
    spans = _search(text[start:end])
    while spans:
        found = _search(text[start:cut] + "...")
        if found is None:
            return None
        length = cut - start
        hidden = [
            span
            for span in spans
            if span[0] < length and not _covers(found, (span[0], min(span[1], length)))
        ]
        if not hidden:
            break
        cut = start + hidden[0][0]
    return None if spans is None else cut


def _search(text: str) -> list[tuple[int, int]] | None:
    """Where credentials are in *text*; None if it was not searched to its end."""
    earn(len(text))
    spans = find_credentials(text)
    return None if spans and type(spans[-1]) is Rest else spans


def _covers(found: list[tuple[int, int]], span: tuple[int, int]) -> bool:
    return any(first <= span[0] and span[1] <= last for first, last in found)
