from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from infinium_otel import otlp, spans_to_tasks
from infinium_otel.errors import InfiniumError
from infinium_otel.models import agentix
from infinium_otel.models.agentix import (
    AgentOutcome,
    MediaPart,
    Message,
    PendingApproval,
    TextPart,
    ToolCall,
)
from infinium_otel.models.agentix.live import message_from, outcome_from
from support import corpus
from support.told import told

CALL = {"name": "drop", "args": {"t": "x"}, "id": "c"}
ASKS = Message("assistant", "", trusted=True, meta={"tool_calls": [CALL]})


def answered(content, **meta):
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
    """A denied, a declined and a failed call are told apart, each with its arguments."""
    outcome = AgentOutcome("completed", transcript=(ASKS, answered(content)))
    record = agentix.to_spans(outcome)[-1]
    assert (record.name, record.attributes["error.type"]) == (
        "execute_tool drop",
        error,
    )
    assert record.attributes.get("agentix.tool.decision") == decision
    assert json.loads(record.attributes["gen_ai.tool.call.arguments"]) == {"t": "x"}
    (task,) = spans_to_tasks(agentix.to_spans(outcome))
    assert error in [e.error_type for s in task.steps for e in [s.error] if e]


def test_a_waiting_call_has_a_span_of_no_length():
    """What waits for approval is a span, and stands whole on the run."""
    waiting = PendingApproval(ToolCall("drop", {"t": "x"}, "c"), "sure?")
    outcome = AgentOutcome("suspended", transcript=(ASKS,), pending=(waiting,))
    spans = agentix.to_spans(outcome)
    assert spans[-1].attributes["agentix.tool.pending"] is True
    assert spans[-1].start_ns == spans[-1].end_ns
    assert spans[0].status == "unset"
    without = {k: v for k, v in spans[0].attributes.items() if k != "agentix.pending"}
    told_by_spans = [told("run", attributes=without), *spans[1:]]
    told_by_spans[0] = told_by_spans[0].__class__(
        **{**fields_of(spans[0]), "attributes": without}
    )
    assert agentix.to_outcome(told_by_spans).pending == (waiting,)


def fields_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


@pytest.mark.parametrize(
    ("status", "reason", "shown", "error"),
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
def test_how_a_run_ended_shows(status, reason, shown, error):
    """An aborted run is in error by its reason; one that waits has not ended."""
    root = agentix.to_spans(AgentOutcome(status, reason=reason))[0]
    assert (root.status, root.attributes.get("error.type")) == (shown, error)


def conversation(*messages, **root):
    """Spans of a run whose only turn was asked this."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps(list(messages)),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": "done"}]}]
        ),
    }
    frame = {"gen_ai.operation.name": "invoke_agent", **root}
    return [told("run", attributes=frame, end=9), told("c", "run", said)]


def message(role, *parts, **marks):
    return {"role": role, "parts": list(parts), **marks}


SAYS = {"type": "text", "content": "x"}


@pytest.mark.parametrize(
    ("item", "trusted"),
    [
        pytest.param(message("user", SAYS), True, id="user"),
        pytest.param(message("system", SAYS), True, id="system"),
        pytest.param(message("assistant", SAYS), True, id="assistant"),
        pytest.param(message("critic", SAYS), False, id="unknown-role"),
        pytest.param(
            message("critic", SAYS, **{"agentix.trusted": True}), True, id="marked"
        ),
        pytest.param(
            message("user", SAYS, **{"agentix.trusted": False}), False, id="marked-not"
        ),
        pytest.param(
            message("user", SAYS, **{"agentix.trusted": "yes"}), False, id="odd-mark"
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
            message("tool", SAYS, **{"agentix.trusted": True}), False, id="a-tools-text"
        ),
    ],
)
def test_trust_fails_closed(item, trusted):
    """Nothing makes a tool's words trusted; an unknown role is not; else as marked."""
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
    """Inline and linked media become parts; what a message has no room for is left out."""
    item = message("user", SAYS, part, {"type": "reasoning", "content": "hm"})
    first = agentix.to_outcome(conversation(item)).transcript[0]
    assert first.content == (TextPart("x"), expected)
    assert first.text == "x"


def test_several_answers_in_one_message_are_a_message_each():
    """Tools' answers are messages of their own, under whichever key they stand."""
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
    """Agentix takes an object; what is none is its only member."""
    part = {"type": "tool_call", "id": "c", "name": "w", "arguments": arguments}
    first = agentix.to_outcome(conversation(message("assistant", part))).transcript[0]
    assert first.tool_calls[0].args == args


def test_instructions_that_stand_apart_lead_the_conversation():
    """A system prompt of its own attribute is the first message, once."""
    instructions = {
        "gen_ai.system_instructions": '[{"type": "text", "content": "be brief"}]'
    }
    spans = conversation(message("user", SAYS))
    spans[1] = told("c", "run", {**spans[1].attributes, **instructions})
    transcript = agentix.to_outcome(spans).transcript
    assert [(m.role, m.content) for m in transcript[:2]] == [
        ("system", "be brief"),
        ("user", "x"),
    ]


def tool(key, start, **said):
    given = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "w",
        **{name.replace("__", "."): value for name, value in said.items()},
    }
    return told(key, "run", given, start=start)


