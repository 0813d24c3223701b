"""Typed getters: an attribute of the wrong type is an absent one."""

from __future__ import annotations

import pytest

from infinium_otel.dialects import _attributes as attributes
from infinium_otel.dialects import (
    amount,
    any_of,
    count,
    data,
    first,
    flag,
    indexed,
    member,
    number,
    one_of,
    structure,
    text,
    texts,
    times,
    word,
)
from infinium_otel.dialects._attributes import money


@pytest.mark.parametrize(
    ("coerce", "value", "found"),
    [
        (text, "x", "x"),
        (text, " x ", "x"),
        (text, '"x"', "x"),
        (text, '"[1]"', "[1]"),
        (text, '"', '"'),
        (text, "unknown", None),
        (text, "", None),
        (text, 7, None),
        (word, "LLM", "llm"),
        (word, 7, None),
        (number, 1.5, 1.5),
        (number, "1.5", 1.5),
        (number, '"7"', 7.0),
        (number, True, None),
        (number, "x", None),
        (number, None, None),
        (number, float("inf"), None),
        (number, "9" * 400, None),
        (number, 10**400, None),
        (count, 7, 7),
        (count, 7.9, 7),
        (count, -1, None),
        (count, 2**60, None),
        (count, "x", None),
        (amount, 0.5, 0.5),
        (amount, -0.5, None),
        (amount, "x", None),
        (flag, True, True),
        (flag, "True", True),
        (flag, "false", False),
        (flag, "maybe", None),
        (flag, 1, None),
        (texts, ("a", 7, "b"), ("a", "b")),
        (texts, '["a"]', ("a",)),
        (texts, "a, b", ("a", "b")),
        (texts, 7, None),
        (texts, [], None),
        (data, "x", "x"),
        (data, "{}", None),
        (data, 0, 0),
        (data, False, False),
        (data, [], None),
        (data, {"a": 1}, {"a": 1}),
        (data, "<coroutine object API.parse at 0x7f00>", None),
        (data, "<b>bold</b>", "<b>bold</b>"),
        (any_of("bad worse"), "Status.BAD", True),
        (any_of("bad worse"), "good", None),
        (any_of("bad worse"), 7, None),
        (structure, '{"a":1}', {"a": 1}),
        (structure, "{}", None),
        (structure, "x", None),
        (times(1000), 0.25, 250),
        (times(1000), "x", None),
        (one_of({"a": "b"}), "A", "b"),
        (one_of({"a": "b"}), 7, None),
        (member("a", count), '{"a":"7"}', 7),
        (member("a b", count), {"a": "x", "b": 7}, 7),
        (member("a", count), '{"b":7}', None),
        (member("a", count), "x", None),
    ],
    ids=lambda value: getattr(value, "__name__", None) or repr(value)[:20],
)
def test_coercions(coerce, value, found):
    """A value of the type, also as text, is returned; any other value is None."""
    assert coerce(value) == found


def test_rows():
    """A row names its keys in the order in which they decide."""
    row = first(count, "new", "old") | first(text, "other")
    assert row.places == (("new", count), ("old", count), ("other", text))


@pytest.mark.parametrize(
    ("flat", "found"),
    [
        pytest.param({"p.0.a": 1, "p.1.a": 2}, [{"a": 1}, {"a": 2}], id="list"),
        pytest.param({"p.10.a": 3, "p.2.a": 1}, [{"a": 1}, {"a": 3}], id="holes"),
        pytest.param(
            {"p.0.t.1.n": "y", "p.0.t.0.n": "x"},
            [{"t": [{"n": "x"}, {"n": "y"}]}],
            id="nested",
        ),
        pytest.param({"p.0": "x", "p.1": "y"}, ["x", "y"], id="plain-values"),
        pytest.param({"p.0": "x", "p.0.a": 1}, [{"a": 1}], id="value-and-object"),
        pytest.param({"p.0.a": {1: 2}}, [{"a": {1: 2}}], id="object-as-value"),
        pytest.param({f"p.{'9' * 5_000}": 1, "p.0": 0}, [0, 1], id="endless-number"),
        pytest.param({"p.a": 1}, None, id="no-list"),
        pytest.param({"q.0": 1}, None, id="another-prefix"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_indexed(flat, found):
    """A flattened list is put together again, whatever its indices."""
    assert indexed(flat, "p") == found


def test_endless_keys():
    """A key of thousands of levels unfolds to as many as a convention could have."""
    found = indexed({"p" + ".0" * 50_000: "x"}, "p")
    assert "x" in str(found)


def test_notes_are_for_wrong_types():
    """Every coercion whose refusal is noted takes anything."""
    for coerce in attributes.TYPED:
        assert coerce(object()) is None


@pytest.mark.parametrize(
    ("value", "dollars"),
    [
        ("0.0015USD", 0.0015),
        ("$2", 2.0),
        ("USD 1e-4", 0.0001),
        (3, 3.0),
        ("2 EUR", None),
        ("cheap", None),
        (None, None),
    ],
)
def test_money(value, dollars):
    """Dollars are read with their sign; any other currency is unknown."""
    assert money(value) == dollars
