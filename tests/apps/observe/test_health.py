"""When a process is ready, and when it is dead."""

from __future__ import annotations

import pytest

from infinium_otel.apps.observe.health import STALLED_S, find_stalled, find_unready


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "", id="ready"),
        pytest.param({"is_closed": True}, "shutting down", id="closed"),
        pytest.param({"fullness": 1.0}, "full", id="full"),
        pytest.param({"fullness": 0.99}, "", id="nearly-full"),
        pytest.param({"state": "unavailable"}, "unavailable", id="no-endpoint"),
        pytest.param({"state": "credentials refused"}, "credentials", id="refused"),
        pytest.param(
            {"state": "unavailable", "is_durable": True}, "", id="safe-in-a-spool"
        ),
        pytest.param(
            {"state": "unavailable", "is_durable": True, "fullness": 1.2},
            "full",
            id="full-spool",
        ),
    ],
)
def test_ready(changes, expected):
    """Spans are welcome while they can be sent, or are safe on disk."""
    usual = {"is_closed": False, "state": "closed", "is_durable": False, "fullness": 0}
    problem = find_unready(**{**usual, **changes})
    assert (problem == "") is (expected == "")
    assert expected in problem


def test_stalled():
    """Only what has made no progress for long is dead, and it is named."""
    assert find_stalled({}) == ""
    assert find_stalled({"the pipeline": STALLED_S}) == ""
    found = find_stalled({"the receiver": 1.0, "the pipeline": STALLED_S + 1})
    assert found == "the pipeline has made no progress for 61 s"
