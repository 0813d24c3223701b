from __future__ import annotations

import pytest

from infinium_otel.dialects import read
from infinium_otel.models.facts import read_failure, restore_span, write_facts
from infinium_otel.models.runs import find_runs
from infinium_otel.records import Failure
from support.records import chat, make_span
from support.spans import sid

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
def test_invalid_facts_change_nothing(facts):
    """An unrelated value under the key does not change the draft."""
    draft = make_span("x", None, {"a": 1})
    assert restore_span(draft, facts) == (draft, None)


def test_facts_restore_the_span():
    """A span's facts restore its ids, name, times and failure."""
    (run,) = find_runs(
        [
            make_span("run", None, AGENT),
            make_span("t", "run", status="error", status_message="no"),
        ],
        "mark",
    )
    (step,) = run.spans
    record, failure = restore_span(make_span("draft"), write_facts(step))
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
    """A failure's JSON is read as the failure; any other value gives None."""
    assert read_failure(value) == expected


def test_parts_of_the_usage_survive():
    """Audio tokens, lifetimes and the like are read again from the restored span."""
    parts = {
        "gen_ai.usage.input_audio_tokens": 3,
        "gen_ai.usage.cache_write_1h_tokens": 2,
        "gen_ai.usage.web_searches": 1,
    }
    (run,) = find_runs(
        [make_span("run", None, AGENT), chat("c", "run", attributes=parts)], "mark"
    )
    record, _ = restore_span(make_span("draft"), write_facts(run.steps[0]))
    assert read(record).usage == run.steps[0].normalized.usage
