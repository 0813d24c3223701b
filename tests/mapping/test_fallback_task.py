"""Runs that a defect keeps from being mapped."""

from __future__ import annotations

import pytest

from infinium_otel.mapping.fallback_task import make_fallback_task
from infinium_otel.records import Trace
from support.spans import TRACE, span

START = "2026-09-21T14:13:20.000000Z"


@pytest.mark.parametrize(
    ("record", "name", "moment"),
    [
        pytest.param(span("a"), "a", START, id="plain"),
        pytest.param(span("  "), "unnamed", START, id="blank"),
        pytest.param(span(""), "unnamed", START, id="empty"),
        pytest.param(
            span("a", start=1e12), "a", "9999-12-31T23:59:59.000000Z", id="far"
        ),
    ],
)
def test_fallback_task(record, name, moment):
    """A fallback task is valid whatever its span contains."""
    task = make_fallback_task(Trace(TRACE, "unknown", (record,)), "x")
    assert task.name == name
    assert task.current_datetime == moment
    assert task.duration == pytest.approx(1.0, abs=1e-3)


def test_a_surrogate():
    """A lone surrogate in a name is replaced, not sent."""
    record = span(7)
    object.__setattr__(record, "name", "a\ud800b")
    assert (
        make_fallback_task(Trace(TRACE, record.span_id, (record,)), "x").name == "a?b"
    )


def test_the_root_names_it():
    """The name is the root's, at any position among the spans."""
    first, root = span("child"), span("root")
    assert (
        make_fallback_task(Trace(TRACE, root.span_id, (first, root)), "x").name
        == "root"
    )