def test_answers_after_the_last_turn_are_added():
    """A tool that ran after the last turn is in the transcript by its span alone."""
    spans = [
        *conversation(message("user", SAYS)),
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
    """A tool that failed and answered nothing answers with its error."""
    spans = conversation(message("user", SAYS))
    failed = fields_of(tool("t", 2, error__type="timeout"))
    spans.append(
        told("t").__class__(**{**failed, "status": "error", "status_message": "slow"})
    )
    last = agentix.to_outcome(spans).transcript[-1]
    assert (last.content, last.meta["ok"]) == ("slow", False)


def test_a_run_without_turns_is_its_root():
    """Without a model call, what the root was asked is the conversation."""
    said = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": json.dumps([message("user", SAYS)]),
        "gen_ai.output.messages": json.dumps([message("assistant", SAYS)]),
    }
    outcome = agentix.to_outcome([told("run", attributes=said)])
    assert (outcome.answer, outcome.steps) == ("x", 0)
    assert [m.role for m in outcome.transcript] == ["user"]


def test_an_answer_in_an_odd_role_is_the_models():
    """Whoever a model's span says spoke, it was the model."""
    spans = conversation(message("user", SAYS))
    odd = json.dumps([message("critic", SAYS)])
    spans[1] = told("c", "run", {**spans[1].attributes, "gen_ai.output.messages": odd})
    last = agentix.to_outcome(spans).transcript[-1]
    assert (last.role, last.trusted) == ("assistant", True)


def test_agentixs_own_spans_are_read():
    """Agentix's own names become turns, tools and tokens; the model stays unknown."""
    spans = [
        told("r", name="agentix.run", end=9),
        told(
            "m",
            "r",
            {
                "agentix.input_tokens": 6,
                "agentix.output_tokens": 4,
                "agentix.is_final": False,
            },
            name="agentix.model",
        ),
        told("m2", "r", {}, name="agentix.model", start=3),
        told("t", "r", {"agentix.tool.ok": False}, name="agentix.tool.w", start=2),
        told("x", "r", {}, name="elsewhere", start=4),
    ]
    outcome = agentix.to_outcome(spans)
    assert (outcome.steps, outcome.tokens_used) == (2, 10)
    (task,) = spans_to_tasks(agentix.to_spans(outcome))
    assert [s.tool_call.tool_name for s in task.steps if s.tool_call] == ["w"]
    assert {s.llm_call.model for s in task.steps if s.llm_call} == {"unknown"}


def test_a_broken_list_of_waiting_calls_is_none():
    """What cannot be read as waiting calls waits for nobody."""
    root = told(
        "run",
        attributes={"agentix.pending": "[5]", "gen_ai.operation.name": "invoke_agent"},
    )
    assert agentix.to_outcome([root]).pending == ()


