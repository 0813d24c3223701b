"""Infinium's tasks to spans and back."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel import otlp
from infinium_otel.models import infinium
from infinium_otel.models.spans import finalize, to_ns
from infinium_otel.records import Failure
from infinium_otel.taskdata import (
    Customer,
    Development,
    EnvironmentContext,
    ErrorDetail,
    ExecutionStep,
    ExpectedOutcome,
    General,
    LlmCall,
    LlmUsage,
    TimeTracking,
    ToolCall,
)
from support import corpus
from support.spans import agent_run, sid, span
from support.tasks import NOW, full, small

TRACE = "0af7651916cd43dd8448eb211c80319c"


def spans(**fields):
    return infinium.to_spans(small(**fields))


def tagged(**tags):
    custom_tags = {key.replace("__", "."): value for key, value in tags.items()}
    return EnvironmentContext(custom_tags=custom_tags)


def test_json_survives():
    """A task's JSON is read and written without change."""
    assert infinium.dump(infinium.load(infinium.dump(full()))) == infinium.dump(full())


@pytest.mark.parametrize(
    "name", ["genai-openai-agents/tool_loop", "pydantic-ai/nested_agent"]
)
def test_tasks_of_this_package_keep_their_spans(name):
    """Ids, tree and start times of the steps' spans are restored exactly."""
    (records,) = [otlp.from_json(corpus.recording(name).spans).records]
    known = {record.span_id: record for record in records}
    (task,) = infinium.from_spans(records)
    back = infinium.to_spans(task)
    steps = {step.metadata["otel.span_id"] for step in task.steps}
    assert {record.span_id for record in back} == steps | {back[0].span_id}
    kept = {record.span_id for record in back}
    for record in back:
        before = known[record.span_id]
        assert (record.trace_id, record.name) == (before.trace_id, before.name)
        # Times have microseconds, durations milliseconds.
        assert record.start_ns // 1000 == before.start_ns // 1000
        assert abs(record.end_ns - before.end_ns) <= 1_000_000
        if before.parent_id in kept or before.parent_id is None:
            assert record.parent_id == before.parent_id


def test_tasks_of_this_package_survive_spans():
    """A task converted to spans and back is equal, except for rounding."""
    (task,) = infinium.from_spans(agent_run(calls=3))
    assert infinium.from_spans(infinium.to_spans(task)) == [task]


def test_a_run_that_is_one_call():
    """A call that is its own root comes back as one span."""
    call = replace(agent_run()[0], parent_id=None)
    (task,) = infinium.from_spans([call])
    (back,) = infinium.to_spans(task)
    assert (back.span_id, back.name, back.kind) == (call.span_id, call.name, "client")
    assert infinium.from_spans([back]) == [task]


def test_steps_without_times_are_consecutive():
    """Steps without a start time follow one another from the run's start."""
    steps = [
        ExecutionStep(1, "llm_inference", "a", 250, llm_call=LlmCall("gpt-4o")),
        ExecutionStep(2, "tool_use", "b", tool_call=ToolCall("search", 500)),
        ExecutionStep(3, "decision", "c"),
        ExecutionStep(4, "own_word", "d", llm_call=LlmCall("gpt-4o", latency_ms=100)),
    ]
    root, *found = spans(steps=steps)
    end = to_ns(NOW)
    assert (root.start_ns, root.end_ns) == (end - 1_500_000_000, end)
    offsets = [(r.start_ns - root.start_ns, r.end_ns - root.start_ns) for r in found]
    ms = 1_000_000
    assert offsets == [
        (0, 250 * ms),
        (250 * ms, 750 * ms),
        (750 * ms, 750 * ms),
        (750 * ms, 850 * ms),
    ]
    assert [r.name for r in found] == [
        "chat gpt-4o",
        "execute_tool search",
        "decision",
        "chat gpt-4o",
    ]
    assert {r.parent_id for r in found} == {root.span_id}


