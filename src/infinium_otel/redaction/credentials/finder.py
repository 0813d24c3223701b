"""A finder: a pattern that is searched for in a text, and what to look at around a match."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from infinium_otel.redaction.credentials.budget import SearchBudget, get_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Span = tuple[int, int]
    Look = Callable[["Text", re.Match[str]], Iterable[Span]]


MAX_MATCHES = 10_000
"""Places of one text that a finder looks at, at most; the rest of the text is withheld."""

LONGEST = 8192
"""A secret whose end is not found has this length, at most."""


class Rest(NamedTuple):
    """The end of a text, which was not searched: it is withheld as a whole."""

    start: int
    end: int


class Text(NamedTuple):
    """A text, and the same in lower case with every letter at its place."""

    whole: str
    lowered: str


def make_text(whole: str) -> Text:
    """*whole*, ready to be searched."""
    lowered = whole.lower()
    if len(lowered) != len(whole):  # of all letters, only this one gets longer
        lowered = whole.replace("İ", "i").lower()
    return Text(whole, lowered)


class LatePattern:
    """A pattern that is compiled when it is first searched for.

    There are hundreds, and a program meets the marks of a few: compiling all of them
    took half of the time of importing the mapping.

    Args:
        text: the pattern.
    """

    search: Callable[..., re.Match[str] | None]

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> Any:
        """Called while `search` is not set."""
        if name != "search":
            raise AttributeError(name)
        self.search = re.compile(self.text).search
        return self.search


class In(Enum):
    """Where a mark is."""

    TEXT = "text"
    RUN = "run"
    """In a run of at least 15 letters and signs without a space or quote in between."""


class Finder(NamedTuple):
    """A pattern to search for, and a function that looks around each match.

    Args:
        pattern: matches where a secret may be.
        look: gives the spans of the secrets around a match.
        lowered: whether the text is searched in lower case.
        marks: literals in lower case; a text in which `pattern` matches has one.
        checks: for each mark a pattern that is found fast; where `pattern` matches, one
            of them does, with the same groups. None if `pattern` is fast itself.
        place: where the marks are.
    """

    pattern: LatePattern
    look: Look
    lowered: bool
    marks: tuple[str, ...] = ()
    checks: tuple[LatePattern, ...] = ()
    place: In = In.TEXT

    def spans(self, text: Text, check: LatePattern | None = None) -> Iterator[Span]:
        """Where secrets are, first to last; what is within an earlier one is skipped.

        A text with more than `MAX_MATCHES` places to look at was made to take long. It
        is not searched to its end: the last span is a `Rest`. When the `SearchBudget` is
        used up, the whole text is one.
        """
        searched, place, left = self._searched(text), 0, MAX_MATCHES
        pattern, budget = check or self.pattern, get_budget() or SearchBudget()
        while (match := pattern.search(searched, place)) is not None:
            if not left or budget.left <= 0:
                yield Rest(0 if left else place, len(searched))
                return
            place = max(match.end(), match.start() + 1)
            left -= 1
            budget.left -= 1
            for span in self.look(text, match):
                yield span
                place = max(place, span[1])
                budget.left -= 1
                if budget.left <= 0:
                    break

    def _searched(self, text: Text) -> str:
        return text.lowered if self.lowered else text.whole


def find_start_of_run(text: str, end: int, letters: str) -> int:
    """Where the run of *letters* begins that ends at *end*; it is followed a short way."""
    near = text[max(0, end - 128) : end]
    return end - len(near) + len(near.rstrip(letters))
