"""Limits of single fields."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import ValidationError
from infinium_otel.taskdata import (
    EnvironmentContext,
    ExecutionStep,
    TaskData,
    TimeTracking,
)
from infinium_otel.taskdata.limits import clamp, truncate_previews, validate
from support.tasks import NOW, small

EPOCH = "1970-01-01T00:00:00Z"


def with_field(name, value):
    task = small()
    setattr(task, name, value)
    return task


CASES = [
    pytest.param("name", "x" * 501, "x" * 497 + "...", id="long-name"),
    pytest.param("name", " \n", "(unnamed)", id="blank-name"),
    pytest.param("name", None, "(unnamed)", id="no-name"),
    pytest.param("name", 7, "7", id="name-no-text"),
    pytest.param("description", "", "Answer a question", id="blank-description"),
    pytest.param(
        "description", "x" * 10_001, "x" * 9_997 + "...", id="long-description"
    ),
    pytest.param("current_datetime", "yesterday", EPOCH, id="no-time"),
    pytest.param("current_datetime", "1066-01-01", EPOCH, id="long-ago"),
    pytest.param("current_datetime", None, EPOCH, id="none-time"),
    pytest.param("duration", -5, 0.0, id="negative"),
    pytest.param("duration", 86_401, 86_400.0, id="above-a-day"),
    pytest.param("duration", math.nan, 0.0, id="nan"),
    pytest.param("duration", math.inf, 86_400.0, id="infinite"),
    pytest.param("duration", 10**400, 86_400.0, id="huge"),
    pytest.param("duration", "3", 0.0, id="text"),
    pytest.param("duration", True, 0.0, id="bool"),
]


@pytest.mark.parametrize(("name", "value", "expected"), CASES)
def test_clamp_repairs(name, value, expected):
    """A field beyond its limit is made to clamp, and named in the tags."""
    found = clamp(with_field(name, value))
    assert getattr(found, name) == expected
    assert found.environment.custom_tags == {"infinium_otel.clamped": name}
    validate(found)


@pytest.mark.parametrize(("name", "value", "_"), CASES)
def test_check_refuses(name, value, _):
    """What a caller passes wrongly is refused, naming the field."""
    with pytest.raises(ValidationError) as caught:
        validate(with_field(name, value))
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("name", "x" * 500, id="name"),
        pytest.param("description", "x" * 10_000, id="description"),
        pytest.param("current_datetime", "2026-01-02", id="date"),
        pytest.param("current_datetime", "2026-01-02T03:04:05.678+02:00", id="offset"),
        pytest.param("duration", 0, id="zero"),
        pytest.param("duration", 86_400, id="a-day"),
    ],
)
def test_valid_values_stay(name, value):
    """A task within its limits is returned as it is."""
    task = with_field(name, value)
    validate(task)
    assert clamp(task) is task


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(TimeTracking("2026-01-01", NOW), NOW, id="end"),
        pytest.param(TimeTracking(NOW, "soon"), NOW, id="start"),
        pytest.param(TimeTracking(), EPOCH, id="neither"),
    ],
)
def test_a_missing_time_is_taken_from_the_run(times, expected):
    """The run's own end, else its start, replaces a missing time."""
    task = with_field("current_datetime", "")
    task.time_tracking = times
    assert clamp(task).current_datetime == expected


def test_tags_of_the_user_stay():
    """Existing tags are kept; the task itself is not changed."""
    environment = EnvironmentContext(region="eu", custom_tags={"a": "b"})
    task = small("", environment=environment)
    found = clamp(task)
    assert found.environment.region == "eu"
    assert found.environment.custom_tags == {"a": "b", "infinium_otel.clamped": "name"}
    assert (task.name, environment.custom_tags) == ("", {"a": "b"})


def test_hidden_prompts_stay():
    """What the vendor's TraceBuilder hides on a task is kept."""
    task = small("")
    task._prompt_studio = {"prompts_used": []}
    assert clamp(task)._prompt_studio == {"prompts_used": []}


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_clamp_is_total(name, description, moment, duration):
    """Whatever the required fields contain, the clamped task passes `validate`."""
    task = small()
    task.name, task.description = name, description
    task.current_datetime, task.duration = moment, duration
    validate(clamp(task))


def test_previews_of_a_callers_steps_are_truncated():
    """A step's previews have at most 500 characters; the caller's own task stays."""
    steps = [
        ExecutionStep(1, "a", "d", input_preview="x" * 600, output_preview="y" * 500),
        ExecutionStep(2, "a", "d"),
    ]
    task = TaskData("n", "d", "2026-01-01T00:00:00Z", 1.0, steps=steps)
    sent = truncate_previews(task).steps
    assert sent[0].input_preview == "x" * 497 + "..."
    assert sent[0].output_preview == "y" * 500
    assert (sent[1], steps[0].input_preview) == (steps[1], "x" * 600)
    assert truncate_previews(replace(task, steps=None)).steps is None
