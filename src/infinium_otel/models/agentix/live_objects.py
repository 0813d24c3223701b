"""agentix's live objects as our records, read by attribute name.

agentix is not imported: any object of the same shape is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infinium_otel.models.agentix.types import (
    AgentOutcome,
    Message,
    message_of,
    outcome_of,
)
from infinium_otel.models.spans import to_plain


def read_message(message: Any) -> Message:
    """Our record of an `agentix.Message`."""
    return message_of(_message_json(message))


def read_outcome(outcome: Any) -> AgentOutcome:
    """Our record of an `agentix.AgentOutcome`; a live `parsed` becomes its JSON."""
    return outcome_of(
        {
            "status": outcome.status,
            "answer": outcome.answer,
            "parsed": read_parsed(outcome.parsed),
            "reason": outcome.reason,
            "steps": outcome.steps,
            "tokens_used": outcome.tokens_used,
            "cost_usd": outcome.cost_usd,
            "transcript": [_message_json(message) for message in outcome.transcript],
            "pending": [
                {"call": read_call(waiting.call), "reason": waiting.reason}
                for waiting in outcome.pending
            ],
        }
    )


def read_parsed(parsed: Any) -> Any:
    """A validated answer as JSON: a Pydantic model's dump, a dataclass's fields, or text."""
    dumped = getattr(parsed, "model_dump", None)
    return to_plain(dumped(mode="json") if callable(dumped) else parsed)


def read_call(call: Any) -> dict[str, Any]:
    """The JSON of an `agentix.ToolCall`."""
    return {"name": call.name, "args": to_plain(call.args), "id": call.id}


def _message_json(message: Any) -> dict[str, Any]:
    content = message.content
    return {
        "role": str(getattr(message.role, "value", message.role)),
        "content": content
        if isinstance(content, str)
        else [_part_json(p) for p in content],
        "trusted": message.trusted,
        "name": message.name,
        "meta": _meta_json(message.meta),
    }


def _meta_json(meta: Mapping[str, Any]) -> dict[str, Any]:
    calls = meta.get("tool_calls")
    fields = to_plain({key: meta[key] for key in meta if key != "tool_calls"})
    if calls is not None:
        fields["tool_calls"] = [
            to_plain(call) if isinstance(call, Mapping) else read_call(call)
            for call in calls
        ]
    return dict(fields)


def _part_json(part: Any) -> dict[str, Any]:
    names = ("text", "data", "url", "media_type", "filename")
    fields = {name: getattr(part, name) for name in names if hasattr(part, name)}
    return {"type": part.kind, **fields}
