"""Credentials that are recognized by how they begin; `known_prefixes` lists them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from infinium_otel.redaction.credentials.finder import Finder, LatePattern
from infinium_otel.redaction.credentials.known_prefixes import PREFIXED, Prefixed
from infinium_otel.redaction.secret_names import looks_random

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text


_RAREST = "~$:/+_.-JQXZKVWYUGHBFMPDNLRSCOITEAjqxzkvwy0123456789"
_WRITTEN = re.compile(
    r"(?i)[-_]?(?:your|xxx|\.\.\.|example[-_]|placeholder|api[-_]?key(?:[-_](?:here|goes)|$))"
)
_ESCAPES = (r"\\[nrtbf]", r"%[0-9A-Fa-f]{2}", r"\\u[0-9a-f]{4}")
_SURE_PREFIXES = tuple(
    prefix for row in PREFIXED if row.sure for prefix in row.prefixes.split()
)
_GOES_FAR = r"(?![_.\-]{2})(?=[A-Za-z0-9+/=_.~%:$\-]{8})"
"""A cheap lookahead: after each prefix there are at least as many letters."""


class _Pivoted(NamedTuple):
    """A prefix of a kind, and the index of its rarest letter."""

    prefix: str
    at: int
    row: Prefixed


def make_prefix_finders(rows: Iterable[Prefixed] = PREFIXED) -> Iterator[Finder]:
    """One finder for each rare letter, which tries the kinds by the letter before it."""
    for letter, by_near in _group_by_rarest(rows).items():
        nears = "".join(map(re.escape, by_near))
        behind = f"(?<=[{nears}]{re.escape(letter)})" if all(by_near) else ""
        tried = "|".join(
            _make_branch(near and near + letter, kinds)
            for near, kinds in by_near.items()
        )
        known = [kind for kinds in by_near.values() for kind in kinds]
        pattern = f"{re.escape(letter)}{behind}{_GOES_FAR}(?:{tried})"
        look = partial(_look_at_prefixed, known)
        yield Finder(LatePattern(pattern), look, lowered=False)


def _group_by_rarest(
    rows: Iterable[Prefixed],
) -> dict[str, dict[str, list[_Pivoted]]]:
    """All prefixes by their rarest letter, then the one before it; the longest first."""
    grouped: dict[str, dict[str, list[_Pivoted]]] = {}
    for row in rows:
        for prefix in row.prefixes.split():
            at = _find_rarest(prefix)
            by_near = grouped.setdefault(prefix[at], {})
            kind = _Pivoted(prefix, at, row)
            by_near.setdefault(prefix[at - 1 : at], []).append(kind)
    for by_near in grouped.values():
        for kinds in by_near.values():
            kinds.sort(key=lambda kind: -len(kind.prefix))
    return grouped


def _make_branch(behind: str, kinds: Iterable[_Pivoted]) -> str:
    """A pattern of *kinds* from their rarest letter on, one group each.

    Args:
        behind: that letter and the one before it; "" where it is the first.
    """
    tried = "|".join(
        f"({_make_lookbehind(prefix[: at + 1])}{re.escape(prefix[at + 1 :])}"
        f"[{row.letters}]{{{row.least},4096}})"
        for prefix, at, row in kinds
    )
    look_back = f"(?<={re.escape(behind)})" if behind else ""
    return f"{look_back}(?:{tried})"


def _find_rarest(prefix: str) -> int:
    """The index of the rarest letter of *prefix*: the one that is searched for."""
    rank = {letter: place for place, letter in enumerate(_RAREST)}
    best = min(prefix, key=lambda letter: rank.get(letter, len(rank)))
    return prefix.rindex(best)


def _make_lookbehind(head: str) -> str:
    """A lookbehind for *head* at the start of a word, or after an escape sequence."""
    known = re.escape(head)
    escaped = "".join(rf"|(?<={escape}{known})" for escape in _ESCAPES)
    return rf"(?<={known})(?:(?<![A-Za-z0-9]{known}){escaped})"


def _look_at_prefixed(
    kinds: list[_Pivoted], text: Text, match: re.Match[str]
) -> Iterator[Span]:
    prefix, at, row = kinds[(match.lastindex or 1) - 1]
    start = match.start() - at
    body = text.whole[start + len(prefix) : match.end()]
    sure = row.sure or text.whole.startswith(_SURE_PREFIXES, start)
    if _is_generated(body, prefix, sure=sure):
        yield start, match.end()


def _is_generated(body: str, prefix: str, *, sure: bool) -> bool:
    """Whether what follows a prefix was generated, not written by a person."""
    if len(set(body)) < 6 or _WRITTEN.match(body):
        return False
    if not sure:
        return looks_random(body)
    return prefix[-1] in "_-.~$" or any(letter.isdigit() for letter in body)


def make_prefix_checks(
    rows: Iterable[Prefixed] = PREFIXED,
) -> tuple[LatePattern, LatePattern]:
    """Patterns of every kind: where a word begins, and behind an escape sequence."""
    bodies: dict[str, list[str]] = {}
    for row in rows:
        body = f"[{row.letters}]{{{row.least}}}"
        for prefix in row.prefixes.split():
            bodies.setdefault(prefix[0], []).append(re.escape(prefix[1:]) + body)
    tried = "|".join(
        f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in bodies.items()
    )
    escape = "|".join(_ESCAPES)
    return LatePattern(f"[^A-Za-z0-9](?:{tried})"), LatePattern(
        f"(?:{escape})(?:{tried})"
    )
