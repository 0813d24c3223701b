"""A run as a tree of text, for terminals, test failures and snapshots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH = 100
"""Characters of a line, unless the caller names another width."""
MIN_WIDTH = 20
MAX_DEPTH = 20
"""Levels of steps; what is nested deeper is drawn in the last of them."""
FACTS_WIDTH = 40
"""Characters that the facts behind a step may take from its text, at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line: its text, and a style: "", "name", "faint", "good" or "bad"."""

    text: str
    style: str = ""


Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """What a tree contains.

    Args:
        times: when the run began, and how long it and each step took.
        cost: the cost, which changes with the prices known to this installation.
        ids: the ids of the trace and of each step's span.
        texts: the input and output, of the run and of each step.
        in_order: False sorts neighbouring tool calls, for agents that call in parallel.
        width: characters of a line; longer lines are cut.
    """

    times: bool = False
    cost: bool = False
    ids: bool = False
    texts: bool = True
    in_order: bool = True
    width: int = WIDTH


def draw_tree(task: Mapping[str, Any], options: TreeOptions) -> list[Line]:
    """Draw *task*, the JSON object of a task, as lines.

    Members that are missing or of the wrong type are left out.
    """
    lines = [_draw_head(task, options)]
    lines += _draw_text("input", task.get("input_summary"), options)
    lines += _draw_level(_arrange(task), "", options, _Numbers(options.in_order))
    lines += _draw_text("output", task.get("output_summary"), options)
    lines.append((Part("└─ ", "faint"), Part(describe_totals(task, options))))
    return [_cut_line(line, max(options.width, MIN_WIDTH)) for line in lines]


def to_plain_text(lines: Sequence[Line]) -> str:
    """The lines as one text, without styles and without a line end at the end."""
    return "\n".join("".join(part.text for part in line).rstrip() for line in lines)


def describe_tool_call(step: Mapping[str, Any]) -> str:
    """A step's tool with its arguments, such as `get_weather({"city":"Paris"})`."""
    call = _as_mapping(step.get("tool_call"))
    arguments = _to_line(call.get("input_summary"))
    return f"{_to_line(call.get('tool_name')) or 'unnamed tool'}({arguments})"


def describe_totals(task: Mapping[str, Any], options: TreeOptions) -> str:
    """Model calls, tool calls, errors, tokens and, if wanted, cost; as one line."""
    steps = _as_objects(task.get("steps"))
    usage = _as_mapping(task.get("llm_usage"))
    calls = sum(1 for step in steps if _as_mapping(step.get("llm_call")))
    tools = sum(1 for step in steps if _as_mapping(step.get("tool_call")))
    parts = [
        _count(_as_count(usage.get("api_calls_count")) or calls, "model call"),
        _count(tools, "tool call"),
        _count(len(_as_objects(task.get("errors"))), "error"),
    ]
    if tokens := _describe_tokens(usage, "+"):
        parts.append(tokens)
    cost: Any = usage.get("estimated_cost_usd")
    if options.cost and _is_number(cost):
        parts.append(format_cost(cost))
    return "total: " + ", ".join(parts)


def format_cost(cost: float, *, sign: str = "$") -> str:
    """*cost* in US dollars with four digits; a cost below that is not shown as none."""
    return f"<{sign}0.0001" if 0 < cost < 0.00005 else f"{sign}{cost:,.4f}"


@dataclass(frozen=True, slots=True)
class _Branch:
    """A step, the steps below it, and how many are above it."""

    step: Mapping[str, Any]
    depth: int
    below: list[_Branch]


class _Numbers:
    """The numbers of steps: their own, or those of the order in which they are drawn."""

    def __init__(self, in_order: bool) -> None:  # noqa: FBT001 - private
        self.in_order = in_order
        self._drawn = 0

    def get(self, step: Mapping[str, Any]) -> str:
        self._drawn += 1
        own = _as_count(step.get("step_number")) if self.in_order else None
        return str(self._drawn if own is None else own)


def _arrange(task: Mapping[str, Any]) -> list[_Branch]:
    """The steps as a tree: each below the step of its parent span, if there is one.

    A parent comes first in a task, so no input makes a cycle.
    """
    by_span: dict[str, _Branch] = {}
    top: list[_Branch] = []
    for step in _as_objects(task.get("steps")):
        parent = _as_mapping(step.get("metadata")).get("otel.parent_span_id")
        above = by_span.get(parent) if isinstance(parent, str) else None
        branch = _Branch(step, above.depth + 1 if above else 0, [])
        (above.below if above else top).append(branch)
        # Below the deepest level, all steps are siblings.
        holder = above if above and branch.depth == MAX_DEPTH else branch
        by_span.setdefault(_get_span_id(step), holder)
        by_span.pop("", None)
    return top


def _get_span_id(step: Mapping[str, Any]) -> str:
    span_id = _as_mapping(step.get("metadata")).get("otel.span_id")
    return span_id if isinstance(span_id, str) else ""