@pytest.mark.parametrize(
    ("fields", "start", "end"),
    [
        pytest.param(
            {"time_tracking": TimeTracking(NOW, "2026-01-02T03:04:09Z")},
            NOW,
            "2026-01-02T03:04:09Z",
            id="tracked",
        ),
        pytest.param(
            {"time_tracking": TimeTracking(NOW, "2026-01-02T03:04:01Z")},
            NOW,
            NOW,
            id="end-before-start",
        ),
        pytest.param({}, "2026-01-02T03:04:03.5Z", NOW, id="by-its-end"),
        pytest.param(
            {"time_tracking": TimeTracking(NOW, "soon"), "current_datetime": "soon"},
            NOW,
            "2026-01-02T03:04:06.5Z",
            id="by-its-start",
        ),
    ],
)
def test_times_of_a_run(fields, start, end):
    """A run has the task's start and end, but never an end before its start."""
    root = infinium.to_spans(replace(small(), **fields))[0]
    assert (root.start_ns, root.end_ns) == (to_ns(start), to_ns(end))


def test_a_task_without_any_time():
    """A task without any valid time still becomes spans."""
    task = replace(small(), current_datetime="", duration=float("nan"))
    (root,) = infinium.to_spans(task)
    assert (root.start_ns, root.end_ns) == (0, 0)


def test_sections_survive():
    """Names, sections and the expected outcome are restored."""
    task = small(
        steps=[ExecutionStep(1, "llm_inference", "a", llm_call=LlmCall("m"))],
        expected_outcome=ExpectedOutcome("answer", ["a", "b"], constraints=["c"]),
        customer=Customer(customer_name="Ann"),
        development=Development(bugs_found=0, performance_metrics={"p95": 3}),
        general=General(
            tags=["x"], errors_encountered=[ErrorDetail("E", "m")], retries=2
        ),
        input_summary="question",
        output_summary="answer",
    )
    (again,) = infinium.from_spans(infinium.to_spans(task))
    assert (again.name, again.description) == (task.name, task.description)
    assert again.expected_outcome == task.expected_outcome
    assert again.customer == task.customer
    assert again.development == task.development
    assert again.general.tags == ["x"]
    assert (again.input_summary, again.output_summary) == ("question", "answer")


def test_errors_survive():
    """A step's error is on its span; the first other error is on the run's."""
    failed = ErrorDetail("ValueError", "bad city", stack_trace="Traceback")
    task = small(
        steps=[
            ExecutionStep(1, "tool_use", "a", tool_call=ToolCall("t", error=failed)),
            ExecutionStep(2, "llm_inference", "b", error=failed, llm_call=LlmCall("m")),
        ],
        errors=[failed, ErrorDetail("Timeout", "slow")],
    )
    root, tool, call = infinium.to_spans(task)
    assert (root.attributes["error.type"], root.status_message) == ("Timeout", "slow")
    for record in (tool, call):
        assert record.events[0].attributes["exception.stacktrace"] == "Traceback"
        assert record.status == "error"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(LlmUsage("m", "p", 5, 6), (5, 6, 0), id="totals-alone"),
        pytest.param(
            LlmUsage(prompt_tokens=9, calls=[LlmCall("m", prompt_tokens=2)]),
            (2, None, 1),
            id="calls",
        ),
    ],
)
def test_totals_without_steps(usage, expected):
    """Tokens that only the totals contain are not lost, and never counted twice."""
    (again,) = infinium.from_spans(infinium.to_spans(small(llm_usage=usage)))
    found = again.llm_usage
    assert (
        found.prompt_tokens,
        found.completion_tokens,
        len(found.calls or ()),
    ) == expected


def test_totals_are_summed_from_calls():
    """Where steps are calls, the totals are the sum of their tokens."""
    call = LlmCall("m", prompt_tokens=2)
    steps = [ExecutionStep(1, "llm_inference", "a", llm_call=call)]
    usage = LlmUsage(prompt_tokens=99, calls=[call])
    (again,) = infinium.from_spans(spans(steps=steps, llm_usage=usage))
    assert again.llm_usage.prompt_tokens == 2


def test_a_steps_metadata_is_on_its_span():
    """The conventions' keys in a step's metadata become attributes of its span."""
    metadata = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.finish_reasons": ["stop"],
        "time_to_first_chunk_ms": 250.0,
        "otel.scope": "lib",
        "start_time": "2026-01-02T03:04:04Z",
        "attributes": {"own": 1, "error.type": "E"},
    }
    call = LlmCall("gpt-4o-2024", "openai", temperature=0.5, purpose="plan")
    step = ExecutionStep(1, "llm_inference", "a", 10, llm_call=call, metadata=metadata)
    _, record = spans(steps=[step])
    attributes = record.attributes
    assert attributes["gen_ai.request.model"] == "gpt-4o"
    assert attributes["gen_ai.response.model"] == "gpt-4o-2024"
    assert attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    assert attributes["infinium.step.purpose"] == "plan"
    assert (attributes["own"], "error.type" in attributes) == (1, False)
    assert (record.scope_name, record.start_ns) == (
        "lib",
        to_ns(metadata["start_time"]),
    )


