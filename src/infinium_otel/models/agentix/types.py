"""agentix's types, and their JSON with every field: its own codec drops three.

Source: agentix-toolkit 0.5.0, agentix/types.py, content.py, serde.py, store.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from infinium_otel.jsontext import text_of
from infinium_otel.models.documents import (
    fill,
    list_of,
    many,
    mapping_of,
    nothing,
    other_keys,
)

SCHEMA_VERSION = 1


class Role(str, Enum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class TextPart:
    """A run of text."""

    text: str
    type: str = "text"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class MediaPart:
    """An image, a document or a sound: either inline or elsewhere.

    Args:
        type: "image", "document" or "audio".
        data: base64; None where `url` says where it is.
        media_type: "image/png"; must be known for inline data.
    """

    type: str
    data: str | None = None
    url: str | None = None
    media_type: str = ""
    filename: str | None = None
    other: Mapping[str, Any] = other_keys()


def image_part(**given: Any) -> MediaPart:
    """Agentix's `ImagePart`."""
    return MediaPart("image", **given)


def document_part(**given: Any) -> MediaPart:
    """Agentix's `DocumentPart`."""
    return MediaPart("document", **given)


def audio_part(**given: Any) -> MediaPart:
    """Agentix's `AudioPart`."""
    return MediaPart("audio", **given)


ENDED_WELL = frozenset({"completed", "refused"})
"""The statuses of a run that is over and did not fail."""

MEDIA = frozenset({"image", "document", "audio"})
ContentPart = TextPart | MediaPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for."""

    name: str
    args: Mapping[str, Any] = field(default_factory=nothing)
    id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered; a subagent's spend stands in its costs and tokens."""

    name: str
    content: str
    call_id: str | None = None
    ok: bool = True
    cost_usd: float = 0.0
    tokens_used: int = 0
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One answer of the model."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tokens_used: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    other: Mapping[str, Any] = other_keys()

    @property
    def is_final(self) -> bool:
        """Whether the model asks for no tool."""
        return not self.tool_calls


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    Args:
        role: one of `Role`, or a word we do not know.
        content: a text or parts.
        trusted: whether it may instruct; never true of what a tool said.
        name: the tool's name on a tool's message.
        meta: JSON; `tool_calls` holds calls as `{"name", "args", "id"}`.
    """

    role: str
    content: str | tuple[ContentPart, ...]
    trusted: bool = False
    name: str | None = None
    meta: Mapping[str, Any] = field(default_factory=nothing)
    other: Mapping[str, Any] = other_keys()

    @property
    def text(self) -> str:
        """The text; media parts contribute nothing."""
        if isinstance(self.content, str):
            return self.content
        return "".join(p.text for p in self.content if isinstance(p, TextPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that an assistant's message asks for."""
        calls = list_of(self.meta.get("tool_calls")) or ()
        named = [c for c in calls if isinstance(c, Mapping) and _has_name(c)]
        return tuple(fill(ToolCall, call, args=mapping_of) for call in named)


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """A call that waits for a human."""

    call: ToolCall
    reason: str = ""
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentOutcome:
    """How a run ended, or where it waits.

    Args:
        status: "completed", "aborted", "refused" or "suspended".
        reason: why it was aborted or is suspended.
        steps: how many model calls.
        tokens_used: of the models and of subagents; `cost_usd` likewise.
        pending: what waits for a human where the run is suspended.
        other: further keys; `run_id`, and what spans said that has no field.
    """

    status: str
    answer: str | None = None
    parsed: Any = None
    reason: str | None = None
    steps: int = 0
    tokens_used: int = 0
    cost_usd: float = 0.0
    transcript: tuple[Message, ...] = ()
    pending: tuple[PendingApproval, ...] = ()
    other: Mapping[str, Any] = other_keys()


def _has_name(call: Mapping[str, Any]) -> bool:
    return isinstance(call.get("name"), str)


def part_of(value: Any) -> ContentPart:
    """A content part from its JSON; an unknown kind keeps its word."""
    said = mapping_of(value) or {"type": "text", "text": text_of(value)}
    if said.get("type") == "text" and isinstance(said.get("text"), str):
        return fill(TextPart, said)
    return fill(MediaPart, {"type": "unknown", **said})


def _content_of(value: Any) -> str | tuple[ContentPart, ...] | None:
    return value if isinstance(value, str) else many(part_of)(value)


def message_of(value: Any) -> Message:
    """A message from its JSON."""
    return fill(Message, value, content=_content_of)


def call_of(value: Any) -> ToolCall:
    """A tool call from its JSON."""
    return fill(ToolCall, value)


def pending_of(value: Any) -> PendingApproval:
    """A waiting call from its JSON, or from the form that agentix serves over HTTP."""
    said = mapping_of(value) or {}
    if "call" not in said and "tool" in said:
        call = {"name": said["tool"], "args": said.get("args"), "id": said.get("id")}
        left = {k: v for k, v in said.items() if k not in {"tool", "args", "id"}}
        return fill(PendingApproval, {**left, "call": call}, call=call_of)
    return fill(PendingApproval, value, call=call_of)


def outcome_of(value: Any) -> AgentOutcome:
    """An outcome from its JSON: agentix's codec's, its HTTP form's, or ours."""
    said = mapping_of(value)
    kept = (
        value
        if said is None
        else {k: v for k, v in said.items() if k != "schema_version"}
    )
    return fill(
        AgentOutcome, kept, transcript=many(message_of), pending=many(pending_of)
    )


def outcome_of_checkpoint(state: Mapping[str, Any]) -> AgentOutcome:
    """The run that a store keeps: completed, or at rest until it is resumed.

    A last turn that asks for tools without an answer is what waits for approval;
    the store does not keep why.
    """
    given = {k: v for k, v in state.items() if k not in {"messages", "schema_version"}}
    outcome = fill(
        AgentOutcome,
        {**given, "status": "suspended", "transcript": state.get("messages")},
        transcript=many(message_of),
        pending=many(pending_of),
    )
    last = outcome.transcript[-1] if outcome.transcript else None
    if last is None or last.role != Role.ASSISTANT.value:
        return outcome
    return _at_rest(outcome, last)


def _at_rest(outcome: AgentOutcome, last: Message) -> AgentOutcome:
    if not last.tool_calls:
        return replace(outcome, status="completed", answer=last.text)
    waiting = tuple(PendingApproval(call) for call in last.tool_calls)
    return replace(outcome, reason="awaiting_confirmation", pending=waiting)
