"""The stages that fit a task into 1 MiB."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.taskdata import (
    Customer,
    EnvironmentContext,
    ErrorDetail,
    ExecutionStep,
    LlmCall,
    LlmUsage,
    ToolCall,
)
from infinium_otel.taskdata.limits import (
    MAX_BODY_BYTES,
    clamp,
    encode_task,
    shrink_body,
)
from infinium_otel.testing.contract import find_complaints
from support.tasks import full, small

IDS = {"otel.span_id": "ab", "otel.parent_span_id": "cd", "start_time": "t"}


def step(number, size=0, *, failed=False, **fields):
    return ExecutionStep(
        number,
        "tool_use",
        "look",
        input_preview="i" * size,
        output_preview="o" * size,
        error=ErrorDetail("E", "m", stack_trace="s" * size) if failed else None,
        metadata={**IDS, "more": "m" * size},
        **fields,
    )


def run(count, size, **fields):
    """A task of so many steps, the tenth failed, each some three times *size* big."""
    steps = [step(n + 1, size, failed=n == 9) for n in range(count)]
    return small(
        steps=steps,
        input_summary="q" * 2_000,
        output_summary="a" * 7_000,
        llm_usage=LlmUsage(total_tokens=7),
        errors=[ErrorDetail("E", "m")],
        **fields,
    )


def sent(task, limit=MAX_BODY_BYTES):
    found = encode_task(task, limit)
    assert len(found.body) <= limit
    assert find_complaints(found.body) == ()
    return json.loads(found.body), found.stages


def test_a_small_task_is_unchanged():
    """A body of at most 1 MiB is not touched."""
    wire, stages = sent(full())
    assert stages == ()
    assert "infinium_otel.shrunk" not in wire["environment"]["custom_tags"]


def test_the_limit_is_exact_in_wire_bytes():
    """1,048,576 bytes of any script fit; one more is shrunk."""
    task = small(output_summary="")
    room = MAX_BODY_BYTES - len(encode_task(task).body)
    task.output_summary = "界" * (room // 3) + "x" * (room % 3)
    assert len(encode_task(task).body) == MAX_BODY_BYTES
    assert encode_task(task).stages == ()
    task.output_summary += "x"
    assert encode_task(task).stages == ("summaries, messages and descriptions",)


def test_middle_previews_go_first():
    """Inputs and outputs of middle steps are cut before anything else."""
    wire, stages = sent(run(300, 2_000))
    assert stages == ("middle previews to 300/1500", "middle previews to 100/500")
    steps = wire["steps"]
    assert len(steps) == 300
    assert len(steps[0]["input_preview"]) == 2_000
    assert len(steps[-1]["output_preview"]) == 2_000
    assert len(steps[9]["output_preview"]) == 2_000
    assert len(steps[150]["input_preview"]) == 100
    assert len(steps[150]["output_preview"]) == 500
    assert steps[150]["metadata"]["more"]


def test_a_gentle_cut_suffices_where_it_can():
    """No stage runs that is not needed."""
    _, stages = sent(run(180, 2_000))
    assert stages == ("middle previews to 300/1500",)


def test_a_failed_step_is_no_middle_step():
    """What went wrong is read first, and so kept longest."""
    wire, _ = sent(run(300, 2_000))
    assert wire["steps"][9]["error"]["stack_trace"] == "s" * 2_000


def test_middle_steps_go_before_summaries():
    """First and last steps, errors, totals and summaries survive 10,000 steps."""
    wire, stages = sent(run(10_000, 500))
    assert "steps dropped" in stages[-1]
    numbers = [each["step_number"] for each in wire["steps"]]
    assert numbers[:3] == [1, 2, 3]
    assert numbers[-5:] == [9_996, 9_997, 9_998, 9_999, 10_000]
    assert 10 in numbers
    assert len(wire["output_summary"]) == 7_000
    assert wire["llm_usage"] == {"total_tokens": 7}
    assert wire["errors"]


def test_few_steps_are_dropped():
    """No more middle steps go than must."""
    wire, stages = sent(run(4_000, 500))
    dropped = 4_000 - len(wire["steps"])
    assert stages[-1] == f"{dropped} of 4000 steps dropped"
    assert len(encode_task(run(4_000, 500)).body) > MAX_BODY_BYTES - 2_000


def test_cuts_are_tagged():
    """The tags show that and how the task was cut, as the connectors' tags do."""
    wire, stages = sent(run(180, 2_000, environment=EnvironmentContext(region="eu")))
    assert wire["environment"] == {
        "region": "eu",
        "custom_tags": {
            "truncated": "true",
            "infinium_otel.shrunk": "; ".join(stages),
        },
    }


