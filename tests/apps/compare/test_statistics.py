"""The statistics against numbers from elsewhere, and against the definition."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.apps.compare import statistics


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # Source: scipy 1.17.1, stats.mannwhitneyu(a, b, method="exact").
        pytest.param([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 0.0079365, id="apart"),
        pytest.param([1, 3, 5, 7, 9], [2, 4, 6, 8, 10], 0.6904762, id="interleaved"),
        # Source: the same, method="asymptotic", with its continuity correction.
        pytest.param(list(range(15)), list(range(8, 23)), 0.00028106, id="many"),
        pytest.param([1] * 6 + [2] * 6, [2] * 6 + [3] * 6, 0.00078009, id="many-ties"),
        pytest.param([1] * 12, [1] * 12, 1.0, id="all-equal"),
        pytest.param([1, 2, 3, 4], [6, 7, 8, 9, 10], None, id="too-few"),
    ],
)
def test_p_values(first, second, p):
    """They are those of a well-known implementation; none for fewer than five."""
    found = statistics.compute_p(first, second)
    assert found == (None if p is None else pytest.approx(p, rel=1e-3))


FEW = st.lists(st.integers(0, 6), min_size=5, max_size=7)


@given(FEW, FEW)
@settings(max_examples=20)
def test_exact_p_is_its_definition(first, second):
    """It is the share of all divisions whose rank sum is as far from the middle."""
    values = first + second
    ranks = [
        sum(other < value for other in values)
        + (1 + sum(other == value for other in values)) / 2
        for value in values
    ]
    middle = len(first) * (len(values) + 1) / 2
    far = abs(sum(ranks[: len(first)]) - middle)
    sums = [sum(chosen) for chosen in combinations(ranks, len(first))]
    share = sum(abs(each - middle) >= far - 1e-9 for each in sums) / len(sums)
    assert math.isclose(statistics.compute_p(first, second), share)


def test_many_tests_at_once():
    """Holm's method: the smallest is multiplied by the number of tests, and so on."""
    found = statistics.correct([0.01, None, 0.04, 0.03, 0.9])
    assert found == [
        pytest.approx(p) if p else None for p in (0.04, None, 0.09, 0.09, 0.9)
    ]
    assert statistics.correct([]) == []


def test_a_spread():
    """The median and the quartiles; of one value it is that value."""
    assert statistics.summarize([3.0]) == statistics.Spread(1, 3.0, 3.0, 3.0)
    assert statistics.summarize([1, 2, 3, 4, 5]) == statistics.Spread(5, 3.0, 2.0, 4.0)
