"""Limits of single fields."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import ValidationError
from infinium_otel.limits import check, fit
from infinium_otel.taskdata import EnvironmentContext, TimeTracking
from support.tasks import NOW, small

EPOCH = "1970-01-01T00:00:00Z"


def with_field(name, value):
    task = small()
    setattr(task, name, value)
    return task


CASES = [
    pytest.param("name", "x" * 501, "x" * 499 + "…", id="long-name"),
    pytest.param("name", " \n", "(unnamed)", id="blank-name"),
    pytest.param("name", None, "(unnamed)", id="no-name"),
    pytest.param("name", 7, "7", id="name-no-text"),
    pytest.param("description", "", "Answer a question", id="blank-description"),
    pytest.param("description", "x" * 10_001, "x" * 9_999 + "…", id="long-description"),
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
def test_fit_repairs(name, value, expected):
    """A field beyond its limit is made to fit, and named in the tags."""
    found = fit(with_field(name, value))
    assert getattr(found, name) == expected
    assert found.environment.custom_tags == {"infinium_otel.clamped": name}
    check(found)


@pytest.mark.parametrize(("name", "value", "_"), CASES)
def test_check_refuses(name, value, _):
    """What a caller passes wrongly is refused, naming the field."""
    with pytest.raises(ValidationError) as caught:
        check(with_field(name, value))
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
def test_what_fits_stays(name, value):
    """A task within its limits is returned as it is."""
    task = with_field(name, value)
    check(task)
    assert fit(task) is task


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(TimeTracking("2026-01-01", NOW), NOW, id="end"),
        pytest.param(TimeTracking(NOW, "soon"), NOW, id="start"),
        pytest.param(TimeTracking(), EPOCH, id="neither"),
    ],
)
def test_a_missing_time_is_taken_from_the_run(times, expected):
    """The run's own end, else its start, stands in for a missing time."""
    task = with_field("current_datetime", "")
    task.time_tracking = times
    assert fit(task).current_datetime == expected


def test_tags_of_the_user_stay():
    """What stands in the tags already is kept; the task itself is not changed."""
    environment = EnvironmentContext(region="eu", custom_tags={"a": "b"})
    task = small("", environment=environment)
    found = fit(task)
    assert found.environment.region == "eu"
    assert found.environment.custom_tags == {"a": "b", "infinium_otel.clamped": "name"}
    assert (task.name, environment.custom_tags) == ("", {"a": "b"})


def test_hidden_prompts_stay():
    """What the vendor's TraceBuilder hides on a task is kept."""
    task = small("")
    task._prompt_studio = {"prompts_used": []}
    assert fit(task)._prompt_studio == {"prompts_used": []}


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_fit_is_total(name, description, moment, duration):
    """Whatever stands in the required fields, the result passes the check."""
    task = small()
    task.name, task.description = name, description
    task.current_datetime, task.duration = moment, duration
    check(fit(task))
