"""Finds where credentials are in a text, in time linear in its length.

Each finder searches for one rare mark, in C, and looks only around it. What it reads in
misses is short, or is not read again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import (
    Finder,
    In,
    LatePattern,
    Rest,
    make_text,
)
from infinium_otel.redaction.credentials.headers import SCHEME_FINDER
from infinium_otel.redaction.credentials.names import make_named_finders
from infinium_otel.redaction.credentials.pairs import make_pair_finders
from infinium_otel.redaction.credentials.prefixes import (
    make_prefix_checks,
    make_prefix_finders,
)
from infinium_otel.redaction.credentials.private_keys import BLOCK_FINDER
from infinium_otel.redaction.credentials.shapes import make_shape_finders
from infinium_otel.redaction.credentials.tables import make_table_finders
from infinium_otel.redaction.credentials.urls import ADDRESS_FINDER, PARAM_FINDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.redaction.credentials.finder import Span, Text

LONG_RUN_LENGTH = 15
LONG_RUN = re.compile(
    r"[^A-Za-z0-9+/=_.~%:$\\@-]"
    rf"([A-Za-z0-9+/=_.~%:$\\@-]{{{LONG_RUN_LENGTH},}})"
)
"""A run that is as long as the shortest credential with a prefix."""

_PREFIXES, _ESCAPED_PREFIXES = make_prefix_checks()
_PREFIXED_FINDERS = tuple(make_prefix_finders())
_OTHER_FINDERS = (
    *make_shape_finders(),
    BLOCK_FINDER,
    ADDRESS_FINDER,
    SCHEME_FINDER,
    PARAM_FINDER,
    *make_named_finders(),
    *make_pair_finders(),
    *make_table_finders(),
)
Check = tuple[Finder, LatePattern]


def _group_checks(place: In) -> dict[str, list[Check]]:
    """The finders whose mark is in *place*, each with its check, by mark."""
    grouped: dict[str, list[Check]] = {}
    for finder in _OTHER_FINDERS:
        checks = finder.checks or (finder.pattern,) * len(finder.marks)
        for mark, check in zip(finder.marks, checks, strict=True):
            if finder.place is place:
                grouped.setdefault(mark, []).append((finder, check))
    return grouped


_TEXT_CHECKS, _RUN_CHECKS = _group_checks(In.TEXT), _group_checks(In.RUN)
_PREFIXED_CHECKS = [(finder, finder.pattern) for finder in _PREFIXED_FINDERS]


BETWEEN = "\n\0\n"
"""Separates texts that are searched together: no match reaches across it."""


def possible_finders(whole: str) -> tuple[Finder, ...]:
    """The finders that find something in *whole*; for nearly all texts there is none."""
    text = make_text(whole)
    found: dict[int, Finder] = {}
    for finder, check in _select_checks(text):
        if id(finder) not in found and next(finder.spans(text, check), None):
            found[id(finder)] = finder
    return tuple(found.values())


def _select_checks(text: Text) -> list[Check]:
    """The checks that match; this is cheap, and gives few for an ordinary text."""
    whole, lowered = text.whole, text.lowered
    marked = {
        id(check[1]): check  # once, if several marks have the same check
        for mark in _TEXT_CHECKS
        if mark in lowered
        for check in _TEXT_CHECKS[mark]
    }
    selected = [
        (finder, check)
        for finder, check in marked.values()
        if check.search(lowered if finder.lowered else whole)
    ]
    runs = "\n".join(LONG_RUN.findall(f"\n{whole}"))
    return selected + _select_by_runs(runs) if runs else selected


def _select_by_runs(runs: str) -> list[Check]:
    lowered = runs.lower()
    marked = [mark for mark in _RUN_CHECKS if mark in lowered]
    selected = [
        (finder, check)
        for mark in marked
        for finder, check in _RUN_CHECKS[mark]
        if check.search(lowered if finder.lowered else runs)
    ]
    has_escapes = "\\" in runs or "%" in runs
    if _PREFIXES.search(f"\n{runs}") or (
        has_escapes and _ESCAPED_PREFIXES.search(runs)
    ):
        selected += [each for each in _PREFIXED_CHECKS if each[1].search(runs)]
    return selected


def find_credentials(whole: str, finders: Iterable[Finder] | None = None) -> list[Span]:
    """Where credentials are in *whole*, in order, without overlaps.

    The last one is a `Rest` if *whole* was not searched to its end.

    Args:
        finders: those that may find something, if that is known; None for all.
    """
    text = make_text(whole)
    if finders is None:
        finders = {id(f): f for f, _ in _select_checks(text)}.values()
    found: list[Span] = []
    for finder in finders:
        found += finder.spans(text)
        if found and type(found[-1]) is Rest and not found[-1][0]:
            return [found[-1]]
    return _merge(sorted(found), len(whole))


def _merge(found: list[Span], length: int) -> list[Span]:
    """*found* without overlaps; a `Rest` reaches to the end of the text."""
    apart: list[Span] = []
    for span in found:
        start, end = span
        if apart and start <= apart[-1][1]:
            start, end = apart[-1][0], max(end, apart.pop()[1])
        if type(span) is Rest:
            return [*apart, Rest(start, length)]
        apart.append((start, end))
    return apart
