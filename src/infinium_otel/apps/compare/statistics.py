"""How two sets of numbers differ, and how sure that is. Standard library only.

The test is the two-sided Mann-Whitney test: it asks whether a value of one set tends to be
larger than one of the other, and assumes nothing of how they are distributed. For up to 20
values it is exact, ties included; for more it is the usual normal approximation, corrected
for ties and continuity. Many figures are tested at once, so p is corrected by Holm's
method: it is the chance to see a difference as large in any of them if there is none.

Source: Mann and Whitney 1947; Holm 1979.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_VALUES = 5
"""Fewer values on a side can show nothing, whatever they are."""
MAX_EXACT = 20
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Spread:
    """A set of numbers: the median, and the quartiles that hold the middle half."""

    n: int
    median: float
    low: float
    high: float


def summarize(values: Sequence[float]) -> Spread:
    """The median and quartiles of *values*, at least one."""
    if len(values) == 1:
        return Spread(1, values[0], values[0], values[0])
    low, _, high = quantiles(values, n=4, method="inclusive")
    return Spread(len(values), float(median(values)), low, high)


def compute_p(first: Sequence[float], second: Sequence[float]) -> float | None:
    """The p-value of the two-sided Mann-Whitney test; None for too few values."""
    if min(len(first), len(second)) < MIN_VALUES:
        return None
    ranks = _rank([*first, *second])
    ours = sum(ranks[: len(first)])
    if len(ranks) <= MAX_EXACT:
        return _test_exactly(ranks, len(first), ours)
    return _approximate(ranks, len(first), ours)


def _rank(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, from 1, so that ties have whole numbers."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    ranks = [0] * len(values)
    below = 0
    for _, group in groupby(order, key=lambda index: values[index]):
        tied = list(group)
        for index in tied:
            ranks[index] = 2 * below + len(tied) + 1
        below += len(tied)
    return ranks


def _test_exactly(ranks: Sequence[int], size: int, ours: int) -> float:
    """The share of all choices of *size* ranks whose sum is as far from the middle."""
    counts: list[dict[int, int]] = [{0: 1}, *({} for _ in range(size))]
    for rank in ranks:
        for chosen in range(size, 0, -1):
            for total, ways in counts[chosen - 1].items():
                at = total + rank
                counts[chosen][at] = counts[chosen].get(at, 0) + ways
    middle = size * (len(ranks) + 1)
    far = abs(ours - middle)
    extreme = sum(
        ways for total, ways in counts[size].items() if abs(total - middle) >= far
    )
    return extreme / math.comb(len(ranks), size)


def _approximate(ranks: Sequence[int], size: int, ours: int) -> float:
    n, other = len(ranks), len(ranks) - size
    ties = sum(len(list(group)) ** 3 for _, group in groupby(sorted(ranks)))
    variance = size * other / 12 * ((n + 1) - (ties - n) / (n * (n - 1)))
    if variance <= 0:
        return 1.0
    off = max(0.0, abs(ours - size * (n + 1)) / 2 - 0.5)
    return math.erfc(off / math.sqrt(2 * variance))


def correct(p_values: Sequence[float | None]) -> list[float | None]:
    """*p_values* for as many tests at once, by Holm's method; None stays None."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for done, (p, index) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - done)))
        corrected[index] = least
    return corrected
