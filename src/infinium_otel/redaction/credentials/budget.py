"""How many places of many texts are looked at for credentials.

A look costs some microseconds, and hostile texts consist of nothing else. What is left of a
text when the budget is used up is withheld as a whole: never passed on unsearched.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from functools import cache

logger = logging.getLogger(__name__)

MAX_LOOKS = 100_000
"""Looks that a budget holds, at most, and at its start: about a second of CPU."""

CHARACTERS_PER_LOOK = 256
"""Characters of searched text that add one look. In source code about credentials there
is a place to look at every 120 to 150 characters, in other code every 300 to 1,800. Denser
are JSON of token counts (every 40), and URLs with parameters (every 15)."""

LOOKS_PER_SECOND = 10_000
"""Looks that time adds, so that agents whose texts are dense for good are searched too:
about a tenth of a core."""


class SearchBudget:
    """Looks that are left for the texts of one call, or of a stream of tasks.

    Attributes:
        left: how many looks.
        withheld: characters that were withheld because none was left.
        withheld_texts: how many texts these were the whole or the end of.
    """

    __slots__ = ("_filled_s", "left", "withheld", "withheld_texts")

    def __init__(self) -> None:
        self.left: float = MAX_LOOKS
        self.withheld = 0
        self.withheld_texts = 0
        self._filled_s: float | None = None

    def refill(self, now_s: float) -> None:
        """Add the looks of the time since the last call."""
        if self._filled_s is not None:
            passed_s = max(0.0, now_s - self._filled_s)
            self.left = min(MAX_LOOKS, self.left + passed_s * LOOKS_PER_SECOND)
        self._filled_s = now_s

    def earn(self, characters: int) -> None:
        """Add the looks of a text of so many *characters* that is searched."""
        self.left = min(MAX_LOOKS, self.left + characters // CHARACTERS_PER_LOOK)


_BUDGET: ContextVar[SearchBudget | None] = ContextVar("search_budget", default=None)


class limit_search:  # noqa: N801 - used like `contextlib`'s, without its generators
    """Spend *budget* on what is searched until the `with` block ends.

    Args:
        budget: None for that of the block around, or a new one if there is none.
    """

    __slots__ = ("_before", "_budget", "_token")

    def __init__(self, budget: SearchBudget | None = None) -> None:
        self._budget = budget

    def __enter__(self) -> SearchBudget:
        spent = self._budget or _BUDGET.get() or SearchBudget()
        self._budget = spent
        self._before = spent.withheld
        self._token = _BUDGET.set(spent)
        return spent

    def __exit__(self, *_: object) -> None:
        _BUDGET.reset(self._token)
        spent = self._budget
        if spent is not None and spent.withheld > self._before:
            warn_once(spent.withheld - self._before)


@cache
def _get_warned() -> list[int]:
    """What was warned of in this process: nothing, or one number."""
    return []


def warn_once(characters: int) -> None:
    """Log that so many *characters* were withheld, the first time only."""
    warned = _get_warned()
    if not warned:
        warned.append(characters)
        logger.warning(
            "Texts hold more places that may be credentials than are searched (%d, one "
            "for each %d characters, and %d a second): %d characters were withheld, and "
            "each text says how many of its own. Keep vocabularies and log probabilities "
            "out of the spans. Further ones are only counted",
            MAX_LOOKS,
            CHARACTERS_PER_LOOK,
            LOOKS_PER_SECOND,
            characters,
        )


def get_budget() -> SearchBudget | None:
    """The budget of the block that runs; None outside of all."""
    return _BUDGET.get()


def earn(characters: int) -> None:
    """Add the looks of a text that is searched to the budget of the block that runs."""
    budget = _BUDGET.get()
    if budget is not None:
        budget.earn(characters)


def give_back() -> None:
    """Do not count a look at what an earlier search has removed."""
    budget = _BUDGET.get()
    if budget is not None:
        budget.left += 1


def withhold(characters: int) -> str:
    """What is sent in the place of so many *characters* that were not searched."""
    budget = _BUDGET.get()
    if budget is not None:
        budget.withheld += characters
        budget.withheld_texts += 1
    return f"[withheld: {characters} characters]"
