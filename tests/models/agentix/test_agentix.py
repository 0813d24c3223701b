"""Runs of agentix to spans and back."""

from __future__ import annotations

import json

import pytest

from infinium_otel import otlp, spans_to_tasks
from infinium_otel.models import agentix
from infinium_otel.models.agentix import (
    AgentOutcome,
    Message,
    PendingApproval,
    ToolCall,
)
from support import corpus
from support.records import make_span

CALL = {"name": "drop", "args": {"t": "x"}, "id": "c"}
TOOL_REQUEST = Message("assistant", "", trusted=True, meta={"tool_calls": [CALL]})


def tool_message(content, **meta):
    return Message(
        "tool", content, name="drop", meta={"call_id": "c", "ok": False, **meta}
    )


@pytest.mark.parametrize(
    ("content", "error", "decision"),
    [
        pytest.param("REFUSED: never", "ToolDenied", "deny", id="denied"),
        pytest.param(
            "User declined this action.", "ToolDeclined", "confirm", id="declined"
        ),
        pytest.param("ERROR running tool: x", "tool_error", None, id="failed"),
    ],
)
def test_calls_that_did_not_run_have_spans(content, error, decision):
    """Denied, declined and failed calls differ, and each has its arguments."""
    outcome = AgentOutcome(
        "completed", transcript=(TOOL_REQUEST, tool_message(content))
    )
    record = agentix.to_spans(outcome)[-1]
    assert (record.name, record.attributes["error.type"]) == (
        "execute_tool drop",
        error,
    )
    assert record.attributes.get("agentix.tool.decision") == decision
    assert json.loads(record.attributes["gen_ai.tool.call.arguments"]) == {"t": "x"}
    (task,) = spans_to_tasks(agentix.to_spans(outcome))
    assert error in [e.error_type for s in task.steps for e in [s.error] if e]


def test_a_waiting_call_has_a_span_of_zero_length():
    """A call that waits for approval has a span; the run's span contains it too."""
    waiting = PendingApproval(ToolCall("drop", {"t": "x"}, "c"), "sure?")
    outcome = AgentOutcome("suspended", transcript=(TOOL_REQUEST,), pending=(waiting,))
    spans = agentix.to_spans(outcome)
    assert spans[-1].attributes["agentix.tool.pending"] is True
    assert spans[-1].start_ns == spans[-1].end_ns
    assert spans[0].status == "unset"
    without = {k: v for k, v in spans[0].attributes.items() if k != "agentix.pending"}
    without_outcome = [make_span("run", attributes=without), *spans[1:]]
    without_outcome[0] = without_outcome[0].__class__(
        **{**fields_of(spans[0]), "attributes": without}
    )
    assert agentix.to_outcome(without_outcome).pending == (waiting,)


def fields_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


@pytest.mark.parametrize(
    ("status", "reason", "span_status", "error"),
    [
        pytest.param(
            "aborted", "budget_exceeded", "error", "budget_exceeded", id="aborted"
        ),
        pytest.param("aborted", None, "error", "aborted", id="aborted-for-no-reason"),
        pytest.param("refused", None, "ok", None, id="refused"),
        pytest.param("completed", None, "ok", None, id="completed"),
        pytest.param("suspended", None, "unset", None, id="suspended"),
    ],
)
def test_span_status_of_a_run(status, reason, span_status, error):
    """An aborted run has an error with its reason; a suspended one has not ended."""
    root = agentix.to_spans(AgentOutcome(status, reason=reason))[0]
    assert (root.status, root.attributes.get("error.type")) == (span_status, error)


def test_agentixs_own_spans_are_read():
    """Agentix's own spans become turns, tools and tokens; the model is unknown."""
    spans = [
        make_span("r", name="agentix.run", end=9),
        make_span(
            "m",
            "r",
            {
                "agentix.input_tokens": 6,
                "agentix.output_tokens": 4,
                "agentix.is_final": False,
            },
            name="agentix.model",
        ),
        make_span("m2", "r", {}, name="agentix.model", start=3),
        make_span("t", "r", {"agentix.tool.ok": False}, name="agentix.tool.w", start=2),
        make_span("x", "r", {}, name="elsewhere", start=4),
    ]
    outcome = agentix.to_outcome(spans)
    assert (outcome.steps, outcome.tokens_used) == (2, 10)
    (task,) = spans_to_tasks(agentix.to_spans(outcome))
    assert [s.tool_call.tool_name for s in task.steps if s.tool_call] == ["w"]
    assert {s.llm_call.model for s in task.steps if s.llm_call} == {"unknown"}


