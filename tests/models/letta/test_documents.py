"""Letta's JSON to its records and back."""

from __future__ import annotations

from dataclasses import fields

import pytest

from infinium_otel.errors import InfiniumError
from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Step,
    ToolReturn,
)


def test_every_field_of_letta():
    """The step has the 27 fields of 0.16.4 and, on request, the four newer ones."""
    names = [f.name for f in fields(Step) if f.name != "other"]
    assert len(names) == 31
    assert len(letta.dump(Step("step-1"))) == 27
    assert list(letta.dump(Step("step-1"), newer=True)) == names
    assert len(letta.dump(Step("step-1", reasoning_tokens=3))) == 31


@pytest.mark.parametrize(
    ("mapping", "part"),
    [
        pytest.param({"id": "step-1", "model": "m"}, "steps", id="step"),
        pytest.param({"id": "step-1", "step_ns": 4}, "metrics", id="metrics"),
        pytest.param({"id": "message-1", "role": "user"}, "messages", id="message"),
        pytest.param(
            {"id": "p", "request_json": {}}, "provider_traces", id="provider-trace"
        ),
    ],
)
def test_load_recognizes_the_record(mapping, part):
    """Any of Letta's records is read as a log with that record."""
    log = letta.load(mapping)
    assert len(getattr(log, part)) == 1
    assert letta.dump(getattr(log, part)[0]).items() >= mapping.items()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="no-id"),
        pytest.param({"steps": [3]}, id="step-is-no-object"),
    ],
)
def test_invalid_records_are_rejected(value):
    """JSON that is not a record of Letta's raises a clear error."""
    with pytest.raises(InfiniumError):
        letta.load(value)


def test_the_clients_names_are_read():
    """The client has other names for two fields; both are read."""
    step = letta.step_of(
        {"id": "s", "api_model_endpoint": "e", "api_model_handle": "h"}
    )
    assert (step.model_endpoint, step.model_handle) == ("e", "h")


def test_unknown_values_are_kept_and_not_written():
    """Values and keys that Letta rejects are kept, but not written."""
    mapping = {
        "id": "s",
        "stop_reason": "new",
        "status": "odd",
        "feedback": "meh",
        "key": 1,
        "tags": ["a", 3],
    }
    step = letta.step_of(mapping)
    assert (step.stop_reason, step.status, step.other) == ("new", "odd", {"key": 1})
    written = letta.dump(step)
    assert (written["stop_reason"], written["status"], written["feedback"]) == (
        None,
        None,
        None,
    )
    assert "key" not in written
    assert written["tags"] == ["a"]


def test_a_value_of_the_wrong_type_is_absent():
    """A value of the wrong type counts as absent."""
    step = letta.step_of(
        {
            "id": "s",
            "prompt_tokens": "many",
            "messages": [{"id": "message-1", "role": "tool", "tool_returns": ["x"]}],
        }
    )
    assert step.prompt_tokens is None
    assert step.messages[0].tool_returns == (ToolReturn("success", func_response="x"),)
