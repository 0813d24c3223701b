"""Any instrumentation's spans to Letta's records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Step,
    ToolReturn,
)
from infinium_otel.records import Failure, SpanRecord
from support.letta_runs import TRACE, agent, chat, one, tool
from support.spans import T0, S


def test_step_of_a_call():
    """A call's attributes become the step's fields, the newer ones on request."""
    record = chat(
        gen_ai__usage__input_tokens=100,
        gen_ai__usage__output_tokens=20,
        gen_ai__usage__cache_read__input_tokens=60,
        gen_ai__usage__reasoning__output_tokens=5,
        server__address="api.openai.com",
        server__port=443,
    )
    root = agent(
        **{"gen_ai.agent.id": "agent-1", "organization.id": "org-1", "source": "app"}
    )
    step = one(root, record).steps[0]
    assert step == Step(
        id=step.id,
        agent_id="agent-1",
        organization_id="org-1",
        origin="app",
        provider_name="openai",
        model="gpt-4o",
        model_endpoint="https://api.openai.com",
        prompt_tokens=100,
        completion_tokens=20,
        total_tokens=120,
        prompt_tokens_details={"cached_tokens": 60, "cache_read_tokens": 60},
        completion_tokens_details={"reasoning_tokens": 5},
        trace_id=TRACE,
        status="success",
    )
    (newer,) = letta.to_letta_steps([root, record], newer=True)
    assert (newer.cached_input_tokens, newer.reasoning_tokens) == (60, 5)
    assert newer.model_handle == "openai/gpt-4o"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"server__address": "http://h/v1"}, "http://h/v1", id="whole"),
        pytest.param(
            {"server__address": "h", "server__port": 8080}, "h:8080", id="port"
        ),
    ],
)
def test_endpoint(attributes, expected):
    """The endpoint is composed of host and port."""
    assert one(agent(), chat(**attributes)).steps[0].model_endpoint == expected


def test_ids_are_stable():
    """The same span has the same step and message ids, whenever it is read."""
    records = [
        agent(),
        chat(
            gen_ai__output__messages='[{"role": "assistant", "parts": [{"type": "text", "content": "hi"}]}]'
        ),
    ]
    assert one(*records) == one(*records)
    assert one(*records).steps[0].id.startswith("step-")


def test_metrics_of_a_call():
    """A step's metrics are its spans' times, without rounding."""
    records = [agent(), chat(start=1, end=2.5), tool(start=3, end=4), tool("u", 3, 5)]
    (metrics,) = letta.to_letta_step_metrics(records)
    assert metrics.step_start_ns == metrics.llm_request_start_ns == T0 + S
    assert metrics.llm_request_ns == 1_500_000_000
    assert metrics.tool_execution_ns == 3 * S
    assert metrics.step_ns == 4 * S


def test_messages_of_a_run():
    """The prompt, the model's answers and the tools' results are messages."""
    prompt = '[{"role": "user", "parts": [{"type": "text", "content": "go"}]}]'
    answer = (
        '[{"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"},'
        ' {"type": "text", "content": "well"}, {"type": "tool_call", "name": "search", "arguments": {"q": 1}},'
        ' {"type": "tool_call", "id": "k", "name": "search", "arguments": "not json"},'
        ' {"type": "tool_call", "id": "m", "name": "search", "arguments": "[1]"},'
        ' {"type": "tool_call", "id": "l", "name": "search"}]}]'
    )
    failure = Failure("ValueError", "no such city")
    records = [
        agent(),
        chat(gen_ai__input__messages=prompt, gen_ai__output__messages=answer),
        tool(failure=failure, **{"gen_ai.tool.call.id": "k"}),
        tool("u", 3, 4, **{"gen_ai.tool.call.result": '{"a": 1}'}),
    ]
    user, assistant, failed, fine = one(*records).messages
    assert (user.role, user.content) == ("user", ({"type": "text", "text": "go"},))
    assert [part["type"] for part in assistant.content] == ["reasoning", "text"]
    assert [c["function"]["arguments"] for c in assistant.tool_calls] == [
        '{"q": 1}',
        '"not json"',
        "[1]",
        "{}",
    ]
    assert failed.tool_returns == (
        ToolReturn(
            "error",
            "k",
            stderr=("ValueError: no such city",),
            func_response="no such city",
        ),
    )
    assert fine.tool_returns[0].func_response == '{"a": 1}'
    assert fine.content == ({"type": "text", "text": '{"a": 1}'},)


def test_a_tool_before_the_first_call_belongs_to_it():
    """A tool that ran first belongs to the first step."""
    log = one(agent(), tool(start=0, end=0.5), chat(start=1))
    assert log.messages[0].step_id == log.steps[0].id


def test_embeddings_are_tagged():
    """A model call that is not a chat is a step with a tag, and is restored."""
    record = chat(gen_ai__operation__name="embeddings", gen_ai__usage__input_tokens=4)
    log = one(agent(), record)
    assert log.steps[0].tags == ("operation:embeddings",)
    back = letta.to_spans(replace(log, otel={}))
    assert back[1].attributes["gen_ai.operation.name"] == "embeddings"


def test_an_end_before_the_start():
    """A span whose clock went back is zero-length."""
    (metrics,) = letta.to_letta_step_metrics([agent(), chat(start=5, end=3)])
    assert (metrics.llm_request_ns, metrics.step_ns) == (0, 0)


def test_a_step_with_invalid_messages_is_kept():
    """A step is read although the messages on its span are invalid."""
    attributes = {
        "letta.step.id": "step-1",
        "letta.step.messages": '[{"role": "user"}]',
    }
    attributes["gen_ai.operation.name"] = "chat"
    root = SpanRecord("1" * 32, "1" * 16, None, "run", 1, 9)
    span = SpanRecord("1" * 32, "2" * 16, root.span_id, "chat", 2, 3, attributes)
    (log,) = letta.from_spans([root, span])
    assert [step.id for step in log.steps] == ["step-1"]
    assert log.steps[0].messages == ()
