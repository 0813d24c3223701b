"""`plain`: whatever a user keeps in metadata becomes JSON, and nothing raises."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.taskdata import Customer, plain
from infinium_otel.taskdata.values import CYCLE, MAX_NODES, TOO_DEEP, TOO_MANY


class Colour(Enum):
    RED = "red"
    NONE = None


class Level(IntEnum):
    HIGH = 3


class Shout(str):
    __slots__ = ()

    def __str__(self):
        return self.upper()


class Index:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        if self.number is None:
            raise RuntimeError
        return self.number

    def __str__(self):
        return "index"


class Mute:
    def __str__(self):
        raise RuntimeError


class Broken(Mapping):
    def __getitem__(self, key):
        raise RuntimeError

    def __iter__(self):
        raise RuntimeError

    def __len__(self):
        return 1

    def __str__(self):
        return "broken"


class Liar:
    @property
    def __class__(self):
        raise RuntimeError

    def __str__(self):
        return "liar"


@dataclass
class Point:
    x: int
    y: object = None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(True, True, id="bool"),
        pytest.param(2**63 - 1, 2**63 - 1, id="64-bits"),
        pytest.param(2**63, "0x8000000000000000", id="beyond-64-bits"),
        pytest.param(math.nan, "NaN", id="nan"),
        pytest.param(math.inf, "Infinity", id="infinity"),
        pytest.param(-math.inf, "-Infinity", id="minus-infinity"),
        pytest.param("\ud800", "\ufffd", id="surrogate"),
        pytest.param(b"text", "text", id="bytes"),
        pytest.param(b"\xff", "/w==", id="bytes-not-utf8"),
        pytest.param(bytearray(b"a"), "a", id="bytearray"),
        pytest.param(
            datetime(2026, 1, 2, tzinfo=timezone.utc),
            "2026-01-02T00:00:00+00:00",
            id="datetime",
        ),
        pytest.param(date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param(Decimal("1.10"), "1.10", id="decimal"),
        pytest.param(UUID(int=0), "00000000-0000-0000-0000-000000000000", id="uuid"),
        pytest.param(PurePosixPath("a/b"), "a/b", id="path"),
        pytest.param(Colour.RED, "red", id="enum"),
        pytest.param(Colour.NONE, "Colour.NONE", id="enum-of-none"),
        pytest.param(Level.HIGH, 3, id="int-enum"),
        pytest.param(Shout("hi"), "hi", id="text-subclass"),
        pytest.param(type("Real", (float,), {})(1.5), 1.5, id="float-subclass"),
        pytest.param(Index(7), 7, id="index"),
        pytest.param(Index(None), "index", id="broken-index"),
        pytest.param(Mute(), "<Mute>", id="no-text"),
        pytest.param(Broken(), "broken", id="broken-mapping"),
        pytest.param(Liar(), "liar", id="lying-class"),
        pytest.param({"b", "a"}, ["a", "b"], id="set"),
        pytest.param((1, [2, (3,)]), [1, [2, [3]]], id="tuple"),
        pytest.param(
            {"reasons": ["stop", "\ud800"], "mixed": ["a", 1]},
            {"reasons": ["stop", "\ufffd"], "mixed": ["a", 1]},
            id="lists-in-a-dict",
        ),
        pytest.param(Point(1), {"x": 1, "y": None}, id="dataclass"),
        pytest.param(Point, str(Point), id="dataclass-type"),
        pytest.param(
            OrderedDict(a=Customer()), {"a": dict(vars(Customer()))}, id="nested"
        ),
        pytest.param(
            {None: 2, True: 3, 2.5: 4, "s": 5, b"b": 6, (1,): 7},
            {"true": 3, "null": 2, "2.5": 4, "s": 5, "b": 6, "(1,)": 7},
            id="keys",
        ),
    ],
)
def test_plain(value, expected):
    """Each kind of value has one sensible JSON form."""
    assert plain(value) == expected


def test_integer_keys():
    """Number keys become their text."""
    assert plain({1: "a", 2**70: "b"}) == {"1": "a", hex(2**70): "b"}


def test_cycles_are_cut():
    """A value that holds itself ends where it would begin again."""
    value = {"a": []}
    value["a"].append(value)
    assert plain(value) == {"a": [CYCLE]}


def test_depth_is_cut():
    """Nesting ends at a depth every JSON reader can follow."""
    value = "x"
    for _ in range(1000):
        value = [value]
    found = json.dumps(plain(value))
    assert TOO_DEEP in found
    assert found.count("[") < 100


def test_shared_values_do_not_explode():
    """A small graph that would unfold into 2**40 values is cut."""
    value = [1]
    for _ in range(40):
        value = [value, {"again": value}]
    assert TOO_MANY in json.dumps(plain(value))


def test_a_mapping_without_end_is_cut():
    """Pairs beyond the limit are dropped."""
    assert len(plain(dict.fromkeys(range(MAX_NODES + 5)))) == MAX_NODES


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters())
        | st.binary()
        | st.datetimes()
        | st.decimals(),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner)
            | st.dictionaries(st.text() | st.integers() | st.none(), inner)
        ),
        max_leaves=20,
    )
)
def test_the_result_is_json(value):
    """Whatever goes in, strict JSON in UTF-8 comes out, and it is its own plain form."""
    found = plain(value)
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    assert plain(found) == found
