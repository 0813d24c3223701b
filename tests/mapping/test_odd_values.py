"""Every attribute that the cases know, with a value of another type than is expected."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from infinium_otel import Config, load_otlp
from infinium_otel.pipeline import Pipeline
from infinium_otel.testing import FakeInfinium

CASES = Path(__file__).parents[1] / "data" / "cases"
FILES = [
    file
    for file in sorted(CASES.glob("*.json"))
    if not file.name.endswith((".expect.json", ".logs.json"))
]


def find_places():
    """Each key once, with indices as one: the spans of its case, the span, and the key."""
    known = set()
    for file in FILES:
        records = list(load_otlp(file))
        for index, record in enumerate(records):
            for key in record.attributes:
                shape = re.sub(r"\d+", "0", key)
                if shape not in known:
                    known.add(shape)
                    yield records, index, key


@pytest.mark.slow
@pytest.mark.parametrize(
    "odd", [[1, "a", None], {"a": [1], "b": {"c": 2}}], ids=["list", "mapping"]
)
def test_no_rule_fails_on_one(odd):
    """A rule that fails costs the run its content: it is mapped without any rule then."""
    config = Config(**FakeInfinium().settings)
    failed = []
    for records, index, key in find_places():
        attributes = {**records[index].attributes, key: odd}
        changed = list(records)
        changed[index] = replace(records[index], attributes=attributes)
        pipeline = Pipeline(config)
        pipeline.feed(changed, 0.0)
        pipeline.flush(1.0)
        if pipeline.problems:
            failed.append((key, dict(pipeline.problems)))
    assert failed == []