def test_keys_keep_their_order():
    """Prompts stay behind the environment that the tags may add."""
    task = run(180, 2_000)
    task._prompt_studio = {"prompts_used": []}
    assert list(json.loads(encode_task(task).body))[-2:] == [
        "environment",
        "prompt_studio",
    ]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        pytest.param(
            lambda: small(
                steps=[step(1, tool_call=ToolCall("t", input_summary="x" * 2**21))]
            ),
            "inputs to 100",
            id="input",
        ),
        pytest.param(
            lambda: small(errors=[ErrorDetail("E", "m", stack_trace="x" * 2**21)]),
            "stack traces to 1000",
            id="stack-trace",
        ),
        pytest.param(
            lambda: small(
                steps=[
                    ExecutionStep(
                        1,
                        "a",
                        "d",
                        tool_call=ToolCall(
                            "t", error=ErrorDetail("E", "m", stack_trace="x" * 2**21)
                        ),
                    )
                ]
            ),
            "stack traces to 1000",
            id="stack-trace-of-a-tool",
        ),
        pytest.param(
            lambda: small(llm_usage=LlmUsage(calls=[LlmCall("m" * 100)] * 20_000)),
            "metadata and duplicate calls",
            id="calls",
        ),
        pytest.param(
            lambda: small(llm_usage=LlmUsage("m", calls=[LlmCall("m" * 100)] * 20_000)),
            "metadata and duplicate calls",
            id="calls-beside-totals",
        ),
        pytest.param(
            lambda: small(
                steps=[ExecutionStep(1, "a", "d", metadata=IDS | {"x": "x" * 2**21})]
            ),
            "metadata and duplicate calls",
            id="metadata",
        ),
        pytest.param(
            lambda: small(
                steps=[step(1, tool_call=ToolCall("t", output_summary="x" * 2**21))]
            ),
            "outputs to 1500",
            id="output",
        ),
        pytest.param(
            lambda: small(errors=[ErrorDetail("E", "m" * 900)] * 2_000),
            "errors to 40",
            id="errors",
        ),
        pytest.param(
            lambda: small(customer=Customer("x" * 2**21)),
            "everything to 2000",
            id="sections",
        ),
        pytest.param(
            lambda: small(
                environment=EnvironmentContext(
                    custom_tags={
                        "otel.trace_id": "ab",
                        **{f"{n}" + "k" * 99: "v" * 200_000 for n in range(100)},
                    }
                )
            ),
            "everything to 2000",
            id="tags",
        ),
    ],
)
def test_each_stage(task, expected):
    """Each kind of bulk has its stage."""
    assert sent(task())[1][-1] == expected


def test_the_last_resort():
    """However small the limit, name and description arrive, and the ids."""
    tags = {"otel.trace_id": "ab", "mine": "x"}
    task = run(50, 5_000, environment=EnvironmentContext(custom_tags=tags))
    found = encode_task(task, 600)
    wire = json.loads(found.body)
    assert found.stages[-1] == "all but name and description"
    assert list(wire) == [
        "name",
        "description",
        "current_datetime",
        "duration",
        "environment",
    ]
    assert wire["environment"]["custom_tags"]["otel.trace_id"] == "ab"
    assert "mine" not in wire["environment"]["custom_tags"]


def test_an_impossible_limit():
    """Where nothing helps the smallest body there is goes out."""
    assert len(encode_task(run(5, 100), 10).body) < 500


def test_a_body_can_be_shrunk_again():
    """A body that was refused as too large is shrunk to a given size."""
    body = encode_task(run(100, 500)).body
    found = shrink_body(body, len(body) // 2)
    assert len(found.body) <= len(body) // 2
    assert find_complaints(found.body) == ()
    assert shrink_body(body, len(body)).body is body


@pytest.mark.parametrize("body", [b"no json at all", b'["a", "list"]'])
def test_other_json_is_unchanged(body):
    """A body that cannot be understood is not changed."""
    assert shrink_body(body, 3).body is body


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 60),
    st.text(max_size=30),
    st.integers(0, 500),
    st.integers(2_000, 20_000),
)
def test_every_task_fits(count, text, times, limit):
    """Whatever a task holds, its body is within the limit and keeps the contract."""
    steps = [
        ExecutionStep(
            n, "a", text, input_preview=text * times, metadata={text: [text] * times}
        )
        for n in range(count)
    ]
    errors = [ErrorDetail(text, text * times)] * count
    sent(clamp(small(text, steps=steps, errors=errors)), limit)
