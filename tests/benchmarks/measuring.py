"""The arithmetic of the benchmarks: turns, medians, ratios, and what is written as JSON.

Imports nothing of the other benchmarks, so that it can be tested with scripted figures.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SCHEMA = 1
"""The version of the JSON; to be raised when a member changes its meaning."""
OURS = "ours"


@dataclass(frozen=True)
class Spread:
    """Many values of one quantity.

    Args:
        median: of all rounds.
        low: the lower quartile; of fewer than four rounds the lowest value.
        high: the upper quartile, or the highest value.
        rounds: how many values there were.
    """

    median: float
    low: float
    high: float
    rounds: int


def summarize(values: Sequence[float]) -> Spread:
    """The median of *values* with its spread.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("no values to summarize")
    low, high = min(values), max(values)
    if len(values) >= 4:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(statistics.median(values), low, high, len(values))


def interleave(
    candidates: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Measure each of *candidates* once a round.

    Each round begins with another one: what a candidate leaves behind in the caches, and
    a slow moment of the machine, meet all of them alike.
    """
    names = list(candidates)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(candidates[name]())
    return found


def divide(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The ratios of the values that were measured in the same round.

    Raises:
        ValueError: there are none, or not equally many.
    """
    return summarize([a / b for a, b in zip(ours, theirs, strict=True)])


@dataclass
class Measured:
    """What one benchmark found.

    Args:
        unit: of the figures.
        figures: by candidate.
        ratios: of ours to each peer's, in the same rounds.
        unavailable: why a peer was not measured, by its name.
        seconds: how long it took.
    """

    unit: str
    figures: dict[str, Spread] = field(default_factory=dict)
    ratios: dict[str, Spread] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, found: Mapping[str, Sequence[float]], ours: str = OURS) -> None:
        """Add the values of candidates that took turns; *ours* is compared with each."""
        for name, values in found.items():
            self.figures[name] = summarize(values)
            if name != ours and ours in found:
                self.ratios[name] = divide(found[ours], values)

    def to_dict(self) -> dict[str, Any]:
        """As it is written to JSON."""
        return asdict(self)


def from_dict(document: Mapping[str, Any]) -> Measured:
    """The reverse of `Measured.to_dict`."""
    spreads = {
        name: {key: Spread(**value) for key, value in document[name].items()}
        for name in ("figures", "ratios")
    }
    return Measured(
        document["unit"],
        spreads["figures"],
        spreads["ratios"],
        dict(document["unavailable"]),
        document["seconds"],
    )


def make_document(
    taken: Mapping[str, Any], benchmarks: Mapping[str, Measured]
) -> dict[str, Any]:
    """All results as one JSON object.

    Args:
        taken: when, where and with what they were measured.
        benchmarks: what each benchmark found.
    """
    return {
        "schema": SCHEMA,
        "taken": dict(taken),
        "benchmarks": {name: found.to_dict() for name, found in benchmarks.items()},
    }


def read_document(document: Mapping[str, Any]) -> dict[str, Measured]:
    """The benchmarks in a document of `make_document`.

    Raises:
        ValueError: another version wrote it.
    """
    if document.get("schema") != SCHEMA:
        raise ValueError(f"schema {document.get('schema')}, not {SCHEMA}")
    return {name: from_dict(found) for name, found in document["benchmarks"].items()}


def merge_documents(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """*old* with the benchmarks of *new*, which was measured later."""
    both = {**read_document(old), **read_document(new)}
    return make_document(new["taken"], both)
