from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.documents import dump, fill, many, other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Leaf:
    name: str
    count: int = 3
    texts: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=documents.nothing)
    id: str | None = field(default=None, metadata={"wire": "_id", "unsaid": True})
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Closed:
    closed: ClassVar[bool] = True

    leaves: tuple[Leaf, ...] = ()
    note: str | None = None
    other: Mapping[str, Any] = other_keys()


def leaf_of(value):
    return fill(Leaf, value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"name": "a", "_id": "i"}, Leaf("a", id="i"), id="wire-name"),
        pytest.param({"name": "a", "count": None}, Leaf("a"), id="null-is-the-default"),
        pytest.param(
            {"name": "a", "x": 1}, Leaf("a", other={"x": 1}), id="unknown-key"
        ),
        pytest.param(
            {"name": "a", "count": "7", "texts": [1], "more": []},
            Leaf("a", other={"count": "7", "texts": [1], "more": []}),
            id="wrong-types-are-kept-aside",
        ),
        pytest.param(
            {"name": "a", "texts": ["t"], "more": {"k": 1}},
            Leaf("a", texts=("t",), more={"k": 1}),
            id="containers",
        ),
        pytest.param(
            {"name": "a", "texts": 5}, Leaf("a", other={"texts": 5}), id="no-list"
        ),
    ],
)
def test_records_are_filled(given, expected):
    """Known keys become fields; the unknown and the ill-typed are kept aside."""
    assert fill(Leaf, given) == expected


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="missing"),
        pytest.param({"name": 4}, id="wrong-type"),
        pytest.param("text", id="no-object"),
    ],
)
def test_what_cannot_be_missing_is_named(given):
    """A record without what it needs is refused, and the refusal says what."""
    with pytest.raises(InfiniumError) as raised:
        fill(Leaf, given)
    assert raised.value.field in {"name", "Leaf"}


def test_records_are_dumped():
    """JSON has the vendor's names; what the vendor takes no null for is left out."""
    leaf = Leaf("a", other={"x": [None]})
    assert dump(leaf) == {"name": "a", "count": 3, "texts": [], "more": {}, "x": [None]}
    closed = Closed((leaf,), other={"y": 1})
    assert dump(closed) == {"leaves": [dump(leaf)], "note": None}
    assert dump(closed, nulls=False) == {"leaves": [dump(leaf)]}


def test_endless_values_end():
    """A free value ends where it contains itself, or nests deeper than JSON need."""
    loop: dict[str, Any] = {}
    loop |= {"a": loop, "b": [loop, loop]}
    assert dump(Leaf("a", more=loop))["more"] == {"a": None, "b": [None, None]}
    deep: list[Any] = []
    for _ in range(600):
        deep = [deep]
    assert len(json.dumps(dump(deep))) < 200


def test_lists_of_records():
    """A list is read item by item; anything else is none."""
    assert many(leaf_of)([{"name": "a"}]) == (Leaf("a"),)
    assert many(leaf_of)({"name": "a"}) is None


def test_nulls_are_left_out_at_every_level():
    """`compact` drops nulls and nothing else."""
    value = {"a": None, "b": [{"c": None, "d": 0}], "e": ""}
    assert documents.compact(value) == {"b": [{"d": 0}], "e": ""}
