from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from infinium_otel.models.carrying import carried, uncarried


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
    """A field is an attribute, its default none, and its value comes back as it was."""
    assert carried(record, "r.") == attributes
    assert Record(**uncarried(attributes, "r.", Record)) == record
