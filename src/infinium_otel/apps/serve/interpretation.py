"""A summary of a task, in place of Infinium's interpretation.

It only counts and quotes, and has what fixed rules found; a note in it makes that clear, so that it is not mistaken for
the service's grade.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.task_row import as_mapping, as_objects, as_text
from infinium_otel.delivery.verdicts.reading import LOCAL
from infinium_otel.taskdata.tree_text import format_cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.apps.serve.task_row import TaskRow

NOTE = (
    "Computed on this machine by `infinium-otel serve`. "
    "It is not Infinium's interpretation and contains no grade."
)
RULES_NOTE = (
    "`rules` has what the rules in a file on this machine found: "
    "fixed conditions, nothing is learned or judged."
)
MOST_TOOLS = 5


def interpret(
    task: Mapping[str, Any],
    row: TaskRow,
    rules: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the `interpretedTraceResult` of *task*.

    Args:
        rules: what the server's rules found; None if there were none.
    """
    return {
        "source": LOCAL,
        "local": True,
        "note": NOTE if rules is None else f"{NOTE} {RULES_NOTE}",
        **({} if rules is None else {"rules": dict(rules)}),
        "summary": summarize(task, row),
        "facts": asdict(row),
        "objective": as_text(
            as_mapping(task.get("expected_outcome")).get("task_objective")
        )
        or None,
        "errors": [
            {key: error.get(key) for key in ("error_type", "message", "recoverable")}
            for error in as_objects(task.get("errors"))
        ],
    }


def summarize(task: Mapping[str, Any], row: TaskRow) -> str:
    """Describe a task in a few sentences."""
    parts = [
        f"{row.name} took {row.duration_s:g} s in {_pluralize(row.steps, 'step')}."
    ]
    if row.llm_calls:
        parts.append(_describe_calls(row))
    tools = Counter(
        as_text(as_mapping(step.get("tool_call")).get("tool_name"))
        for step in as_objects(task.get("steps"))
        if as_mapping(step.get("tool_call"))
    )
    if tools:
        parts.append(_describe_tools(tools))
    parts.append(
        f"{_pluralize(row.errors, 'error')}."
        if row.errors
        else "No error was recorded."
    )
    if row.incomplete:
        parts.append("Parts of the run are missing.")
    return " ".join(parts)


def _describe_calls(row: TaskRow) -> str:
    sentence = _pluralize(row.llm_calls, "LLM call")
    if row.models:
        sentence += " to " + ", ".join(row.models)
    if row.total_tokens is not None:
        sentence += f", {_pluralize(row.total_tokens, 'token')}"
    if row.cost_usd is not None:
        sentence += f", about {format_cost(row.cost_usd, sign='')} USD"
    return sentence + "."


def _describe_tools(tools: Counter[str]) -> str:
    named = [
        f"{name} ({times})" if times > 1 else name
        for name, times in tools.most_common(MOST_TOOLS)
    ]
    more = len(tools) - len(named)
    if more:
        named.append(f"{more} more")
    return f"{_pluralize(sum(tools.values()), 'tool call')}: {', '.join(named)}."


def _pluralize(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"
