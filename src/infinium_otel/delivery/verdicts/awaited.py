"""A delivered run whose interpretation is awaited."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
MAX_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class AwaitedRun:
    """What is remembered of a delivered run until it is judged.

    Args:
        key: the idempotency key of its task.
        result_id: the service's id of it.
        trace_id: the run's OpenTelemetry trace, 32 hex digits.
        span_id: its root span, 16 hex digits.
        agent: the agent's name; empty if unknown.
        delivered_s: seconds since the epoch.
        polls: requests for its result so far.
    """

    key: str
    result_id: str
    trace_id: str
    span_id: str
    agent: str
    delivered_s: float
    polls: int = 0


def describe_run(
    key: str, body: bytes, data: Any, delivered_s: float
) -> AwaitedRun | None:
    """The run that was delivered with *body*.

    Args:
        key: the idempotency key.
        body: the JSON of its task.
        data: the JSON object of the service's response.
        delivered_s: seconds since the epoch.

    Returns:
        None if the service gave no id, or the task has no trace: its verdict could
        neither be fetched nor be placed.
    """
    given = data if isinstance(data, dict) else {}
    result_id = given.get("traceId") or given.get("id")
    try:
        tags = json.loads(body)["environment"]["custom_tags"]
        trace_id, span_id = tags["otel.trace_id"], tags["otel.root_span_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_placed = _matches(_TRACE_ID, trace_id) and _matches(_SPAN_ID, span_id)
    if not (is_placed and isinstance(result_id, str) and result_id):
        return None
    agent = tags.get("gen_ai.agent.name")
    agent = agent[:MAX_AGENT_LENGTH] if isinstance(agent, str) else ""
    return AwaitedRun(key, result_id, trace_id, span_id, agent, delivered_s)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    is_id = isinstance(value, str) and pattern.fullmatch(value) is not None
    return is_id and value.strip("0") != ""