def test_called_agents_keep_their_names():
    """A subagent's own name is restored, not its caller's."""
    metadata = {"gen_ai.agent.name": "boss"}
    step = ExecutionStep(1, "subagent", "Ran agent helper", 5, metadata=metadata)
    _, record = spans(steps=[step], environment=tagged(gen_ai__agent__name="boss"))
    assert record.attributes["gen_ai.agent.name"] == "helper"


def test_environment_is_the_resource():
    """The environment is written to the resource."""
    environment = EnvironmentContext(
        framework="openai",
        framework_version="2.0",
        python_version="3.12.1",
        sdk_version="1.40.0",
        runtime="cpython",
        region="eu",
        custom_tags={"service.name": "shop", "gen_ai.agent.name": "a, b"},
    )
    root, record = spans(
        environment=environment,
        steps=[ExecutionStep(1, "llm_inference", "a", llm_call=LlmCall("m"))],
    )
    assert record.resource == {
        "service.name": "shop",
        "telemetry.sdk.version": "1.40.0",
        "telemetry.sdk.language": "python",
        "process.runtime.name": "cpython",
        "process.runtime.version": "3.12.1",
        "cloud.region": "eu",
    }
    assert (root.scope_name, root.scope_version) == ("openai", "2.0")
    assert "gen_ai.agent.name" not in root.attributes


@pytest.mark.parametrize(
    "value", ["", "0" * 32, "X" * 32, "ab"], ids=["empty", "zeros", "no-hex", "short"]
)
def test_invalid_ids(value):
    """Tags that are not ids are ignored; the same task has the same ids."""
    first = spans(environment=tagged(otel__trace_id=value, otel__root_span_id=value))
    again = spans(environment=tagged(otel__trace_id=value, otel__root_span_id=value))
    assert first == again
    assert first[0].trace_id not in (value, "0" * 32)
    assert len(first[0].trace_id) == 32


def test_a_remote_parent_stays():
    """A run inside another process's trace keeps its parent there."""
    environment = tagged(otel__trace_id=TRACE, otel__parent_span_id=sid("p"))
    (root,) = spans(environment=environment)
    assert (root.trace_id, root.parent_id) == (TRACE, sid("p"))


@st.composite
def runs(draw):
    """An agent's run under the conventions, its times in whole microseconds."""
    found = [
        span("r", None, 0, 60.0, attributes={"gen_ai.operation.name": "invoke_agent"})
    ]
    for number in range(draw(st.integers(1, 3))):
        tokens = {
            "gen_ai.usage.input_tokens": draw(st.integers(0, 2**40)),
            "gen_ai.usage.output_tokens": draw(st.integers(0, 2**40)),
        }
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            **tokens,
        }
        start = number * 10.0
        length = draw(st.integers(0, 4000)) / 1000
        call = span(f"c{number}", "r", start, start + length, attributes=attributes)
        failure = draw(st.none() | st.just(Failure("RateLimitError", f"many {number}")))
        found.append(finalize(replace(call, kind="client"), failure))
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
        found.append(span(f"t{number}", "r", start + 5, start + 6, attributes=tool))
    return found


@given(runs())
def test_spans_survive_tasks(records):
    """Spans to a task to spans keeps tree, times, model, tokens, tools and errors."""

    def shape(spans_):
        keys = ("request.model", "usage.input_tokens", "tool.name", "provider.name")
        return sorted(
            (
                r.span_id,
                r.parent_id,
                r.start_ns,
                r.end_ns,
                r.name,
                r.attributes.get("error.type"),
                tuple(str(r.attributes.get("gen_ai." + key)) for key in keys),
            )
            for r in spans_
            if r.parent_id
        )

    (task,) = infinium.from_spans(records)
    assert shape(infinium.to_spans(task)) == shape(records)


