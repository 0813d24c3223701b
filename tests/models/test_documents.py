from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.documents import dump, fill, load_each, other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Leaf:
    name: str
    count: int = 3
    texts: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=documents.empty_mapping)
    id: str | None = field(
        default=None, metadata={"wire": "_id", **documents.OMIT_NULL}
    )
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
    """Known keys become fields; unknown keys and wrong types go to `other`."""
    assert fill(Leaf, given) == expected


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="missing"),
        pytest.param({"name": 4}, id="wrong-type"),
        pytest.param("text", id="no-object"),
    ],
)
def test_missing_required_fields_are_named(given):
    """A record without a required field is rejected, and the error names the field."""
    with pytest.raises(InfiniumError) as raised:
        fill(Leaf, given)
    assert raised.value.field in {"name", "Leaf"}


def test_records_are_dumped():
    """JSON has the vendor's names, without the nulls that the vendor rejects."""
    leaf = Leaf("a", other={"x": [None]})
    assert dump(leaf) == {"name": "a", "count": 3, "texts": [], "more": {}, "x": [None]}
    closed = Closed((leaf,), other={"y": 1})
    assert dump(closed) == {"leaves": [dump(leaf)], "note": None}
    assert dump(closed, nulls=False) == {"leaves": [dump(leaf)]}


def test_endless_values_end():
    """A free value is cut where it contains itself, or nests too deeply."""
    loop: dict[str, Any] = {}
    loop |= {"a": loop, "b": [loop, loop]}
    assert dump(Leaf("a", more=loop))["more"] == {"a": None, "b": [None, None]}
    deep: list[Any] = []
    for _ in range(600):
        deep = [deep]
    assert len(json.dumps(dump(deep))) < 200


def test_lists_of_records():
    """A list is read item by item; any other value gives None."""
    assert load_each(leaf_of)([{"name": "a"}]) == (Leaf("a"),)
    assert load_each(leaf_of)({"name": "a"}) is None


def test_nulls_are_dropped_at_every_level():
    """`drop_all_nulls` drops nulls and nothing else."""
    value = {"a": None, "b": [{"c": None, "d": 0}], "e": ""}
    assert documents.drop_all_nulls(value) == {"b": [{"d": 0}], "e": ""}


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Box:
    colour: Any = None
    at: Any = None
    inner: Any = ()


def test_times_and_members_are_normalized():
    """At every level of records a time becomes ISO 8601, a member its value."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    box = Box(Colour.RED, at, [Box(at=at), Box(), "x"])
    again = documents.normalize_values(box)
    assert (again.colour, again.at) == ("red", "2026-01-02T03:04:05+00:00")
    assert again.inner == (Box(at="2026-01-02T03:04:05+00:00"), Box(), "x")
    same = Box("red", inner=[Box()])
    assert documents.normalize_values(same) is same
    assert dump({"a": [Colour.RED, at]}) == {"a": ["red", at.isoformat()]}
