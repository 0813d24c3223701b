"""The table of facts: names, types and meanings."""

from __future__ import annotations

from pathlib import Path

import pytest

from infinium_otel import load_otlp
from infinium_otel.dialects import DIALECTS, FACT_TABLE, FACTS, Dialect, first, text
from support import corpus

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-dialect.md"
TYPES = {fact.name: fact.type for fact in FACT_TABLE}
TYPE_NAMES = {
    str: "text",
    int: "whole number",
    (int, float): "number",
    bool: "true or false",
    tuple: "list of texts",
    dict: "object",
    object: "any",
}


def test_names_are_unique():
    """Each fact has one row."""
    assert len(FACT_TABLE) == len(FACTS)


def test_an_unknown_fact_is_refused():
    """A dialect with a name outside the table cannot be created."""
    with pytest.raises(ValueError, match="no such fact"):
        Dialect("acme", {"colour": first(text, "acme.colour")})


@pytest.mark.parametrize("fact", FACT_TABLE, ids=lambda fact: fact.name)
def test_the_guide_lists_every_fact(fact):
    """The guide has a row with each fact's type and meaning."""
    row = f"| `{fact.name}` | {TYPE_NAMES[fact.type]} | {fact.meaning} |"
    assert row in PAGE.read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", corpus.names())
def test_the_types_hold_for_every_recording(name, tmp_path):
    """Every fact that a built-in dialect reads has the type of its row, or is None."""
    wrong = [
        (dialect.name, fact, value)
        for path in corpus.recording(name).write(tmp_path)
        if ".logs" not in path.suffixes
        for record in load_otlp(path)
        for dialect in DIALECTS
        for fact, value in dialect.facts(record, []).items()
        if fact in TYPES and value is not None and not isinstance(value, TYPES[fact])
    ]
    assert wrong == []
