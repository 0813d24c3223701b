"""Messages of spans as agentix's, and agentix's in any form."""

from __future__ import annotations

import json

import pytest

from infinium_otel.models import agentix
from infinium_otel.models.agentix import (
    AgentOutcome,
    MediaPart,
    Message,
    Role,
    TextPart,
)
from support.records import make_span


def fields_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def conversation(*messages, **root):
    """Spans of a run whose only turn has these messages as input."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps(list(messages)),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": "done"}]}]
        ),
    }
    frame = {"gen_ai.operation.name": "invoke_agent", **root}
    return [
        make_span("run", attributes=frame, end=9),
        make_span("c", "run", attributes),
    ]


def message(role, *parts, **marks):
    return {"role": role, "parts": list(parts), **marks}


TEXT_PART = {"type": "text", "content": "x"}


@pytest.mark.parametrize(
    ("item", "trusted"),
    [
        pytest.param(message("user", TEXT_PART), True, id="user"),
        pytest.param(message("system", TEXT_PART), True, id="system"),
        pytest.param(message("assistant", TEXT_PART), True, id="assistant"),
        pytest.param(message("critic", TEXT_PART), False, id="unknown-role"),
        pytest.param(
            message("critic", TEXT_PART, **{"agentix.trusted": True}), True, id="marked"
        ),
        pytest.param(
            message("user", TEXT_PART, **{"agentix.trusted": False}),
            False,
            id="marked-not",
        ),
        pytest.param(
            message("user", TEXT_PART, **{"agentix.trusted": "yes"}),
            False,
            id="odd-mark",
        ),
        pytest.param(
            message(
                "tool",
                {"type": "tool_call_response", "id": "c", "response": "x"},
                **{"agentix.trusted": True},
            ),
            False,
            id="a-tool-never",
        ),
        pytest.param(
            message("tool", TEXT_PART, **{"agentix.trusted": True}),
            False,
            id="a-tools-text",
        ),
    ],
)
def test_trust_fails_closed(item, trusted):
    """A tool's message and an unknown role are never trusted; others as marked."""
    first = agentix.to_outcome(conversation(item)).transcript[0]
    assert first.trusted is trusted


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(
            {
                "type": "blob",
                "modality": "image",
                "mime_type": "image/png",
                "content": "QQ==",
            },
            MediaPart("image", data="QQ==", media_type="image/png"),
            id="inline",
        ),
        pytest.param(
            {"type": "uri", "uri": "http://a", "filename": "f"},
            MediaPart("document", url="http://a", filename="f"),
            id="elsewhere",
        ),
    ],
)
def test_media_are_read(part, expected):
    """Inline and linked media become parts; unsupported parts are dropped."""
    item = message("user", TEXT_PART, part, {"type": "reasoning", "content": "hm"})
    first = agentix.to_outcome(conversation(item)).transcript[0]
    assert first.content == (TextPart("x"), expected)
    assert first.text == "x"


def test_several_tool_responses_become_several_messages():
    """Each tool response becomes a message, whatever its key."""
    item = message(
        "user",
        {"type": "tool_call_response", "id": "a", "response": {"t": 1}},
        {"type": "tool_call_response", "id": "b", "result": "two"},
        {"type": "tool_call_response"},
    )
    first, second, third, _ = agentix.to_outcome(conversation(item)).transcript
    assert [m.content for m in (first, second, third)] == ['{"t":1}', "two", ""]
    assert (first.meta, third.meta) == ({"call_id": "a"}, {})


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="json"),
        pytest.param({}, {}, id="empty"),
        pytest.param(None, {}, id="none"),
        pytest.param("free text", {"input": "free text"}, id="text"),
    ],
)
def test_arguments_become_an_object(arguments, args):
    """Agentix requires an object; other values go under `input`."""
    part = {"type": "tool_call", "id": "c", "name": "w", "arguments": arguments}
    first = agentix.to_outcome(conversation(message("assistant", part))).transcript[0]
    assert first.tool_calls[0].args == args


def test_separate_instructions_begin_the_conversation():
    """A system prompt in its own attribute is the first message, once."""
    instructions = {
        "gen_ai.system_instructions": '[{"type": "text", "content": "be brief"}]'
    }
    spans = conversation(message("user", TEXT_PART))
    spans[1] = make_span("c", "run", {**spans[1].attributes, **instructions})
    transcript = agentix.to_outcome(spans).transcript
    assert [(m.role, m.content) for m in transcript[:2]] == [
        ("system", "be brief"),
        ("user", "x"),
    ]


