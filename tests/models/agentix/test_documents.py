"""agentix's outcomes and checkpoints: their JSON, and its own objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

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
from infinium_otel.models.agentix.live_objects import read_message, read_outcome

CALL = {"name": "drop", "args": {"t": "x"}, "id": "c"}
TOOL_REQUEST = Message("assistant", "", trusted=True, meta={"tool_calls": [CALL]})
HTTP = {
    "status": "suspended",
    "cost_usd": 0.5,
    "pending": [{"id": "c", "tool": "drop", "args": {"t": "x"}, "reason": "sure?"}],
}


def test_the_form_served_over_http_is_read():
    """Agentix's HTTP form has other names for a waiting call."""
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


REQUEST_JSON = {"role": "assistant", "content": "", "meta": {"tool_calls": [CALL]}}
SPOKEN = {"role": "assistant", "content": "done", "trusted": True}
PROMPT_JSON = {"role": "user", "content": "go", "trusted": True}


@pytest.mark.parametrize(
    ("messages", "status", "answer", "waiting"),
    [
        pytest.param([PROMPT_JSON, SPOKEN], "completed", "done", 0, id="completed"),
        pytest.param([PROMPT_JSON, REQUEST_JSON], "suspended", None, 1, id="waiting"),
        pytest.param([PROMPT_JSON], "suspended", None, 0, id="at-rest"),
        pytest.param([], "suspended", None, 0, id="empty"),
    ],
)
def test_a_checkpoint_is_read(messages, status, answer, waiting):
    """A store's state is a run: completed, waiting for approval, or suspended."""
    outcome = agentix.load(state(*messages))
    assert (outcome.status, outcome.answer, len(outcome.pending)) == (
        status,
        answer,
        waiting,
    )
    assert outcome.other["run_id"] == "r"


def test_a_checkpoint_is_written_unchanged():
    """A store's state comes back from an outcome, in the codec's own shape."""
    full = [
        {"name": None, "meta": {}, **PROMPT_JSON},
        {"trusted": False, "name": None, **REQUEST_JSON},
    ]
    assert agentix.checkpoint(agentix.load(state(*full))) == state(*full)
    assert agentix.checkpoint(AgentOutcome("completed"), "other")["run_id"] == "other"
    with pytest.raises(InfiniumError, match="run id"):
        agentix.checkpoint(AgentOutcome("completed"))


def test_a_checkpoint_is_accepted_by_agentix():
    """Unknown roles become untrusted users; invalid media are dropped."""
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
        transcript=(
            Message("critic", media, trusted=True),
            Message("tool", "x"),
            TOOL_REQUEST,
        ),
    )
    first, second, third = agentix.checkpoint(outcome, "r")["messages"]
    assert (first["role"], first["trusted"], len(first["content"])) == (
        "user",
        False,
        3,
    )
    assert (second["role"], third["meta"]) == ("tool", {"tool_calls": [CALL]})


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
def test_invalid_outcomes_are_rejected(value):
    """An invalid document raises one clear error."""
    with pytest.raises(InfiniumError):
        agentix.load(value)
    with pytest.raises(InfiniumError):
        agentix.to_outcome([])


def test_a_turn_is_final_without_calls():
    """A response without tool calls is final."""
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
    """The package's live objects become records; `parsed` becomes JSON."""
    call = SimpleNamespace(name="w", args={"a": 1}, id=None)
    role = SimpleNamespace(value="assistant")
    message_object = SimpleNamespace(
        role=role,
        content=[LivePart("text")],
        trusted=True,
        name=None,
        meta={"tool_calls": [call, CALL]},
    )
    waiting = SimpleNamespace(call=call, reason="sure?")
    outcome = read_outcome(
        LiveOutcome(parsed, transcript=[message_object], pending=[waiting])
    )
    assert outcome.parsed == expected
    assert [c.name for c in outcome.transcript[0].tool_calls] == ["w", "drop"]
    assert outcome.pending[0].reason == "sure?"
    assert read_message(message_object).content == (TextPart("t"),)
