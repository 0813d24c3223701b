"""agentix's own objects as our records, by the names of their attributes.

Nothing of agentix is imported: any object of that shape will do.
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
from infinium_otel.models.spans import plain


def message_from(message: Any) -> Message:
    """Our record of an `agentix.Message`."""
    return message_of(_message(message))


def outcome_from(outcome: Any) -> AgentOutcome:
    """Our record of an `agentix.AgentOutcome`; a live `parsed` becomes its JSON."""
    return outcome_of(
        {
            "status": outcome.status,
            "answer": outcome.answer,
            "parsed": parsed_from(outcome.parsed),
            "reason": outcome.reason,
            "steps": outcome.steps,
            "tokens_used": outcome.tokens_used,
            "cost_usd": outcome.cost_usd,
            "transcript": [_message(message) for message in outcome.transcript],
            "pending": [
                {"call": call_from(waiting.call), "reason": waiting.reason}
                for waiting in outcome.pending
            ],
        }
    )


def parsed_from(parsed: Any) -> Any:
    """A validated answer as JSON: what a Pydantic model dumps, fields, or its text."""
    dumped = getattr(parsed, "model_dump", None)
    return plain(dumped(mode="json") if callable(dumped) else parsed)


def call_from(call: Any) -> dict[str, Any]:
    """The JSON of an `agentix.ToolCall`."""
    return {"name": call.name, "args": plain(call.args), "id": call.id}


def _message(message: Any) -> dict[str, Any]:
    content = message.content
    return {
        "role": str(getattr(message.role, "value", message.role)),
        "content": content if isinstance(content, str) else [_part(p) for p in content],
        "trusted": message.trusted,
        "name": message.name,
        "meta": _meta(message.meta),
    }


def _meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    calls = meta.get("tool_calls")
    told = plain({key: meta[key] for key in meta if key != "tool_calls"})
    if calls is not None:
        told["tool_calls"] = [
            plain(call) if isinstance(call, Mapping) else call_from(call)
            for call in calls
        ]
    return dict(told)


def _part(part: Any) -> dict[str, Any]:
    names = ("text", "data", "url", "media_type", "filename")
    said = {name: getattr(part, name) for name in names if hasattr(part, name)}
    return {"type": part.kind, **said}
