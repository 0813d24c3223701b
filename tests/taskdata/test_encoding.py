"""`task_to_dict`: the JSON object on the wire."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest

from infinium_otel.taskdata import (
    Customer,
    ErrorDetail,
    ExecutionStep,
    LlmUsage,
    task_to_dict,
)
from support.tasks import NOW, full, small

WIRE = (
    '{"name":"Answer a question","description":"One run",'
    f'"current_datetime":"{NOW}","duration":1.5,'
    '"input_summary":"what?","output_summary":"that",'
    '"expected_outcome":{"task_objective":"answer","required_deliverables":["text"]},'
    '"steps":[{"step_number":1,"action":"llm_inference","description":"ask",'
    '"duration_ms":0,"llm_call":{"model":"gpt-4o","provider":"openai",'
    '"prompt_tokens":7,"completion_tokens":3,"temperature":0.0},'
    '"metadata":{"otel.span_id":"ab","nothing":null,"empty":[]}},'
    '{"step_number":2,"action":"tool_use","description":"look",'
    '"error":{"error_type":"Timeout","message":"slow","recoverable":false,'
    '"retry_count":0},"tool_call":{"tool_name":"search","duration_ms":12,'
    '"http_status":504}}],'
    '"errors":[{"error_type":"Timeout","message":"slow","recoverable":true,'
    '"retry_count":1}],'
    '"llm_usage":{"prompt_tokens":7,"calls":[{"model":"gpt-4o"}]},'
    f'"sections":{{"time_tracking":{{"start_time":"{NOW}","end_time":"{NOW}"}},'
    '"general":{"tools_used":"search","tags":["a"]}},'
    '"environment":{"framework":"","custom_tags":{"k":"v"}}}'
)


def test_wire_form():
    """Key order, nesting under `sections`, and what is omitted are the vendor's."""
    assert json.dumps(task_to_dict(full()), separators=(",", ":")) == WIRE


def test_required_fields_alone():
    """A bare task has four keys and no empty sections."""
    assert list(task_to_dict(small())) == [
        "name",
        "description",
        "current_datetime",
        "duration",
    ]


def test_prompt_studio_comes_last():
    """The hidden attribute of the vendor's TraceBuilder is sent."""
    task = full()
    task._prompt_studio = {"prompts_used": []}
    assert list(task_to_dict(task).items())[-1] == (
        "prompt_studio",
        {"prompts_used": []},
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("prompt_tokens", 2**63, id="beyond-64-bits"),
        pytest.param("estimated_cost_usd", math.nan, id="nan"),
        pytest.param("estimated_cost_usd", -math.inf, id="infinite"),
        pytest.param("calls", [], id="empty-list"),
        pytest.param("calls", [None], id="list-of-none"),
        pytest.param("calls", [Customer()], id="list-of-empty-dataclasses"),
    ],
)
def test_omitted_fields(field, value):
    """An empty field, or a number JSON cannot represent, is omitted."""
    task = small(llm_usage=LlmUsage(model="m", **{field: value}))
    assert task_to_dict(task)["llm_usage"] == {"model": "m"}


@pytest.mark.parametrize("value", [False, 0, 0.0, "", {}, {"a": None}])
def test_what_a_field_keeps(value):
    """False, 0, "" and plain dicts are kept as they are."""
    step = ExecutionStep(1, "a", "d", metadata=value)
    assert task_to_dict(small(steps=[step]))["steps"][0]["metadata"] == value


def test_texts_are_utf8():
    """A lone surrogate becomes U+FFFD, a pair its character, in any text."""
    task = small("\ud83d\ude00 \ud800 ü", errors=[ErrorDetail("x", "\udfff")])
    wire = task_to_dict(task)
    assert wire["name"] == "\U0001f600 \ufffd ü"
    assert wire["errors"][0]["message"] == "\ufffd"


def test_items_of_lists_are_plain():
    """Lists of texts hold what JSON can hold."""
    task = small(steps=[{"step_number": 1, "description": {"x"}}])
    assert task_to_dict(task)["steps"] == [{"step_number": 1, "description": ["x"]}]


def test_the_task_is_not_changed():
    """Encoding does not change the task."""
    task = full()
    task_to_dict(task)
    assert task == full()


@dataclass
class Single:
    note: str


def test_a_class_of_one_field():
    """A stranger's dataclass is encoded by its fields, however few."""
    assert task_to_dict(small(steps=[Single("x")]))["steps"] == [{"note": "x"}]


def test_what_is_not_a_task():
    """Anything but a dataclass is refused, not encoded as an empty task."""
    with pytest.raises(TypeError, match="not a task: object"):
        task_to_dict(object())
