"""A task in a few lines, for golden files that a person can read and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel import task_to_dict

if TYPE_CHECKING:
    from infinium_otel import TaskData

LENGTH = 100


def outline(task: TaskData) -> list[str]:
    """Name, question, steps in order, errors, totals and answer; no ids and times."""
    wire = task_to_dict(task)
    lines = [
        f"TASK {wire['name']}",
        f"  in: {_short(wire.get('input_summary'))}",
        *(_step(step) for step in wire.get("steps", ())),
        *(f"  error: {_error(error)}" for error in wire.get("errors", ())),
        f"  usage: {_usage(wire.get('llm_usage'))}",
        f"  out: {_short(wire.get('output_summary'))}",
    ]
    if wire["environment"]["custom_tags"].get("otel.incomplete"):
        lines.append("  incomplete")
    return lines


def _step(step: dict[str, Any]) -> str:
    line = f"  {step['step_number']}. {step['action']}: {_short(step['description'])}"
    if step.get("llm_call"):
        line += f" {_call(step['llm_call'])}"
    shown = (step.get("input_preview"), step.get("output_preview"))
    return f"{line} | {_short(shown[0])} -> {_short(shown[1])}"


def _call(call: dict[str, Any]) -> str:
    tokens = f"{call.get('prompt_tokens', '?')}/{call.get('completion_tokens', '?')}"
    return f"[{call['model']}, {call.get('provider', '?')}, {tokens}]"


def _error(error: dict[str, Any]) -> str:
    after = "recovered" if error["recoverable"] else "fatal"
    return f"{error['error_type']} ({after}): {_short(error['message'])}"


def _usage(usage: dict[str, Any] | None) -> str:
    if usage is None:
        return "none"
    tokens = f"{usage.get('prompt_tokens', '?')}/{usage.get('completion_tokens', '?')}"
    return f"{tokens} in {usage.get('api_calls_count', '?')} calls"


def _short(text: str | None) -> str:
    if text is None:
        return "-"
    line = " ".join(text.split())
    return line if len(line) <= LENGTH else line[:LENGTH] + "…"
