"""A turn of the model, a tool's answer and a waiting call, each as its span."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import as_json, flag, number, text, whole
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from infinium_otel.models.agentix.types import Message, PendingApproval, ToolCall

DENIED = "REFUSED: "
DECLINED = "User declined this action."
"""How agentix's loop words what a guard denied and what a human declined."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What an outcome does not say about its run."""

    agent_name: str | None = None
    model: str | None = None
    provider: str | None = None


def chat(
    draft: SpanRecord, message: Message, before: tuple[Message, ...], naming: Naming
) -> SpanRecord:
    """A model's turn; only the last one carries the conversation before it."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": naming.provider,
        "gen_ai.request.model": naming.model,
        "gen_ai.input.messages": to_messages(before),
        "gen_ai.output.messages": to_messages([message]),
        "gen_ai.response.finish_reasons": [
            "tool_calls" if message.tool_calls else "stop"
        ],
    }
    name = f"chat {naming.model}" if naming.model else "chat"
    return replace(
        draft, name=name, kind="client", attributes={**draft.attributes, **said}
    )


def call_of(message: Message, before: tuple[Message, ...]) -> ToolCall | None:
    """The call that a tool's message answers; None if nobody asked."""
    call_id = message.meta.get("call_id")
    for earlier in reversed(before):
        for call in earlier.tool_calls:
            if call.id == call_id and call.name == message.name:
                return call
    return None


def tool(
    draft: SpanRecord, message: Message, call: ToolCall | None
) -> tuple[SpanRecord, Failure | None]:
    """A tool's answer; a call that did not run well fails its span."""
    ok = flag(message.meta.get("ok"))
    said = {
        **_call_attributes(message.name, text(message.meta.get("call_id")), call),
        "gen_ai.tool.call.result": message.text,
        "agentix.tool.ok": ok,
        "agentix.message.trusted": message.trusted,
        "agentix.cost_usd": number(message.meta.get("cost_usd")),
        "agentix.tokens_used": whole(message.meta.get("tokens_used")),
    }
    name = f"execute_tool {message.name}" if message.name else "execute_tool"
    draft = replace(draft, name=name, attributes={**draft.attributes, **said})
    return (draft, None) if ok is not False else _not_ok(draft, message.text)


def _call_attributes(
    name: str | None, call_id: str | None, call: ToolCall | None
) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": as_json(dump(call.args)) if call else None,
    }


def _not_ok(draft: SpanRecord, said: str) -> tuple[SpanRecord, Failure]:
    """A call that failed, was denied by a guard, or declined by a human."""
    decided, failure = verdict(said, draft.start_ns)
    attributes, events = decided
    draft = replace(
        draft,
        attributes={**draft.attributes, **attributes},
        events=(*draft.events, *events),
    )
    return draft, failure


def verdict(
    said: str, time_ns: int
) -> tuple[tuple[dict[str, Any], tuple[SpanEvent, ...]], Failure]:
    """What agentix's loop says in the place of a tool that was not (well) run.

    Returns:
        Attributes and events (named as agentix names them) of the decision, and the
        failure it makes.
    """
    if said.startswith(DENIED):
        reason = said.removeprefix(DENIED)
        event = SpanEvent(
            "guard_decision", time_ns, {"decision": "deny", "reason": reason}
        )
        told = {"agentix.tool.decision": "deny"}
        return (told, (event,)), Failure("ToolDenied", reason)
    if said == DECLINED:
        event = SpanEvent("confirm", time_ns, {"approved": False})
        decided = {"agentix.tool.decision": "confirm", "agentix.tool.approved": False}
        return (decided, (event,)), Failure("ToolDeclined", said)
    return ({}, ()), Failure("tool_error", said)


def waiting(draft: SpanRecord, pending: PendingApproval) -> SpanRecord:
    """A call that waits for a human, of no length."""
    call = pending.call
    said = {
        **_call_attributes(call.name, call.id, call),
        "agentix.tool.decision": "confirm",
        "agentix.tool.pending": True,
        "infinium.step.action": "approval_pending",
        "agentix.tool.pending.reason": pending.reason,
    }
    name = f"execute_tool {call.name}"
    return replace(draft, name=name, attributes={**draft.attributes, **said})
