"""Letta's classes accept our JSON, and we read theirs."""

from __future__ import annotations

import json
import warnings
from dataclasses import fields
from datetime import datetime, timezone

import pytest

pytest.importorskip("letta")
with warnings.catch_warnings():
    # Letta's own imports warn of its own deprecated names.
    warnings.simplefilter("ignore")
    from letta.schemas.enums import StepStatus
    from letta.schemas.letta_stop_reason import StopReasonType
    from letta.schemas.message import Message, ToolReturn
    from letta.schemas.provider_trace import ProviderTrace
    from letta.schemas.step import Step, StepProgression
    from letta.schemas.step_metrics import StepMetrics
    from letta_client.types import Step as ClientStep
    from letta_client.types import StopReasonType as ClientStopReason

from infinium_otel import otlp
from infinium_otel.models import letta as ours
from support import corpus

LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})
TRACE = "0af7651916cd43dd8448eb211c80319c"


def accepted(log):
    """The log's records, validated by Letta's own classes."""
    found = json.loads(json.dumps(ours.dump(log)))
    return (
        [Step.model_validate(each) for each in found["steps"]],
        [StepMetrics.model_validate(each) for each in found["metrics"]],
        [Message.model_validate(each) for each in found["messages"]],
    )


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("newer", [False, True], ids=["27-fields", "31-fields"])
def test_steps_of_any_trace_are_accepted(library, newer):
    """Steps, metrics and messages of every recording pass Letta's own checks."""
    for name in corpus.names(library):
        records = otlp.from_json(corpus.recording(name).spans).records
        for log in ours.from_spans(records, newer=newer):
            steps, metrics, messages = accepted(log)
            assert [step.id for step in steps] == [step.id for step in log.steps]
            assert {each.id for each in metrics} == {step.id for step in log.steps}
            assert all(message.id.startswith("message-") for message in messages)


def test_the_classes_have_the_same_fields():
    """Our records have the fields of Letta's classes, no more and no less."""
    pairs = (
        (Step, ours.Step),
        (StepMetrics, ours.StepMetrics),
        (Message, ours.Message),
        (ProviderTrace, ours.ProviderTrace),
        (ToolReturn, ours.ToolReturn),
    )
    for theirs, mine in pairs:
        names = {field.name for field in fields(mine)} - {"other"}
        assert names == set(theirs.model_fields), theirs


def test_the_enumerations_are_the_same():
    """Our enumerations are Letta's."""
    pairs = (
        (StopReasonType, ours.StopReasonType),
        (StepStatus, ours.StepStatus),
        (StepProgression, ours.StepProgression),
    )
    for theirs, mine in pairs:
        assert [each.value for each in mine] == [each.value for each in theirs]
    assert ClientStopReason is not None


def a_step(**more):
    """A step as the server stores it."""
    return Step(
        id="step-11111111-1111-4111-8111-111111111111",
        run_id="run-11111111-1111-4111-8111-111111111111",
        agent_id="agent-11111111-1111-4111-8111-111111111111",
        provider_name="openai",
        provider_category="base",
        model="gpt-4o-mini",
        model_handle="openai/gpt-4o-mini",
        model_endpoint="https://api.openai.com/v1",
        context_window_limit=128_000,
        completion_tokens=17,
        prompt_tokens=113,
        total_tokens=130,
        cached_input_tokens=64,
        prompt_tokens_details={"cached_tokens": 64},
        completion_tokens_details={"reasoning_tokens": 0},
        trace_id=TRACE,
        tags=["a", "b"],
        feedback="positive",
        **more,
    )


@pytest.mark.parametrize(
    "step",
    [
        a_step(status=StepStatus.SUCCESS, stop_reason=StopReasonType.end_turn),
        a_step(status=StepStatus.PENDING),
        a_step(status=StepStatus.CANCELLED, stop_reason=StopReasonType.cancelled),
        a_step(
            status=StepStatus.FAILED,
            stop_reason=StopReasonType.llm_api_error,
            error_type="RateLimitError",
            error_data={"message": "too many", "traceback": "T", "details": None},
        ),
    ],
    ids=["success", "pending", "cancelled", "failed"],
)
def test_the_servers_steps_survive_spans(step):
    """Letta's dump, converted to spans and back, is accepted and unchanged."""
    (found,) = ours.to_letta_steps(
        ours.from_letta_steps([ours.step_of(step.model_dump(mode="json"))])
    )
    assert Step.model_validate(ours.dump(found)) == step


def test_the_servers_metrics_and_messages_survive_spans():
    """Metrics and messages come back unchanged."""
    step = a_step(status=StepStatus.SUCCESS)
    metrics = StepMetrics(
        id=step.id,
        step_start_ns=1_790_000_000_000_000_001,
        llm_request_start_ns=1_790_000_000_000_000_002,
        llm_request_ns=3,
        tool_execution_ns=4,
        step_ns=50,
    )
    call = {"id": "k", "type": "function", "function": {"name": "n", "arguments": "{}"}}
    before = datetime(2026, 1, 2, tzinfo=timezone.utc)
    request = Message(
        created_at=before,
        role="assistant",
        step_id=step.id,
        content=[{"type": "text", "text": "well"}],
        tool_calls=[call],
    )
    response = Message(
        created_at=before,
        role="tool",
        step_id=step.id,
        name="n",
        tool_call_id="k",
        content=[{"type": "text", "text": "x"}],
        tool_returns=[
            ToolReturn(
                tool_call_id="k", status="error", stderr=["E: m"], func_response="m"
            )
        ],
    )
    records = ours.from_letta_steps(
        [ours.step_of(step.model_dump(mode="json"))],
        metrics=[ours.metrics_of(metrics.model_dump(mode="json"))],
        messages=[
            ours.message_of(m.model_dump(mode="json")) for m in (request, response)
        ],
    )
    tool = records[-1]
    assert (tool.name, tool.status, tool.end_ns - tool.start_ns) == (
        "execute_tool n",
        "error",
        4,
    )
    (log,) = ours.from_spans(records)
    steps, found, messages = accepted(log)
    assert (steps, found, messages) == ([step], [metrics], [request, response])


def test_the_clients_steps_are_read():
    """The client's default dump has other names for two fields; both forms are read."""
    step = ClientStep.model_validate(a_step().model_dump(mode="json"))
    for by_alias in (False, True):
        found = ours.step_of(step.model_dump(mode="json", by_alias=by_alias))
        assert found.model_endpoint == "https://api.openai.com/v1"
        assert found.model_handle == "openai/gpt-4o-mini"
    assert ClientStep.model_validate(ours.dump(found)).id == step.id


def test_values_that_letta_rejects_are_not_written():
    """A newer server's key or value does not make Letta's class reject a step."""
    newer = {**a_step().model_dump(mode="json"), "stop_reason": "brand_new", "key": 1}
    with pytest.raises(ValueError, match=r"brand_new|stop_reason"):
        Step.model_validate(newer)
    assert Step.model_validate(ours.dump(ours.step_of(newer))).stop_reason is None
