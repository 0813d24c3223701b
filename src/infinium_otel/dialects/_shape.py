"""What the keys of a span alone decide, found once for all spans with the same keys.

An instrumentation writes the same keys again and again, and most rules of this package
look at keys only: which dialects a span has, which rows of their tables apply, which keys
hold counts, prices, metadata or evaluations. A rule stays a plain function of a key beside
the table it reads; a shape applies it to each key once and keeps what it found, so that a
span costs what its values cost, not what its keys cost times the number of rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

MAX_KEYS = 60_000
MAX_LENGTH = 2_000_000
"""Keys of all shapes that are kept, and the characters in them.

A program has a few dozen shapes of twenty keys; hostile telemetry has no end of them.
"""
MAX_SHARE = 50
"""The part of these bounds that one shape may take: a fiftieth."""
MAX_DERIVED = 200
"""What is kept of one shape, at most. A shape needs one entry for each of its dialects, and
a few more; spans whose events select other dialects each time could add entries for ever.
"""


class Shape:
    """The keys of one or more spans, in order.

    Args:
        keys: the keys of the attributes.
    """

    __slots__ = ("_derived", "_selected", "keys")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self._selected: dict[Any, Any] = {}
        self._derived: dict[Any, Any] = {}

    def select(self, rule: Callable[[str], T | None]) -> tuple[tuple[str, T], ...]:
        """The keys that *rule* finds something for, each with what it finds.

        Args:
            rule: a pure function of one key; None where the key is none of its.
        """
        found: tuple[tuple[str, T], ...]
        try:
            found = self._selected[rule]
        except KeyError:
            found = tuple([(k, f) for k in self.keys if (f := rule(k)) is not None])
            self._selected[rule] = found
        return found

    def derive(self, rule: Callable[..., T], *more: Any) -> T:
        """What *rule* makes of all keys and *more*, which must be hashable.

        Args:
            rule: a pure function of the keys; nobody may change what it returns.
        """
        place = (rule, *more) if more else rule
        found: T | None = self._derived.get(place)
        if found is None:
            found = rule(self.keys, *more)
            if len(self._derived) < MAX_DERIVED:
                self._derived[place] = found
        return found


class _Shapes:
    """The shapes seen so far; all are forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_keys: dict[tuple[str, ...], Shape] = {}
        self._keys = self._length = 0
        self.reading: tuple[Iterable[str], Shape] | None = None

    def find(self, keys: tuple[str, ...]) -> Shape:
        shape = self._by_keys.get(keys)
        if shape is None:
            shape = Shape(keys)
            self._keep(shape)
        return shape

    def _keep(self, shape: Shape) -> None:
        keys, length = len(shape.keys), sum(map(len, shape.keys))
        if keys * MAX_SHARE > MAX_KEYS or length * MAX_SHARE > MAX_LENGTH:
            return
        self._keys += keys + 1
        self._length += length
        if self._keys > MAX_KEYS or self._length > MAX_LENGTH:
            self._by_keys = {}
            self._keys, self._length = keys + 1, length
        self._by_keys[shape.keys] = shape


_SHAPES = _Shapes()


def find_shape(attributes: Iterable[str]) -> Shape:
    """The shape of a span with these *attributes*: that of its like, if there was one."""
    reading = _SHAPES.reading
    if reading is not None and reading[0] is attributes:
        return reading[1]
    return _SHAPES.find(tuple(attributes))


def begin_reading(attributes: Iterable[str]) -> Shape:
    """As `find_shape`, for attributes whose shape is needed again and again.

    Other threads may read other spans: they find theirs the longer way. `end_reading`
    releases the attributes.
    """
    shape = _SHAPES.find(tuple(attributes))
    _SHAPES.reading = (attributes, shape)
    return shape


def end_reading() -> None:
    """Forget the attributes of the last `begin_reading`."""
    _SHAPES.reading = None