WRONG = [None, True, -1, 10**400, float("inf"), "x", [], [{}], {}, {"a": []}, {1: 2}]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("record", ["task", "step", "call", "tool", "tags", "metadata"])
def test_values_of_wrong_types_are_absent(record, value):
    """A value of the wrong type in a task does not make an invalid span."""
    mapping = infinium.dump(full())
    step = mapping["steps"][0]
    found = {
        "task": mapping,
        "step": step,
        "call": step.setdefault("llm_call", {"model": "m"}),
        "tool": step.setdefault("tool_call", {"tool_name": "t"}),
        "tags": mapping["environment"]["custom_tags"],
        "metadata": step.setdefault("metadata", {"otel.span_name": "n"}),
    }[record]
    for key in found:
        if not isinstance(found[key], (dict, list)) or record == "metadata":
            found[key] = value
    for each in infinium.to_spans(infinium.load(mapping)):
        assert isinstance(each.name, str)
        assert 0 <= each.start_ns <= each.end_ns < 2**64


def test_a_task_may_contain_anything():
    """Tags and metadata that are not objects count as absent."""
    task = small(environment=EnvironmentContext(custom_tags=5), input_summary=["a"])
    task.steps = [ExecutionStep(1, "tool_use", "d", metadata=5)]
    root, step = infinium.to_spans(task)
    assert "gen_ai.input.messages" not in root.attributes
    assert step.parent_id == root.span_id


ERROR = ErrorDetail("Timeout", "slow", recoverable=True, retry_count=7, error_code="E9")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"errors": [ERROR]}, id="of-the-run"),
        pytest.param(
            {"steps": [ExecutionStep(1, "decision", "d", error=ERROR)]}, id="of-a-step"
        ),
        pytest.param(
            {
                "steps": [
                    ExecutionStep(
                        1, "tool_use", "d", tool_call=ToolCall("t", error=ERROR)
                    )
                ]
            },
            id="of-a-tool",
        ),
    ],
)
def test_an_errors_own_fields_survive(fields):
    """`recoverable`, `retry_count` and `error_code` are restored, not derived."""
    (task,) = infinium.from_spans(spans(**fields))
    assert task.errors == [ERROR]
    assert [step.error for step in task.steps or ()] == [ERROR] * len(task.steps or ())


def test_a_callers_tags_survive():
    """Tags that no span contains are restored beside those of the mapping."""
    environment = tagged(team="blue", user__id="ada")
    (task,) = infinium.from_spans(spans(environment=environment))
    assert task.environment.custom_tags["team"] == "blue"
    assert task.environment.custom_tags["user.id"] == "ada"
    assert task.environment.custom_tags["otel.root_span_name"] == task.name


@pytest.mark.parametrize("usage", [LlmUsage("m", "p"), LlmUsage("m", "p", 7)])
def test_the_usages_model_survives(usage):
    """The usage's model and provider are restored where no step is a call."""
    (task,) = infinium.from_spans(spans(llm_usage=usage))
    assert (task.llm_usage.model, task.llm_usage.provider) == ("m", "p")
    assert task.llm_usage.prompt_tokens == usage.prompt_tokens


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        pytest.param(ToolCall("t"), ("in", "out"), id="alone"),
        pytest.param(
            ToolCall("t", input_summary="s", output_summary="u"),
            ("in", "out"),
            id="beside-summaries",
        ),
    ],
)
def test_a_tool_steps_previews_survive(tool, expected):
    """A step's own previews are restored beside its tool's summaries."""
    step = ExecutionStep(
        1, "tool_use", "d", input_preview="in", output_preview="out", tool_call=tool
    )
    (task,) = infinium.from_spans(spans(steps=[step]))
    (back,) = task.steps
    assert (back.input_preview, back.output_preview) == expected
    if tool.input_summary:
        assert back.tool_call.input_summary == "s"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param(None, version("infinium-otel"), id="missing"),
        pytest.param(EnvironmentContext(sdk_version="9.8"), "9.8", id="given"),
    ],
)
def test_the_sdk_version_is_infiniums(environment, expected):
    """`sdk_version` is the caller's, or this package's version."""
    (task,) = infinium.from_spans(spans(environment=environment))
    assert task.environment.sdk_version == expected
