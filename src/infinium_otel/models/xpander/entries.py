"""One entry of an activity thread as attributes, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models.carrying import carried, uncarried
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import as_json, from_json, present, text
from infinium_otel.models.xpander import threads
from infinium_otel.models.xpander.attributes import (
    INDEX,
    KIND,
    TOOL,
    auth_facts,
    reasoning_attributes,
    said_by,
    value_text,
    without_secrets,
)
from infinium_otel.models.xpander.documents import entry_as
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.xpander.threads import Entry

UNSHOWN = "[redacted]"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of entry stands on a span.

    Args:
        name: in `xpander.entry`.
        type: the entry's class.
        elsewhere: fields that a standard attribute holds.
        is_span: it is work of its own; any other is an event on the run's span.
    """

    name: str
    type: type[Any]
    elsewhere: frozenset[str] = frozenset()
    is_span: bool = False

    @property
    def prefix(self) -> str:
        """What stands before its attributes."""
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


def kind_of(entry: Entry) -> Kind:
    """The kind of an entry."""
    return _BY_TYPE[type(entry)]


def entry_attributes(entry: Entry, index: int) -> dict[str, Any]:
    """An entry as the attributes of its span or event.

    Args:
        index: its place in the thread.
    """
    kind = kind_of(entry)
    found = {
        INDEX: index,
        KIND: kind.name,
        **carried(entry, kind.prefix, skip=kind.elsewhere),
        **_standard(entry),
    }
    return present(found)


def _standard(entry: Entry) -> dict[str, Any]:
    """What an entry says in standard attributes."""
    if isinstance(entry, threads.AgentActivityThreadToolCall):
        return {
            **tool_attributes(entry.tool_name, entry.id, entry.payload, entry.result),
            **reasoning_attributes(entry.reasoning),
        }
    if isinstance(entry, threads.AgentActivityThreadReasoning):
        return {
            "infinium.step.action": "decision",
            "gen_ai.output.messages": said_by(
                "assistant", [entry.title, entry.thought, entry.analysis]
            ),
        }
    if isinstance(entry, threads.AgentActivityThreadSubAgentTrigger):
        return trigger_attributes(entry.agent_id, entry.query)
    if isinstance(entry, threads.AgentActivityThreadAuth):
        told = auth_facts(entry.type, entry.data)
        return {f"xpander.auth.{name}": value for name, value in told.items()}
    if isinstance(entry, threads.AgentActivityThreadOtherEntry):
        other = without_secrets(dump(entry.other))
        return {"xpander.other.other": as_json(other) if other else None}
    return {}


def tool_attributes(
    name: str | None, call_id: str | None, payload: Any, result: Any
) -> dict[str, Any]:
    """A tool's call by the conventions."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": value_text(payload),
        "gen_ai.tool.call.result": value_text(result),
    }


def trigger_attributes(agent_id: str | None, query: str | None) -> dict[str, Any]:
    """A call of another agent by the conventions."""
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": agent_id,
        "gen_ai.input.messages": said_by("user", [query]),
    }


def span_name(entry: Entry) -> str:
    """The name of an entry's span or event."""
    if isinstance(entry, threads.AgentActivityThreadToolCall):
        return f"execute_tool {entry.tool_name}"
    if isinstance(entry, threads.AgentActivityThreadSubAgentTrigger):
        return f"invoke_agent {entry.agent_id}"
    if isinstance(entry, threads.AgentActivityThreadReasoning):
        return f"xpander.reasoning {entry.type}"
    return f"xpander.{kind_of(entry).name}"


def tool_failure(result: Any) -> Failure:
    """Why a tool failed: xpander says it in the result alone."""
    return Failure("tool_error", value_text(result) or "")


def entry_in(attributes: Mapping[str, Any], *, failed: bool = False) -> Entry | None:
    """The entry that `entry_attributes` wrote; None if there is none.

    Args:
        failed: whether the span ended in an error.
    """
    kind = _BY_NAME.get(text(attributes.get(KIND)) or "")
    if kind is None:
        return None
    found = uncarried(attributes, kind.prefix, kind.type)
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
    return _made(kind, found)


def _made(kind: Kind, found: dict[str, Any]) -> Entry | None:
    try:
        return entry_as(kind.type, found)
    except InfiniumError:
        return None


def _auth_data(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A sign-in's data as xpander accepts it, with nothing secret in it."""
    names = ("server_url", "server_name")
    told = {name: text(attributes.get(f"xpander.auth.{name}")) for name in names}
    return {"message": UNSHOWN, **present(told)}
