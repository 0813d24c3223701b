"""`coerce` and `task_from_dict`: mappings to Infinium's types."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, make_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import ValidationError
from infinium_otel.taskdata import (
    SECTIONS,
    Customer,
    ErrorDetail,
    ExecutionStep,
    LlmCall,
    TaskData,
    ToolCall,
    coerce,
    task_from_dict,
    task_to_dict,
)
from support.tasks import NOW, full, small

REQUIRED = {"name": "n", "description": "d", "current_datetime": NOW, "duration": 1.0}


def test_the_wire_form_comes_back():
    """`task_from_dict` is the inverse of `task_to_dict`."""
    wire = json.loads(json.dumps(task_to_dict(full())))
    task = task_from_dict(wire)
    assert isinstance(task.steps[0].llm_call, LlmCall)
    assert task_to_dict(task) == wire


def test_flat_sections_are_read_too():
    """Sections may be beside the other fields, as on the dataclass."""
    task = task_from_dict(REQUIRED | {"customer": {"customer_name": "Ada"}})
    assert task.customer == Customer("Ada")


def test_prompt_studio_round_trips():
    """What the vendor's TraceBuilder hid on a task is kept."""
    wire = REQUIRED | {"prompt_studio": {"prompts_used": []}}
    assert task_to_dict(task_from_dict(wire)) == wire


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)
ERRORS = st.builds(ErrorDetail, TEXTS, TEXTS, st.booleans(), NUMBERS, TEXTS, TEXTS)
STEPS = st.builds(
    ExecutionStep,
    NUMBERS,
    TEXTS,
    TEXTS,
    error=st.none() | ERRORS,
    tool_call=st.none() | st.builds(ToolCall, TEXTS, error=st.none() | ERRORS),
    metadata=st.none() | st.dictionaries(TEXTS, JSON),
)


@given(
    st.builds(
        TaskData,
        TEXTS,
        TEXTS,
        TEXTS,
        st.floats(0, 1e5),
        steps=st.none() | st.lists(STEPS, min_size=1, max_size=3),
        errors=st.none() | st.lists(ERRORS, min_size=1, max_size=2),
    )
)
def test_every_task_round_trips(task):
    """A task without empty lists comes back equal from its own JSON."""
    assert task_from_dict(json.loads(json.dumps(task_to_dict(task)))) == task


def test_every_section_is_coerced():
    """Each section, as a dict, becomes its dataclass."""
    for name, kind in SECTIONS.items():
        first = fields(kind)[0].name
        task = coerce(REQUIRED | {name: {first: "x"}}, TaskData)
        assert getattr(task, name) == kind(**{first: "x"})


def test_nested_values_are_coerced():
    """A dict becomes its dataclass anywhere one is expected, lists too."""
    step = {
        "step_number": 1,
        "action": "tool_use",
        "description": "d",
        "tool_call": {"tool_name": "t", "error": {"error_type": "E", "message": "m"}},
    }
    task = coerce(REQUIRED | {"steps": (step, None)}, TaskData)
    assert task.steps[0].tool_call == ToolCall("t", error=ErrorDetail("E", "m"))
    assert len(task.steps) == 1


def test_dicts_inside_a_dataclass_are_coerced():
    """A TaskData that was given dicts holds dataclasses afterwards."""
    task = small(errors=[{"error_type": "E", "message": "m"}])
    assert coerce(task, TaskData).errors == [ErrorDetail("E", "m")]


def test_unknown_keys_go_to_metadata():
    """A class with `metadata` keeps what it does not know there; its own keys win."""
    step = {
        "step_number": 1,
        "action": "a",
        "description": "d",
        "mood": "good",
        "k": 1,
        "metadata": {"k": 2},
    }
    assert coerce(step, ExecutionStep).metadata == {"mood": "good", "k": 2}


def test_unknown_keys_are_named():
    """A class without `metadata` drops an unknown key with a warning."""
    with pytest.warns(UserWarning, match="Customer: unknown key 'shoe_size' dropped"):
        assert coerce({"shoe_size": 42}, Customer) == Customer()


def test_metadata_that_is_no_mapping():
    """Where metadata is no mapping nothing can be added to it."""
    step = {"step_number": 1, "action": "a", "description": "d", "metadata": 1, "x": 2}
    with pytest.warns(UserWarning, match="ExecutionStep: unknown key 'x'"):
        assert coerce(step, ExecutionStep).metadata == 1


def test_unknown_sections_are_named():
    """An unknown section is dropped and named in a warning."""
    with pytest.warns(UserWarning, match="sections: unknown key 'weather' dropped"):
        task_from_dict(REQUIRED | {"sections": {"weather": {}}})


@dataclass
class ForeignCustomer:
    customer_name: str
    customer_email: None = None


def test_another_library_s_dataclass():
    """The vendor's own classes are taken field by field."""
    assert coerce(ForeignCustomer("Ada"), Customer) == Customer("Ada")


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        pytest.param({"name": "n"}, "description", id="missing"),
        pytest.param(
            REQUIRED | {"steps": [{"step_number": 1, "action": "a"}]},
            "steps[0].description",
            id="missing-nested",
        ),
        pytest.param(REQUIRED | {"customer": "Ada"}, "customer", id="no-object"),
        pytest.param(REQUIRED | {"steps": {}}, "steps", id="no-list"),
        pytest.param(REQUIRED | {"steps": [1]}, "steps[0]", id="no-object-in-list"),
        pytest.param(REQUIRED | {"sections": 1}, "sections", id="sections"),
        pytest.param([REQUIRED], "TaskData", id="no-task"),
    ],
)
def test_what_cannot_be_coerced(mapping, field):
    """A missing required field or a value of the wrong kind names the field."""
    with pytest.raises(ValidationError) as caught:
        task_from_dict(mapping)
    assert caught.value.field == field


def test_hidden_prompts_of_another_library_s_task():
    """What the vendor's TraceBuilder hides on its task is carried over."""
    foreign = make_dataclass("TaskData", REQUIRED)(*REQUIRED.values())
    foreign._prompt_studio = {"prompts_used": []}
    task = coerce(foreign, TaskData)
    assert task_to_dict(task)["prompt_studio"] == {"prompts_used": []}


def test_a_type_is_no_value():
    """The class itself is no instance of another."""
    with pytest.raises(ValidationError):
        coerce(ForeignCustomer, Customer)
