"""What a command reports of runs that did not become a task."""

from __future__ import annotations

from infinium_otel.apps.filtered import describe_filtered


def test_each_reason_has_its_own_phrase():
    """Copies are named as copies, and skipped runs by where their spans came from."""
    runs = {"copy": 2, "not_included": 9, "excluded": 1, "own_request": 3, "other": 4}
    scopes = {f"s{number}": number for number in range(7)}
    assert list(describe_filtered(runs, scopes, "--include all")) == [
        "merged as copies of other runs: 2",
        "excluded by infinium.skip: 1",
        "requests to Infinium: 3",
        "skipped (no LLM, tool or agent span): 9 (spans of s6, s5, s4, s3, s2, ...; "
        "--include all)",
    ]


def test_nothing_is_reported_of_nothing():
    """Without filtered runs there is no line."""
    assert list(describe_filtered({}, {}, "")) == []
