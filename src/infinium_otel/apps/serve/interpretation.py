"""A summary of a task from its facts, in the place of Infinium's interpretation.

It counts and quotes, and judges nothing: it says so itself, so that nobody takes it for
the service's judge.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.facts import mapping, objects, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.apps.serve.facts import Facts

NOTE = (
    "Computed from the facts on this machine by `infinium-otel serve`. "
    "It is not Infinium's interpretation and holds no grade."
)
MOST_TOOLS = 5


def interpret(task: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """What stands under `interpretedTraceResult` for *task*."""
    return {
        "source": "infinium-otel serve",
        "local": True,
        "note": NOTE,
        "summary": summary(task, facts),
        "facts": asdict(facts),
        "objective": text(mapping(task.get("expected_outcome")).get("task_objective"))
        or None,
        "errors": [
            {key: error.get(key) for key in ("error_type", "message", "recoverable")}
            for error in objects(task.get("errors"))
        ],
    }


def summary(task: Mapping[str, Any], facts: Facts) -> str:
    """The facts in a few sentences."""
    parts = [
        f"{facts.name} took {facts.duration_s:g} s in {_number(facts.steps, 'step')}."
    ]
    if facts.llm_calls:
        parts.append(_calls(facts))
    tools = Counter(
        text(mapping(step.get("tool_call")).get("tool_name"))
        for step in objects(task.get("steps"))
        if mapping(step.get("tool_call"))
    )
    if tools:
        parts.append(_tools(tools))
    parts.append(
        f"{_number(facts.errors, 'error')}."
        if facts.errors
        else "No error was recorded."
    )
    if facts.incomplete:
        parts.append("Parts of the run are missing.")
    return " ".join(parts)


def _calls(facts: Facts) -> str:
    said = _number(facts.llm_calls, "LLM call")
    if facts.models:
        said += " to " + ", ".join(facts.models)
    if facts.total_tokens is not None:
        said += f", {_number(facts.total_tokens, 'token')}"
    if facts.cost_usd is not None:
        said += f", about {facts.cost_usd:.4f} USD"
    return said + "."


def _tools(tools: Counter[str]) -> str:
    named = [
        f"{name} ({times})" if times > 1 else name
        for name, times in tools.most_common(MOST_TOOLS)
    ]
    more = len(tools) - len(named)
    if more:
        named.append(f"{more} more")
    return f"{_number(sum(tools.values()), 'tool call')}: {', '.join(named)}."


def _number(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"
