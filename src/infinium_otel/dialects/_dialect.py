"""What a dialect is: a table of facts and their attributes, and code for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import PLACEHOLDERS, TYPED, Coercion, Row
from infinium_otel.dialects._fact_table import FACTS
from infinium_otel.dialects._shape import Shape, find_shape

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

Facts = dict[str, Any]
"""The facts found on a span so far, by name; `FACT_TABLE` has types and meanings."""

Refinement = Callable[["SpanRecord", Facts], None]
"""Adds facts the table cannot express, or corrects them."""


@dataclass(frozen=True, eq=False)
class Dialect:
    """One vocabulary of spans.

    Args:
        name: its name in the docs and in a step's metadata.
        fields: for each fact the attributes to read; the names are those of `FACTS`.
        key_segments: first segments of attribute keys ("gen_ai" of "gen_ai.system") that
            select the dialect for a span; a key without a dot is its own segment.
        scopes: instrumentation scopes that select it, whole or up to the first dot; "*"
            stands for any characters.
        refine: adds what the table cannot express.
        source: the packages and versions the table was read from.
        common: a vocabulary of all instrumentations, which does not identify one.
    """

    name: str
    fields: Mapping[str, Row]
    key_segments: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    refine: Refinement | None = None
    source: str = ""
    common: bool = False
    _places: dict[str, tuple[tuple[str, int, Coercion], ...]] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        unknown = set(self.fields) - FACTS
        if unknown:
            raise ValueError(f"dialect {self.name}: no such fact: {sorted(unknown)}")
        for fact, row in self.fields.items():
            for rank, (key, coerce) in enumerate(row.places):
                self._places[key] = (
                    *self._places.get(key, ()),
                    (fact, rank, coerce),
                )

    @property
    def keys(self) -> frozenset[str]:
        """The keys of attributes that the table reads."""
        return frozenset(self._places)

    def facts(
        self, record: SpanRecord, problems: list[str], shape: Shape | None = None
    ) -> Facts:
        """The facts of *record* in this dialect; unreadable values go to *problems*.

        Args:
            shape: the shape of its attributes, if it is known.
        """
        facts: Facts = {}
        ranks: dict[str, int] = {}
        attributes = record.attributes
        shape = shape or find_shape(attributes)
        for key, fact, rank, coerce, has_rival in shape.derive(self._list_places):
            if has_rival and fact in ranks and ranks[fact] <= rank:
                continue
            value = attributes[key]
            coerced = coerce(value)
            if coerced is not None:
                facts[fact] = coerced
                if has_rival:
                    ranks[fact] = rank
            elif coerce in TYPED and not _is_placeholder(value):
                problems.append(f"{key}: not understood")
        if self.refine:
            self.refine(record, facts)
        return facts

    def _list_places(self, keys: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
        """Key, fact, rank and coercion of each row's place that *keys* fill.

        And whether another of them has the same fact.
        """
        filled = [(key, *place) for key in keys for place in self._places.get(key, ())]
        facts = Counter(fact for _, fact, _, _ in filled)
        return tuple((*place, facts[place[1]] > 1) for place in filled)


def _is_placeholder(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip() in PLACEHOLDERS
    return value in (None, (), [], {})
