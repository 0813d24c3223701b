"""agentix's types, and their JSON with all fields: agentix's codec drops three.

Source: agentix-toolkit 0.5.0, agentix/types.py, content.py, serde.py, store.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.models.documents import (
    as_list,
    as_mapping,
    empty_mapping,
    fill,
    load_each,
    other_keys,
)

SCHEMA_VERSION = 1


class Role(str, Enum):
    """The role of a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part with text."""

    text: str
    type: str = "text"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class MediaPart:
    """An image, a document or a sound: inline, or by its URL.

    Args:
        type: "image", "document" or "audio".
        data: base64; None where `url` is given.
        media_type: "image/png"; required for inline data.
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
    """A tool call by the model."""

    name: str
    args: Mapping[str, Any] = field(default_factory=empty_mapping)
    id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's result; cost and tokens are those of a subagent that the tool ran."""

    name: str
    content: str
    call_id: str | None = None
    ok: bool = True
    cost_usd: float = 0.0
    tokens_used: int = 0
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One response of the model."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tokens_used: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    other: Mapping[str, Any] = other_keys()

    @property
    def is_final(self) -> bool:
        """Whether the model calls no tool."""
        return not self.tool_calls


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    Args:
        role: one of `Role`, or an unknown word.
        content: a text or parts.
        trusted: whether the model may take instructions from it; never true for a
            tool's message.
        name: the tool's name, on a tool's message.
        meta: JSON; `tool_calls` holds calls as `{"name", "args", "id"}`.
    """

    role: str
    content: str | tuple[ContentPart, ...]
    trusted: bool = False
    name: str | None = None
    meta: Mapping[str, Any] = field(default_factory=empty_mapping)
    other: Mapping[str, Any] = other_keys()

    @property
    def text(self) -> str:
        """The text of all text parts."""
        if isinstance(self.content, str):
            return self.content
        return "".join(p.text for p in self.content if isinstance(p, TextPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls in an assistant's message."""
        calls = as_list(self.meta.get("tool_calls")) or ()
        named = [c for c in calls if isinstance(c, Mapping) and _has_name(c)]
        return tuple(fill(ToolCall, call, args=as_mapping) for call in named)


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """A call that waits for a human's approval."""

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
        tokens_used: of the models and of subagents, as is `cost_usd`.
        pending: the calls that wait for a human, where the run is suspended.
        other: further keys, such as `run_id` and the facts of spans (`otel`).
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
    """A content part from its JSON; an unknown type is kept."""
    fields = as_mapping(value) or {"type": "text", "text": to_text(value)}
    if fields.get("type") == "text" and isinstance(fields.get("text"), str):
        return fill(TextPart, fields)
    return fill(MediaPart, {"type": "unknown", **fields})


def _load_content(value: Any) -> str | tuple[ContentPart, ...] | None:
    return value if isinstance(value, str) else load_each(part_of)(value)


def message_of(value: Any) -> Message:
    """A message from its JSON."""
    return fill(Message, value, content=_load_content)


def call_of(value: Any) -> ToolCall:
    """A tool call from its JSON."""
    return fill(ToolCall, value)


def pending_of(value: Any) -> PendingApproval:
    """A waiting call from its JSON, or from the form that agentix serves over HTTP."""
    fields = as_mapping(value) or {}
    if "call" not in fields and "tool" in fields:
        call = {
            "name": fields["tool"],
            "args": fields.get("args"),
            "id": fields.get("id"),
        }
        rest = {k: v for k, v in fields.items() if k not in {"tool", "args", "id"}}
        return fill(PendingApproval, {**rest, "call": call}, call=call_of)
    return fill(PendingApproval, value, call=call_of)


def outcome_of(value: Any) -> AgentOutcome:
    """An outcome from JSON: the codec's form, the HTTP form, or ours."""
    fields = as_mapping(value)
    known = (
        value
        if fields is None
        else {k: v for k, v in fields.items() if k != "schema_version"}
    )
    return fill(
        AgentOutcome,
        known,
        transcript=load_each(message_of),
        pending=load_each(pending_of),
    )


def outcome_of_checkpoint(state: Mapping[str, Any]) -> AgentOutcome:
    """The run in a store: completed, or suspended until it is resumed.

    Tool calls in the last turn without a response wait for approval; the store does not
    keep the reason.
    """
    given = {k: v for k, v in state.items() if k not in {"messages", "schema_version"}}
    outcome = fill(
        AgentOutcome,
        {**given, "status": "suspended", "transcript": state.get("messages")},
        transcript=load_each(message_of),
        pending=load_each(pending_of),
    )
    last = outcome.transcript[-1] if outcome.transcript else None
    if last is None or last.role != Role.ASSISTANT.value:
        return outcome
    return _suspend(outcome, last)


def _suspend(outcome: AgentOutcome, last: Message) -> AgentOutcome:
    if not last.tool_calls:
        return replace(outcome, status="completed", answer=last.text)
    waiting = tuple(PendingApproval(call) for call in last.tool_calls)
    return replace(outcome, reason="awaiting_confirmation", pending=waiting)