def test_what_a_subagent_spent_is_its_tools_spend():
    """The tool that started an agent tells what that agent used."""
    call = {"type": "tool_call", "id": "c1", "name": "ask", "arguments": {}}
    answer = [{"role": "assistant", "parts": [call]}]
    usage = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}
    spans = [
        told("run", None, {"gen_ai.operation.name": "invoke_agent"}, end=9),
        told(
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
        told(
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
        told(
            "sub",
            "ask",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "b"},
            start=4,
            end=7,
        ),
        told(
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


def test_a_subagent_that_cannot_be_read_is_passed_over():
    """A nested outcome that is none makes no span."""
    outcome = AgentOutcome(
        "completed", other={"subagents": [5, {"status": "completed"}]}
    )
    assert [r.name for r in agentix.to_spans(outcome)] == [
        "invoke_agent",
        "invoke_agent",
    ]


def test_names_are_given_to_the_spans():
    """Agent, model and provider come from the caller: an outcome names none."""
    outcome = AgentOutcome("completed", transcript=(Message("assistant", "x"),))
    root, turn = agentix.to_spans(
        outcome, start_ns=7, agent_name="a", model="m", provider="p"
    )
    assert (root.name, turn.name, turn.start_ns) == ("invoke_agent a", "chat m", 7)
    assert turn.attributes["gen_ai.provider.name"] == "p"


HTTP = {
    "status": "suspended",
    "cost_usd": 0.5,
    "pending": [{"id": "c", "tool": "drop", "args": {"t": "x"}, "reason": "sure?"}],
}


def test_the_form_served_over_http_is_read():
    """Agentix's HTTP form names a waiting call otherwise."""
    outcome = agentix.load(HTTP)
    assert outcome.pending == (
        PendingApproval(ToolCall("drop", {"t": "x"}, "c"), "sure?"),
    )


def state(*messages):
    return {
        "run_id": "r",
        "schema_version": 1,
        "steps": 2,
        "tokens_used": 15,
        "cost_usd": 0.5,
        "messages": list(messages),
    }


ASKED = {"role": "assistant", "content": "", "meta": {"tool_calls": [CALL]}}
SPOKEN = {"role": "assistant", "content": "done", "trusted": True}
ASKER = {"role": "user", "content": "go", "trusted": True}


@pytest.mark.parametrize(
    ("messages", "status", "answer", "waiting"),
    [
        pytest.param([ASKER, SPOKEN], "completed", "done", 0, id="completed"),
        pytest.param([ASKER, ASKED], "suspended", None, 1, id="waiting"),
        pytest.param([ASKER], "suspended", None, 0, id="at-rest"),
        pytest.param([], "suspended", None, 0, id="empty"),
    ],
)
def test_a_checkpoint_is_read(messages, status, answer, waiting):
    """A store's state is a run: completed, waiting for approval, or at rest."""
    outcome = agentix.load(state(*messages))
    assert (outcome.status, outcome.answer, len(outcome.pending)) == (
        status,
        answer,
        waiting,
    )
    assert outcome.other["run_id"] == "r"


def test_a_checkpoint_is_written_as_it_was_read():
    """What a store keeps comes back from an outcome, in the codec's own shape."""
    full = [
        {"name": None, "meta": {}, **ASKER},
        {"trusted": False, "name": None, **ASKED},
    ]
    assert agentix.checkpoint(agentix.load(state(*full))) == state(*full)
    assert agentix.checkpoint(AgentOutcome("completed"), "other")["run_id"] == "other"
    with pytest.raises(InfiniumError, match="run id"):
        agentix.checkpoint(AgentOutcome("completed"))


def test_a_checkpoint_has_nothing_that_agentix_refuses():
    """Unknown roles become the user's, untrusted; impossible media are left out."""
    media = (
        TextPart("t"),
        agentix.image_part(data="QQ==", media_type="image/png"),
        agentix.audio_part(url="http://a"),
        agentix.document_part(data="QQ=="),
        agentix.image_part(),
        MediaPart("hologram", url="http://a"),
    )
    outcome = AgentOutcome(
        "completed",
        transcript=(Message("critic", media, trusted=True), Message("tool", "x"), ASKS),
    )
    first, second, third = agentix.checkpoint(outcome, "r")["messages"]
    assert (first["role"], first["trusted"], len(first["content"])) == (
        "user",
        False,
        3,
    )
    assert (second["role"], third["meta"]) == ("tool", {"tool_calls": [CALL]})


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
    """A part of a kind we do not know keeps its word."""
    document = {"status": "s", "transcript": [{"role": "user", "content": [value]}]}
    assert agentix.load(document).transcript[0].content == (expected,)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="no-object"),
        pytest.param({"answer": "x"}, id="no-status"),
        pytest.param(
            {"status": "s", "transcript": [{"role": "user"}]}, id="no-content"
        ),
        pytest.param({"status": "s", "pending": [{}]}, id="no-call"),
    ],
)
def test_what_is_no_outcome_is_refused(value):
    """A document that cannot be one is one clear error."""
    with pytest.raises(InfiniumError):
        agentix.load(value)
    with pytest.raises(InfiniumError):
        agentix.to_outcome([])