def _draw_head(task: Mapping[str, Any], options: TreeOptions) -> Line:
    parts = [Part(_to_line(task.get("name")) or "unnamed run", "name")]
    errors = _as_objects(task.get("errors"))
    if any(error.get("recoverable") is not True for error in errors):
        parts.append(Part("  failed", "bad"))
    tags = _as_mapping(_as_mapping(task.get("environment")).get("custom_tags"))
    if str(tags.get("otel.incomplete")).lower() == "true":
        parts.append(Part("  incomplete", "bad"))
    duration = task.get("duration")
    if options.times and _is_number(duration):
        parts.append(Part(f"  {duration:.2f} s", "faint"))
    sections = _as_mapping(task.get("sections"))
    began = _as_mapping(sections.get("time_tracking")).get("start_time")
    if options.times and isinstance(began, str):
        parts.append(Part(f"  {_to_line(began)}", "faint"))
    if options.ids and isinstance(tags.get("otel.trace_id"), str):
        parts.append(Part(f"  trace {_to_line(tags['otel.trace_id'])}", "faint"))
    return tuple(parts)


def _draw_text(name: str, text: Any, options: TreeOptions) -> Iterator[Line]:
    line = _to_line(text)
    if options.texts and line:
        yield (Part(f"│  {name}: ", "faint"), Part(line))


def _draw_level(
    branches: list[_Branch], indent: str, options: TreeOptions, numbers: _Numbers
) -> Iterator[Line]:
    for branch in branches if options.in_order else _sort_tools(branches):
        yield _draw_step(branch.step, indent, options, numbers)
        bar = f"{indent}│  "
        yield from _draw_details(branch.step, bar, options)
        yield from _draw_level(branch.below, bar, options, numbers)


def _sort_tools(branches: list[_Branch]) -> list[_Branch]:
    """Sort each row of tool calls that no other step separates."""
    ordered: list[_Branch] = []
    row: list[_Branch] = []
    for branch in branches:
        if _as_mapping(branch.step.get("tool_call")):
            row.append(branch)
            continue
        ordered += sorted(row, key=_to_sort_key)
        ordered.append(branch)
        row = []
    return ordered + sorted(row, key=_to_sort_key)


def _to_sort_key(branch: _Branch) -> tuple[str, str]:
    return describe_tool_call(branch.step), str(branch.step.get("output_preview"))


def _draw_step(
    step: Mapping[str, Any], indent: str, options: TreeOptions, numbers: _Numbers
) -> Line:
    start = Part(f"{indent}├─ ", "faint")
    number = Part(f"{numbers.get(step)}. ", "faint")
    facts = "  ".join(_list_facts(step, options))
    room = max(options.width, MIN_WIDTH) - len(start.text + number.text)
    if facts:
        room -= min(len(facts), FACTS_WIDTH) + 2
    text = Part(cut(_describe(step, options), max(room, 1)))
    return (start, number, text, *([Part(f"  {facts}", "faint")] if facts else []))


def _describe(step: Mapping[str, Any], options: TreeOptions) -> str:
    """What was done; the message of its error is on a line of its own."""
    if _as_mapping(step.get("tool_call")):
        tool = describe_tool_call(step)
        return "Called " + (tool if options.texts else tool.partition("(")[0])
    text = _to_line(step.get("description")) or "unnamed step"
    message = _to_line(_find_error(step).get("message"))
    return text.removesuffix(f": {message}") if message else text


def _list_facts(step: Mapping[str, Any], options: TreeOptions) -> Iterator[str]:
    took: Any = step.get("duration_ms")
    if options.times and _is_number(took):
        yield f"{took / 1000:.2f} s" if took >= 1000 else f"{took:.0f} ms"
    if tokens := _describe_tokens(_as_mapping(step.get("llm_call")), "→"):
        yield tokens
    cost: Any = _as_mapping(step.get("metadata")).get("cost_usd")
    if options.cost and _is_number(cost):
        yield format_cost(cost)
    if options.ids and _get_span_id(step):
        yield f"span {_to_line(_get_span_id(step))}"


def _draw_details(
    step: Mapping[str, Any], indent: str, options: TreeOptions
) -> Iterator[Line]:
    bar = Part(f"{indent}   ", "faint")
    error = _find_error(step)
    if error:
        kind, message = _to_line(error.get("error_type")), error.get("message")
        recovered = " (recovered)" if error.get("recoverable") is True else ""
        text = ": ".join(filter(None, (kind, _to_line(message)))) or "failed"
        yield (bar, Part(f"✗ {text}{recovered}", "bad"))
    output = _to_line(step.get("output_preview"))
    if options.texts and output and not error:
        yield (bar, Part(f"→ {output}"))


def _find_error(step: Mapping[str, Any]) -> Mapping[str, Any]:
    own = _as_mapping(step.get("error"))
    return own or _as_mapping(_as_mapping(step.get("tool_call")).get("error"))


def _describe_tokens(usage: Mapping[str, Any], sign: str) -> str:
    """Tokens in and out, such as `412 → 22 tokens`; "" if neither is known."""
    known = [
        _as_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens")
    ]
    if known == [None, None]:
        return ""
    shown = ["?" if count is None else f"{count:,}" for count in known]
    return f"{shown[0]} {sign} {shown[1]} tokens"


def _cut_line(line: Line, width: int) -> Line:
    kept: list[Part] = []
    for part in line:
        text = cut(part.text, width)
        kept.append(Part(text, part.style))
        width -= len(text)
        if width <= 0:
            break
    return tuple(kept)


def cut(text: str, width: int) -> str:
    """*text* in at most *width* characters; "…" marks a cut."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _to_line(value: Any) -> str:
    """A text as one line, without characters that would control a terminal."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value.split())
    return "".join(each if each.isprintable() else "\ufffd" for each in line)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _as_count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _as_objects(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, Mapping)]
