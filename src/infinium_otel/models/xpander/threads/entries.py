"""One entry of an activity thread as attributes, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.errors import InfiniumError
from infinium_otel.models.documents import dump
from infinium_otel.models.field_attributes import read_fields, write_fields
from infinium_otel.models.spans import as_text, drop_nulls, from_json, to_json
from infinium_otel.models.xpander.attributes import (
    INDEX,
    KIND,
    TOOL,
    get_public_auth,
    reasoning_attributes,
    remove_secrets,
    to_messages,
    to_value_text,
)
from infinium_otel.models.xpander.documents import entry_as
from infinium_otel.models.xpander.threads import types as threads
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.xpander.threads.types import Entry

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of entry is written.

    Args:
        name: its value of `xpander.entry`.
        type: the entry's class.
        elsewhere: fields that a standard attribute holds.
        is_span: whether it becomes a span; if not, an event on the run's span.
    """

    name: str
    type: type[Any]
    elsewhere: frozenset[str] = frozenset()
    is_span: bool = False

    @property
    def prefix(self) -> str:
        """The prefix of its attributes."""
        return TOOL if self.name == "tool_call" else f"xpander.{self.name}."


KINDS = (
    Kind("message", threads.AgentActivityThreadMessage),
    Kind(
        "tool_call",
        threads.AgentActivityThreadToolCall,
        frozenset({"tool_name", "payload", "result", "is_error"}),
        is_span=True,
    ),
    Kind("reasoning", threads.AgentActivityThreadReasoning, is_span=True),
    Kind(
        "trigger",
        threads.AgentActivityThreadSubAgentTrigger,
        frozenset({"agent_id"}),
        is_span=True,
    ),
    Kind("auth", threads.AgentActivityThreadAuth, frozenset({"type", "data", "other"})),
    Kind("gateway", threads.AgentActivityThreadGatewayDecision),
    Kind("other", threads.AgentActivityThreadOtherEntry, frozenset({"other"})),
)
_BY_TYPE = {kind.type: kind for kind in KINDS}
_BY_NAME = {kind.name: kind for kind in KINDS}


def get_kind(entry: Entry) -> Kind:
    """The kind of an entry."""
    return _BY_TYPE[type(entry)]


def entry_attributes(entry: Entry, index: int) -> dict[str, Any]:
    """An entry as the attributes of its span or event.

    Args:
        index: its index in the thread.
    """
    kind = get_kind(entry)
    found = {
        INDEX: index,
        KIND: kind.name,
        **write_fields(entry, kind.prefix, skip=kind.elsewhere),
        **_semantic_attributes(entry),
    }
    return drop_nulls(found)


def _semantic_attributes(entry: Entry) -> dict[str, Any]:
    """An entry's standard attributes."""
    if isinstance(entry, threads.AgentActivityThreadToolCall):
        return {
            **to_tool_attributes(
                entry.tool_name, entry.id, entry.payload, entry.result
            ),
            **reasoning_attributes(entry.reasoning),
        }
    if isinstance(entry, threads.AgentActivityThreadReasoning):
        return {
            "infinium.step.action": "decision",
            "gen_ai.output.messages": to_messages(
                "assistant", [entry.title, entry.thought, entry.analysis]
            ),
        }
    if isinstance(entry, threads.AgentActivityThreadSubAgentTrigger):
        return trigger_attributes(entry.agent_id, entry.query)
    if isinstance(entry, threads.AgentActivityThreadAuth):
        facts = get_public_auth(entry.type, entry.data)
        return {f"xpander.auth.{name}": value for name, value in facts.items()}
    if isinstance(entry, threads.AgentActivityThreadOtherEntry):
        other = remove_secrets(dump(entry.other))
        return {"xpander.other.other": to_json(other) if other else None}
    return {}


def to_tool_attributes(
    name: str | None, call_id: str | None, payload: Any, result: Any
) -> dict[str, Any]:
    """The conventions' attributes of a tool call."""
    return tool_attributes(
        name,
        call_id=call_id,
        arguments=to_value_text(payload),
        result=to_value_text(result),
    )


def trigger_attributes(agent_id: str | None, query: str | None) -> dict[str, Any]:
    """The conventions' attributes of a call of another agent."""
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": agent_id,
        "gen_ai.input.messages": to_messages("user", [query]),
    }


def make_span_name(entry: Entry) -> str:
    """The name of an entry's span or event."""
    if isinstance(entry, threads.AgentActivityThreadToolCall):
        return f"execute_tool {entry.tool_name}"
    if isinstance(entry, threads.AgentActivityThreadSubAgentTrigger):
        return f"invoke_agent {entry.agent_id}"
    if isinstance(entry, threads.AgentActivityThreadReasoning):
        return f"xpander.reasoning {entry.type}"
    return f"xpander.{get_kind(entry).name}"


def to_tool_failure(result: Any) -> Failure:
    """The failure of a tool; xpander puts its message into the result."""
    return Failure("tool_error", to_value_text(result) or "")


def read_entry(attributes: Mapping[str, Any], *, failed: bool = False) -> Entry | None:
    """Read the entry that `entry_attributes` wrote; None if there is none.

    Args:
        failed: whether the span ended in an error.
    """
    kind = _BY_NAME.get(as_text(attributes.get(KIND)) or "")
    if kind is None:
        return None
    found = read_fields(attributes, kind.prefix, kind.type)
    if kind.name == "tool_call":
        found |= {
            "tool_name": attributes.get("gen_ai.tool.name", "unknown"),
            "payload": from_json(attributes.get("gen_ai.tool.call.arguments")),
            "result": from_json(attributes.get("gen_ai.tool.call.result")),
            "is_error": failed,
        }
    elif kind.name == "trigger":
        found["agent_id"] = attributes.get("gen_ai.agent.id")
    elif kind.name == "auth":
        found["data"] = _auth_data(attributes)
    return _load_entry(kind, found)


def _load_entry(kind: Kind, found: dict[str, Any]) -> Entry | None:
    try:
        return entry_as(kind.type, found)
    except InfiniumError:
        return None


def _auth_data(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A sign-in's data as xpander accepts it, without secrets."""
    names = ("server_url", "server_name")
    server = {name: as_text(attributes.get(f"xpander.auth.{name}")) for name in names}
    return {"message": REDACTED, **drop_nulls(server)}