def test_a_turn_is_final_without_calls():
    """A model's answer that asks for no tool ends the run."""
    assert agentix.ModelResponse("x").is_final
    assert not agentix.ModelResponse("", (ToolCall("w"),)).is_final


@dataclass
class LivePart:
    kind: str
    text: str = "t"


@dataclass
class Parsed:
    city: str = "Paris"


class Dumps:
    def model_dump(self, mode):
        return {"mode": mode}


@dataclass
class LiveOutcome:
    parsed: Any
    status: str = "completed"
    answer: str = "x"
    reason: None = None
    steps: int = 1
    tokens_used: int = 2
    cost_usd: float = 0.5
    transcript: list = field(default_factory=list)
    pending: list = field(default_factory=list)


@pytest.mark.parametrize(
    ("parsed", "expected"),
    [
        pytest.param(Parsed(), {"city": "Paris"}, id="dataclass"),
        pytest.param(Dumps(), {"mode": "json"}, id="pydantic"),
        pytest.param({1, 2}, [1, 2], id="set"),
        pytest.param(None, None, id="none"),
    ],
)
def test_agentixs_own_objects_are_read(parsed, expected):
    """The package's live objects become records, what was parsed its JSON."""
    call = SimpleNamespace(name="w", args={"a": 1}, id=None)
    role = SimpleNamespace(value="assistant")
    spoken = SimpleNamespace(
        role=role,
        content=[LivePart("text")],
        trusted=True,
        name=None,
        meta={"tool_calls": [call, CALL]},
    )
    waiting = SimpleNamespace(call=call, reason="sure?")
    outcome = outcome_from(LiveOutcome(parsed, transcript=[spoken], pending=[waiting]))
    assert outcome.parsed == expected
    assert [c.name for c in outcome.transcript[0].tool_calls] == ["w", "drop"]
    assert outcome.pending[0].reason == "sure?"
    assert message_from(spoken).content == (TextPart("t"),)


def test_a_recorded_run_can_be_resumed_from():
    """A run of any instrumentation gives a state with its whole conversation."""
    recording = corpus.recording("pydantic-ai/tool_loop")
    outcome = agentix.to_outcome(otlp.from_json(recording.spans).records)
    roles = [m["role"] for m in agentix.checkpoint(outcome, "r")["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant"]


def test_a_suspended_run_is_a_task_that_waits():
    """What waits is a step of its own; how the run stands is a tag."""
    waiting = PendingApproval(ToolCall("drop", {}, "c"), "sure?")
    outcome = AgentOutcome("suspended", transcript=(ASKS,), pending=(waiting,))
    (sent,) = spans_to_tasks(agentix.to_spans(outcome))
    assert [s.action for s in sent.steps][-1] == "approval_pending"
    assert sent.environment.framework == "agentix"
    assert sent.environment.custom_tags["agentix.status"] == "suspended"


def test_what_a_run_used_reaches_the_task():
    """An outcome's tokens and cost are the task's, though no turn has its own."""
    turn = Message("assistant", "x", trusted=True)
    outcome = AgentOutcome(
        "completed", "x", tokens_used=20, cost_usd=0.5, transcript=(turn,)
    )
    (sent,) = spans_to_tasks(agentix.to_spans(outcome))
    assert (sent.llm_usage.total_tokens, sent.llm_usage.estimated_cost_usd) == (20, 0.5)
