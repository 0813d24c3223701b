from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from infinium_otel.models.field_attributes import read_fields, write_fields


@dataclass
class Record:
    name: str | None = None
    free: Any = None
    count: int = 0


@pytest.mark.parametrize(
    ("record", "attributes"),
    [
        pytest.param(Record("1"), {"r.name": "1"}, id="text"),
        pytest.param(Record(free="1"), {"r.free": '"1"'}, id="text-anywhere-else"),
        pytest.param(
            Record(free={"a": [None]}), {"r.free": '{"a": [null]}'}, id="json"
        ),
        pytest.param(Record(count=2**63), {"r.count": str(2**63)}, id="too-great"),
        pytest.param(Record(count=False), {"r.count": False}, id="no-zero"),
        pytest.param(Record(), {}, id="defaults"),
    ],
)
def test_fields_come_back_from_attributes(record, attributes):
    """A field is an attribute unless it has its default; its value is restored."""
    assert write_fields(record, "r.") == attributes
    assert Record(**read_fields(attributes, "r.", Record)) == record