def test_an_invalid_list_of_waiting_calls_is_ignored():
    """A list that cannot be read gives no pending calls."""
    root = make_span(
        "run",
        attributes={"agentix.pending": "[5]", "gen_ai.operation.name": "invoke_agent"},
    )
    assert agentix.to_outcome([root]).pending == ()


def test_a_subagents_costs_are_its_tools():
    """The message of the tool that started an agent has that agent's tokens and cost."""
    call = {"type": "tool_call", "id": "c1", "name": "ask", "arguments": {}}
    answer = [{"role": "assistant", "parts": [call]}]
    usage = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}
    spans = [
        make_span("run", None, {"gen_ai.operation.name": "invoke_agent"}, end=9),
        make_span(
            "turn",
            "run",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.output.messages": json.dumps(answer),
            },
            start=1,
            end=2,
        ),
        make_span(
            "ask",
            "run",
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "ask",
                "gen_ai.tool.call.id": "c1",
                "gen_ai.tool.call.result": "yes",
            },
            start=3,
            end=8,
        ),
        make_span(
            "sub",
            "ask",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "b"},
            start=4,
            end=7,
        ),
        make_span(
            "deep",
            "sub",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.usage.cost": 0.25,
                **usage,
            },
            start=5,
            end=6,
        ),
    ]
    (outcome,) = agentix.from_spans(spans)
    reply = outcome.transcript[-1]
    assert (reply.role, reply.text) == ("tool", "yes")
    assert (reply.meta["tokens_used"], reply.meta["cost_usd"]) == (7, 0.25)
    assert (outcome.tokens_used, outcome.cost_usd) == (7, 0.25)
    assert agentix.from_spans(agentix.to_spans(outcome)) == [outcome]


def test_an_invalid_subagent_is_skipped():
    """An invalid nested outcome makes no span."""
    outcome = AgentOutcome(
        "completed", other={"subagents": [5, {"status": "completed"}]}
    )
    assert [r.name for r in agentix.to_spans(outcome)] == [
        "invoke_agent",
        "invoke_agent",
    ]


def test_names_are_given_to_the_spans():
    """Agent, model and provider come from the caller: an outcome has none."""
    outcome = AgentOutcome("completed", transcript=(Message("assistant", "x"),))
    root, turn = agentix.to_spans(
        outcome, start_ns=7, agent_name="a", model="m", provider="p"
    )
    assert (root.name, turn.name, turn.start_ns) == ("invoke_agent a", "chat m", 7)
    assert turn.attributes["gen_ai.provider.name"] == "p"


def test_a_recorded_run_can_be_resumed_from():
    """A run of any instrumentation gives a state with its whole conversation."""
    recording = corpus.recording("pydantic-ai/tool_loop")
    outcome = agentix.to_outcome(otlp.from_json(recording.spans).records)
    roles = [m["role"] for m in agentix.checkpoint(outcome, "r")["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant"]


def test_a_suspended_run_is_a_task_that_waits():
    """A waiting call is a step of its own; the run's status is a tag."""
    waiting = PendingApproval(ToolCall("drop", {}, "c"), "sure?")
    outcome = AgentOutcome("suspended", transcript=(TOOL_REQUEST,), pending=(waiting,))
    (sent,) = spans_to_tasks(agentix.to_spans(outcome))
    assert [s.action for s in sent.steps][-1] == "approval_pending"
    assert sent.environment.framework == "agentix"
    assert sent.environment.custom_tags["agentix.status"] == "suspended"


def test_a_runs_usage_reaches_the_task():
    """An outcome's tokens and cost are the task's, although no turn has its own."""
    turn = Message("assistant", "x", trusted=True)
    outcome = AgentOutcome(
        "completed", "x", tokens_used=20, cost_usd=0.5, transcript=(turn,)
    )
    (sent,) = spans_to_tasks(agentix.to_spans(outcome))
    assert (sent.llm_usage.total_tokens, sent.llm_usage.estimated_cost_usd) == (20, 0.5)
