"""Spans of vocabularies that no dialect knows, by the last words of their keys."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects._generic_members import (
    MAX_ADDED,
    MAX_MEMBERS,
    list_members,
)
from infinium_otel.records import Usage
from support.records import assert_fields, event, read_span

MESSAGES = json.dumps([{"role": "user", "content": "Hi?"}])


def test_what_the_application_adds():
    """Ids, tags and metadata are read from spans of any kind and vocabulary."""
    found = read_span(
        {
            "acme.sessionId": "s1",
            "acme.user.id": "ann",
            "acme.tags": ["beta", "eu"],
            "acme.tenant": "t1",
            "langfuse.release": "1.2",
            "langfuse.environment": "production",
            "ai.telemetry.metadata.flag": True,
            "ai.telemetry.metadata.list": ["a", "b"],
            "ai.telemetry.metadata.ls_provider": "openai",
            "ai.telemetry.metadata.long": "x" * 999,
            "ai.telemetry.metadata.object": {"a": 1},
        }
    )
    assert_fields(
        found, kind="", conversation_id="s1", user_id="ann", tags=("beta", "eu")
    )
    assert found.metadata == {
        "tenant": "t1",
        "release": "1.2",
        "environment": "production",
        "flag": True,
        "list": "a, b",
    }


def test_ids_inside_metadata():
    """An object of metadata holds ids too; an instrumentation's attributes are not its."""
    inner = {"thread_id": "t", "user_id": "u", "plan": "pro", "gen_ai.system": "x"}
    found = read_span({"metadata": json.dumps(inner)})
    assert_fields(found, conversation_id="t", user_id="u")
    assert found.metadata == {"thread_id": "t", "user_id": "u", "plan": "pro"}


@pytest.mark.parametrize(
    ("attributes", "kind", "agent"),
    [
        ({"open_ai.handoff.to_agent": "Billing"}, "handoff", "Billing"),
        ({"acme.tool.name": "f", "acme.to_agent": "Billing"}, "handoff", "Billing"),
        (
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "handoff_to_billing",
                "gen_ai.tool.call.result": '{"to_agent": "Billing"}',
            },
            "handoff",
            "Billing",
        ),
        (
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "handoff",
                "gen_ai.tool.call.arguments": '{"to_agent": "Billing"}',
            },
            "tool",
            None,
        ),
        (
            {"gen_ai.operation.name": "chat", "acme.handoff.to_agent": "Billing"},
            "llm",
            None,
        ),
    ],
)
def test_handoffs(attributes, kind, agent):
    """A span that names the agent it hands over to is a handoff; a call is none."""
    found = read_span(attributes)
    assert (found.kind, found.agent_name) == (kind, agent)


def test_a_platforms_session_beside_the_conversation():
    """A second id, other than the conversation's, is kept as the session's."""
    found = read_span({"gen_ai.conversation.id": "c1", "acme.session.id": "s1"})
    assert (found.conversation_id, found.metadata) == ("c1", {"session.id": "s1"})
    same = read_span({"gen_ai.conversation.id": "c1", "acme.session.id": "c1"})
    assert (same.conversation_id, same.metadata) == ("c1", {})


def test_what_a_retrieval_found():
    """The texts of a retrieval, under a vendor's key."""
    texts = ("Snow is ice.", "Oslo is cold.")
    found = read_span({"acme.span.type": "retrieval", "acme.retrieved_contexts": texts})
    assert found.extra == {"gen_ai.retrieval.documents": texts}


def test_a_workflows_name():
    """The name of a workflow is the run's, unless a dialect has another."""
    found = read_span({"workflow.name": "Editorial"})
    assert (found.task_name, found.weak) == ("Editorial", ("task_name",))
    both = {"workflow.name": "w", "gen_ai.workflow.name": "Triage"}
    assert read_span(both).task_name == "Triage"


def test_events_of_an_unknown_vocabulary():
    """Events hold what the span lacks; a key that two of them have is none."""
    found = read_span(
        {"acme.run": 7},
        events=(
            event("exception", {"model": "not this"}),
            event("llm.request", {"model": "gpt-4o", "messages": MESSAGES}),
            event("llm.response", {"content": "Yo.", "usage.prompt_tokens": 5}),
            event("llm.note", {"usage.completion_tokens": 1}),
            event("llm.note", {"usage.completion_tokens": 2}),
        ),
    )
    assert_fields(
        found,
        kind="llm",
        model_requested="gpt-4o",
        input=MESSAGES,
        output="Yo.",
        usage=Usage(input=5),
    )


def test_a_failure_while_reading():
    """A value that breaks the reader is a problem of the span, not of the program."""

    class Odd(dict):
        def get(self, *_):
            raise RuntimeError

    found = read_span({"acme.kind": "llm", "acme.input": Odd(model="m")})
    assert found.problems == ("RuntimeError while reading by last words",)


def test_an_agents_model():
    """An agent's own sum comes with the model's name."""
    found = read_span({"a.kind": "agent", "a.model": "m", "a.usage.prompt_tokens": 5})
    assert_fields(found, kind="agent", model_requested="m", usage=Usage(input=5))


def test_hostile_keys():
    """Keys of any length are left alone: they would fill the caches."""
    long = "x." * 5_000 + "model"
    found = read_span({long: "gpt-4o", "acme.tokens.in": 3, "metadata": "[" * 30_000})
    assert_fields(found, kind="", model_requested=None, metadata={})


def test_hostile_objects():
    """Of an object with members without end only the first are attributes."""
    members = {"model": "gpt-4o", **{f"prompt{n}": {"a": n} for n in range(1_000)}}
    text = json.dumps(members)
    assert len(list_members({"x": text}, frozenset())) == MAX_MEMBERS
    deep = {f"a{n}": {f"b{m}": m for m in range(40)} for n in range(40)}
    text = json.dumps({"model": "gpt-4o", "prompt": deep})
    assert len(list_members({"x": text}, frozenset())) == MAX_ADDED
    assert list_members({"x": text}, frozenset({"x"})) == {}
    assert list_members({"x": '{"role": "user", "model": "tokens"}'}, frozenset()) == {}


@pytest.mark.parametrize(
    ("mode", "kind", "name"),
    [
        ("pass_control", "handoff", "billing"),
        ("return_to_caller", "tool", "triage"),
        (None, "tool", "triage"),
    ],
)
def test_a_transfer_of_control(mode, kind, name):
    """Only a transfer that does not come back is a handoff, to the transfer's target."""
    found = read_span(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "to_billing",
            "gen_ai.agent.name": "triage",
            "gen_ai.transfer.mode": mode,
            "gen_ai.transfer.target.name": "billing",
        }
    )
    assert_fields(found, kind=kind, agent_name=name)
