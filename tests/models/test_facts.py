from __future__ import annotations

import pytest

from infinium_otel.models.facts import facts_of, failure_in, restored
from infinium_otel.models.runs import runs_of
from infinium_otel.records import Failure
from support.spans import sid
from support.told import told

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(None, id="nothing"),
        pytest.param(5, id="no-mapping"),
        pytest.param(
            {"span_id": "XYZ", "parent_span_id": 5, "start_ns": "x"}, id="ill-typed"
        ),
        pytest.param({"attributes": []}, id="no-attributes"),
    ],
)
def test_facts_that_are_none_change_nothing(facts):
    """What stands under the key by chance leaves the draft as it is."""
    draft = told("x", None, {"a": 1})
    assert restored(draft, facts) == (draft, None)


def test_facts_make_the_span_again():
    """A span's facts give it back its ids, name, times and failure."""
    (run,) = runs_of(
        [
            told("run", None, AGENT),
            told("t", "run", status="error", status_message="no"),
        ],
        "mark",
    )
    (step,) = run.spans
    record, failure = restored(told("draft"), facts_of(step))
    assert (record.span_id, record.parent_id, record.name) == (
        sid("t"),
        sid("run"),
        "t",
    )
    assert failure.message == "no"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            {"type": "E", "message": "m", "code": "4"},
            Failure("E", "m", None, "4"),
            id="all",
        ),
        pytest.param({}, Failure("error", ""), id="bare"),
        pytest.param("E", None, id="no-mapping"),
    ],
)
def test_failures_are_read_from_json(value, expected):
    """A failure's JSON is the failure; anything else is none."""
    assert failure_in(value) == expected
