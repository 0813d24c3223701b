"""Generated values of other systems' records, as JSON can hold them."""

from __future__ import annotations

from hypothesis import strategies as st

from infinium_otel.models.spans import to_iso

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.sampled_from(["search", "book", "w 1", "ü"])
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
integers = st.integers(min_value=-(2**53), max_value=2**53)
counts = st.integers(min_value=0, max_value=2**40)
plain = st.none() | st.booleans() | integers | floats | words
json_values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=5,
)
mappings = st.dictionaries(words, json_values, max_size=3)
times = st.integers(min_value=0, max_value=4_000_000_000_000_000).map(
    lambda micros: to_iso(micros * 1000)
)
odd_times = st.sampled_from(["yesterday", "2026-01-02T03:04:05", "2026-01-02"])


def maybe(strategy):
    """The value or None."""
    return st.none() | strategy


def tuples(strategy, size=3):
    """A tuple of values."""
    return st.lists(strategy, max_size=size).map(tuple)