def tool(key, start, **attributes):
    given = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "w",
        **{name.replace("__", "."): value for name, value in attributes.items()},
    }
    return make_span(key, "run", given, start=start)


def test_results_after_the_last_turn_are_added():
    """A tool that ran after the last turn is added to the transcript from its span."""
    spans = [
        *conversation(message("user", TEXT_PART)),
        tool("t1", 2, gen_ai__tool__call__id="c1", gen_ai__tool__call__result="18C"),
        tool("t2", 3, agentix__tool__ok=False, agentix__cost_usd=0.5),
    ]
    *_, first, second = agentix.to_outcome(spans).transcript
    assert (first.content, first.meta["call_id"], first.meta["ok"]) == (
        "18C",
        "c1",
        True,
    )
    assert (second.content, second.meta["ok"], second.meta["cost_usd"]) == (
        "",
        False,
        0.5,
    )
    assert not first.trusted


def test_a_failed_tools_message_is_its_error():
    """The message of a failed tool without a result is its error."""
    spans = conversation(message("user", TEXT_PART))
    failed = fields_of(tool("t", 2, error__type="timeout"))
    spans.append(
        make_span("t").__class__(
            **{**failed, "status": "error", "status_message": "slow"}
        )
    )
    last = agentix.to_outcome(spans).transcript[-1]
    assert (last.content, last.meta["ok"]) == ("slow", False)


def test_a_run_without_turns_is_its_root():
    """Without a model call, the root's input is the conversation."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": json.dumps([message("user", TEXT_PART)]),
        "gen_ai.output.messages": json.dumps([message("assistant", TEXT_PART)]),
    }
    outcome = agentix.to_outcome([make_span("run", attributes=attributes)])
    assert (outcome.answer, outcome.steps) == ("x", 0)
    assert [m.role for m in outcome.transcript] == ["user"]


def test_output_is_the_models_whatever_its_role():
    """The output of a model's span is the model's message, whatever its role."""
    spans = conversation(message("user", TEXT_PART))
    odd = json.dumps([message("critic", TEXT_PART)])
    spans[1] = make_span(
        "c", "run", {**spans[1].attributes, "gen_ai.output.messages": odd}
    )
    last = agentix.to_outcome(spans).transcript[-1]
    assert (last.role, last.trusted) == ("assistant", True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"type": "text", "text": "a"}, TextPart("a"), id="text"),
        pytest.param("a", TextPart("a"), id="bare"),
        pytest.param({"type": "text"}, MediaPart("text"), id="text-without-text"),
        pytest.param({"url": "u"}, MediaPart("unknown", url="u"), id="no-type"),
    ],
)
def test_parts_are_read(value, expected):
    """A part of unknown type keeps its type."""
    document = {"status": "s", "transcript": [{"role": "user", "content": [value]}]}
    assert agentix.load(document).transcript[0].content == (expected,)


def test_a_tool_message_has_the_tools_name():
    """The name is that of the request with the same call id, else of the first open one."""
    records = conversation(
        message(
            "assistant",
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {}},
            {"type": "tool_call", "name": "clock", "arguments": {}},
        ),
        message("tool", {"type": "tool_call_response", "id": "c1", "response": "18C"}),
        message("tool", {"type": "tool_call_response", "response": "noon"}),
        message("tool", {"type": "tool_call_response", "id": "c9", "response": "?"}),
    )
    outcome = agentix.to_outcome(records)
    names = [m.name for m in outcome.transcript if m.role == "tool"]
    assert names == ["weather", "clock", None]


def test_a_tool_message_has_the_name_of_its_span():
    """Without a request in the conversation, the tool's span has the name."""
    records = conversation(
        message("tool", {"type": "tool_call_response", "id": "c1", "response": "18C"})
    )
    attributes = {"gen_ai.tool.call.id": "c1", "gen_ai.tool.name": "weather"}
    outcome = agentix.to_outcome([*records, tool("t", -5, **attributes)])
    (reply,) = [m for m in outcome.transcript if m.role == "tool"]
    assert reply.name == "weather"


def test_members_of_roles_become_text():
    """A member of `Role` is written as its value."""
    outcome = AgentOutcome("completed", transcript=(Message(Role.USER, "hi"),))
    (root,) = agentix.to_spans(outcome)
    assert '"role": "user"' in root.attributes["gen_ai.input.messages"]
    assert type(agentix.to_outcome([root]).transcript[0].role) is str
