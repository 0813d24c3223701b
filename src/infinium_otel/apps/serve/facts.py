"""The facts of one task that the list shows, the filters use and the search finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.checks import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST = 2**53
"""Larger numbers than JavaScript can count to are no counts."""

MAX_WORDS = 65_536
"""Characters of one task that the search knows."""

AGENT_TAGS = ("gen_ai.agent.name", "agent", "service.name", "otel.service.name")
"""Tags that name the agent, the most telling first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one task comes to; None is unknown, never zero.

    Args:
        agent: the agent's name, else the framework's, else the agent id.
        ended_ms: when the run ended, ms since the epoch.
        models: every model that was called, each once, in order.
        otel_trace_id: the trace it was made of; None if it came without one.
        incomplete: parts of the run are known to be missing.
    """

    name: str
    agent: str
    ended_ms: int
    duration_s: float
    steps: int
    llm_calls: int
    tool_calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cost_usd: float | None
    errors: int
    models: tuple[str, ...]
    otel_trace_id: str | None
    incomplete: bool


def facts_of(task: Mapping[str, Any], agent_id: str) -> Facts:
    """The facts of *task*, the JSON object of a task that passed the checks."""
    steps = objects(task.get("steps"))
    usage = mapping(task.get("llm_usage"))
    tags = mapping(mapping(task.get("environment")).get("custom_tags"))
    prompt, completion = (
        count(usage.get("prompt_tokens")),
        count(usage.get("completion_tokens")),
    )
    ended = moment(task["current_datetime"])
    return Facts(
        name=clean(task["name"]),
        agent=clean(_agent(task, tags) or agent_id),
        ended_ms=round(ended.timestamp() * 1000) if ended else 0,
        duration_s=float(task["duration"]),
        steps=len(steps),
        llm_calls=_llm_calls(steps, usage),
        tool_calls=sum(1 for step in steps if mapping(step.get("tool_call"))),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_total(count(usage.get("total_tokens")), prompt, completion),
        cost_usd=_money(usage.get("estimated_cost_usd")),
        errors=_errors(task, steps),
        models=tuple(dict.fromkeys(_models(steps, usage))),
        otel_trace_id=clean(text(tags.get("otel.trace_id"))) or None,
        incomplete=text(tags.get("otel.incomplete")).lower() == "true",
    )


def words_of(task: Mapping[str, Any], facts: Facts) -> str:
    """Every text of *task* worth searching, cut to a bound."""
    words = "\n".join(
        [
            *(facts.name, facts.agent, facts.otel_trace_id or "", *facts.models),
            *(text(task.get(key)) for key in ("description",)),
            *(text(task.get(key)) for key in ("input_summary", "output_summary")),
            *_error_texts(objects(task.get("errors"))),
            *_step_texts(objects(task.get("steps"))),
        ]
    )
    return clean(words[:MAX_WORDS])


def mapping(value: Any) -> Mapping[str, Any]:
    """*value* if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects in *value*, a list or anything else."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def text(value: Any) -> str:
    """*value* if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """*value* if it is a believable count, else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= LARGEST else None


def clean(value: str) -> str:
    """*value* as UTF-8 can hold it: JSON may name half a character."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _agent(task: Mapping[str, Any], tags: Mapping[str, Any]) -> str:
    named = [text(tags.get(tag)).strip() for tag in AGENT_TAGS]
    framework = text(mapping(task.get("environment")).get("framework")).strip()
    return next((name for name in (*named, framework) if name), "")


def _llm_calls(steps: list[Mapping[str, Any]], usage: Mapping[str, Any]) -> int:
    seen = sum(1 for step in steps if mapping(step.get("llm_call")))
    return max(seen, count(usage.get("api_calls_count")) or 0)


def _total(total: int | None, prompt: int | None, completion: int | None) -> int | None:
    if total is not None or (prompt is None and completion is None):
        return total
    return (prompt or 0) + (completion or 0)


def _money(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= LARGEST else None


def _errors(task: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> int:
    """How many errors: the task's own list, or the steps where that is shorter."""
    failed = sum(1 for step in steps if mapping(step.get("error")))
    return max(len(objects(task.get("errors"))), failed)


def _models(steps: list[Mapping[str, Any]], usage: Mapping[str, Any]) -> Iterator[str]:
    calls = [mapping(step.get("llm_call")) for step in steps]
    calls += objects(usage.get("calls"))
    names = [text(call.get("model")) for call in calls]
    if not any(names):
        names = [text(usage.get("model"))]
    for name in names:
        if name:
            yield clean(name)


def _error_texts(errors: list[Mapping[str, Any]]) -> Iterator[str]:
    for error in errors:
        yield text(error.get("error_type"))
        yield text(error.get("message"))


def _step_texts(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield text(step.get("description"))
        yield text(mapping(step.get("tool_call")).get("tool_name"))
        yield text(step.get("input_preview"))
        yield text(step.get("output_preview"))
