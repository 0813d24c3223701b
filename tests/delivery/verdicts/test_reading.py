"""An interpreted result of any shape, as evaluations."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.delivery.verdicts import describe_run, read_verdict
from infinium_otel.records import Evaluation

UUID = "11111111-2222-4333-8444-555555555555"
PROSE = "The flight was found and booked in time."


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param({"summary": "well done"},
                     [Evaluation("interpretation", explanation="well done")],
                     id="texts-only"),
        pytest.param({"score": 0.8, "verdict": "passed", "summary": PROSE},
                     [Evaluation("interpretation", 0.8, "passed", PROSE)], id="flat"),
        pytest.param({"criteria": [{"name": "Tone", "rating": 4, "reason": PROSE}]},
                     [Evaluation("criteria.Tone", 4.0, None, PROSE)], id="list-with-names"),
        pytest.param({"parts": [{"score": 1}, {"score": False}]},
                     [Evaluation("parts.1", 1.0), Evaluation("parts.2", False)],
                     id="list-without-names"),
        pytest.param({"grades": {"accuracy": 0.9, "level": "B+"}},
                     [Evaluation("grades.accuracy", 0.9),
                      Evaluation("grades.level", None, "B+")], id="by-path"),
        pytest.param({"accuracy": 0.9, "why": PROSE, "next": PROSE},
                     [Evaluation("accuracy", 0.9, None, f"why: {PROSE}\nnext: {PROSE}")],
                     id="two-texts"),
        pytest.param({"notes": ["too slow", "too dear"]},
                     [Evaluation("notes", explanation="too slow\ntoo dear")], id="notes"),
        pytest.param(json.dumps({"score": 1}), [Evaluation("interpretation", 1.0)],
                     id="json-as-text"),
        pytest.param("{broken", [Evaluation("interpretation", None, "{broken")],
                     id="nearly-json"),
        pytest.param(0.7, [Evaluation("interpretation", 0.7)], id="a-number"),
        pytest.param(PROSE, [Evaluation("interpretation", explanation=PROSE)], id="prose"),
        pytest.param({"id": UUID, "at": "2026-01-01T00:00:00Z", "by": "0" * 32}, [],
                     id="ids-and-times"),
        pytest.param(UUID, [], id="only-an-id"),
        pytest.param({"score": float("nan"), "rank": 10**400, "more": None}, [],
                     id="no-numbers"),
        pytest.param({"source": "infinium-otel serve", "facts": {"steps": 3}}, [],
                     id="computed-by-serve"),
        pytest.param({}, [], id="empty"),
        pytest.param([[{"name": " ", "score": 1}]], [Evaluation("1.1", 1.0)], id="no-name"),
    ],
)  # fmt: skip
def test_what_a_result_contains(result, expected):
    """Numbers and labels by their path, texts as the explanation, nothing invented."""
    assert list(read_verdict(result)) == expected


def test_a_large_result():
    """The number, the depth and the texts of evaluations are bounded."""
    found = read_verdict({f"score_{n}": n for n in range(1_000)})
    assert len(found) == 50
    (named,) = read_verdict({"x" * 500: {"score": 1, "reason": "y " * 5_000}})
    assert len(named.name) == 120
    assert len(named.explanation) == 1_000
    deep = 1.0
    for _ in range(100):
        deep = {"a": deep}
    assert read_verdict(deep) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read(result):
    """No result makes the reader raise, and each evaluation says something."""
    for each in read_verdict(result):
        assert each.name
        assert (each.score, each.label, each.explanation) != (None, None, None)


BODY = {
    "environment": {
        "custom_tags": {
            "otel.trace_id": "a" * 32,
            "otel.root_span_id": "b" * 16,
            "gen_ai.agent.name": "helper",
        }
    }
}


@pytest.mark.parametrize(
    ("body", "data", "is_followed"),
    [
        pytest.param(BODY, {"traceId": UUID}, True, id="complete"),
        pytest.param(BODY, {"id": UUID}, True, id="another-name-of-the-id"),
        pytest.param(BODY, {}, False, id="no-id"),
        pytest.param(BODY, None, False, id="no-response"),
        pytest.param(BODY, {"traceId": 7}, False, id="an-id-of-another-type"),
        pytest.param({}, {"traceId": UUID}, False, id="no-trace"),
        pytest.param(
            {"environment": {"custom_tags": {"otel.trace_id": "0" * 32,
                                             "otel.root_span_id": "b" * 16}}},
            {"traceId": UUID}, False, id="an-invalid-trace",
        ),
        pytest.param({"environment": []}, {"traceId": UUID}, False, id="another-shape"),
    ],
)  # fmt: skip
def test_which_runs_are_followed(body, data, is_followed):
    """Those with a trace to place the verdict in and an id to fetch it by."""
    run = describe_run("k", json.dumps(body).encode(), data, 5.0)
    assert (run is not None) is is_followed
    if run:
        assert (run.result_id, run.trace_id, run.span_id) == (UUID, "a" * 32, "b" * 16)


def test_a_body_that_is_no_json():
    """It has no trace."""
    assert describe_run("k", b"\xff", {"traceId": UUID}, 5.0) is None
