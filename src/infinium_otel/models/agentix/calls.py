"""The spans of a model's turn, of a tool call and of a call that waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import as_bool, as_int, as_number, as_text, to_json
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from infinium_otel.models.agentix.types import Message, PendingApproval, ToolCall

DENIED = "REFUSED: "
DECLINED = "User declined this action."
"""The texts of agentix's loop for a call that a guard denied or a human declined.

Source: agentix-toolkit 0.5.0, agentix/agent.py.
"""


@dataclass(frozen=True, slots=True)
class Naming:
    """Names that an outcome does not contain."""

    agent_name: str | None = None
    model: str | None = None
    provider: str | None = None


def to_chat_span(
    draft: SpanRecord, message: Message, before: tuple[Message, ...], naming: Naming
) -> SpanRecord:
    """The span of a model's turn.

    Args:
        before: the conversation so far; empty for all turns but the last, whose input
            contains all of it.
    """
    attributes = {
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
        draft, name=name, kind="client", attributes={**draft.attributes, **attributes}
    )


def find_call(message: Message, before: tuple[Message, ...]) -> ToolCall | None:
    """The call that a tool's message responds to; None if there is none."""
    call_id = message.meta.get("call_id")
    for earlier in reversed(before):
        for call in earlier.tool_calls:
            if call.id == call_id and call.name == message.name:
                return call
    return None


def to_tool_span(
    draft: SpanRecord, message: Message, call: ToolCall | None
) -> tuple[SpanRecord, Failure | None]:
    """The span of a tool call, and its failure; None if it succeeded."""
    ok = as_bool(message.meta.get("ok"))
    attributes = {
        **_call_attributes(message.name, as_text(message.meta.get("call_id")), call),
        "gen_ai.tool.call.result": message.text,
        "agentix.tool.ok": ok,
        "agentix.message.trusted": message.trusted,
        "agentix.cost_usd": as_number(message.meta.get("cost_usd")),
        "agentix.tokens_used": as_int(message.meta.get("tokens_used")),
    }
    name = f"execute_tool {message.name}" if message.name else "execute_tool"
    draft = replace(draft, name=name, attributes={**draft.attributes, **attributes})
    return (draft, None) if ok is not False else _fail(draft, message.text)


def _call_attributes(
    name: str | None, call_id: str | None, call: ToolCall | None
) -> dict[str, Any]:
    return tool_attributes(
        name,
        call_id=call_id,
        arguments=to_json(dump(call.args)) if call else None,
        tool_type="function",
    )


def _fail(draft: SpanRecord, content: str) -> tuple[SpanRecord, Failure]:
    """Mark a call as failed, denied by a guard, or declined by a human."""
    decision, failure = classify_refusal(content, draft.start_ns)
    attributes, events = decision
    draft = replace(
        draft,
        attributes={**draft.attributes, **attributes},
        events=(*draft.events, *events),
    )
    return draft, failure


def classify_refusal(
    content: str, time_ns: int
) -> tuple[tuple[dict[str, Any], tuple[SpanEvent, ...]], Failure]:
    """Distinguish denied and declined calls from failed ones, by the message.

    Args:
        content: what agentix's loop put in the place of the tool's result.

    Returns:
        Attributes and events (under agentix's names) of the decision, and the failure.
    """
    if content.startswith(DENIED):
        reason = content.removeprefix(DENIED)
        event = SpanEvent(
            "guard_decision", time_ns, {"decision": "deny", "reason": reason}
        )
        denied = {"agentix.tool.decision": "deny"}
        return (denied, (event,)), Failure("ToolDenied", reason)
    if content == DECLINED:
        event = SpanEvent("confirm", time_ns, {"approved": False})
        declined = {"agentix.tool.decision": "confirm", "agentix.tool.approved": False}
        return (declined, (event,)), Failure("ToolDeclined", content)
    return ({}, ()), Failure("tool_error", content)


def to_pending_span(draft: SpanRecord, pending: PendingApproval) -> SpanRecord:
    """The span of a call that waits for a human; its duration is zero."""
    call = pending.call
    attributes = {
        **_call_attributes(call.name, call.id, call),
        "agentix.tool.decision": "confirm",
        "agentix.tool.pending": True,
        "infinium.step.action": "approval_pending",
        "agentix.tool.pending.reason": pending.reason,
    }
    name = f"execute_tool {call.name}"
    return replace(draft, name=name, attributes={**draft.attributes, **attributes})
