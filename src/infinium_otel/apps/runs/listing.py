"""The list of runs as lines: one run each, in columns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata.tree_text import Part, cut, format_cost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from infinium_otel.taskdata.tree_text import Line

NAME_WIDTH = 20
ID_LENGTH = 8
"""Characters of an id that are shown; `show` finds a run by its beginning."""
HEADINGS = (
    "ended",
    "id",
    "run",
    "result",
    "took",
    "steps",
    "tokens",
    "cost",
    "question",
)
WIDTHS = (10, ID_LENGTH, NAME_WIDTH, 10, 8, 5, 9, 9, 0)
RIGHT = {"took", "steps", "tokens", "cost"}


def draw_heading() -> Line:
    """The names of the columns."""
    return _align([(heading, "faint") for heading in HEADINGS])


def draw_row(row: Mapping[str, Any], today: date, *, is_cut: bool) -> Line:
    """One run: when it ended in local time, its id, name, result, figures, question.

    Args:
        row: of the list, as the server's API has it.
        today: the local day, of which only the times are shown.
        is_cut: whether a long name is cut, so that the columns are aligned.
    """
    result, style = describe_result(row)
    name = _to_line(row["name"])
    return _align(
        [
            (format_time(row["ended_ms"], today), "faint"),
            (str(row["trace_id"])[:ID_LENGTH], "faint"),
            (cut(name, NAME_WIDTH) if is_cut else name, "name"),
            (result, style),
            (format_seconds(row["duration_s"]), ""),
            (str(row["steps"]), ""),
            (_format_count(row["total_tokens"]), ""),
            (_format_cost(row["cost_usd"]), ""),
            (_to_line(row["question"]), ""),
        ]
    )


def describe_result(row: Mapping[str, Any]) -> tuple[str, str]:
    """How a run ended, in a word, and the style for it."""
    if row.get("open"):
        return "running", "name"
    if row["fatal"]:
        return "failed", "bad"
    if row["incomplete"]:
        return "incomplete", "bad"
    return ("recovered", "good") if row["errors"] else ("ok", "good")


def format_time(ended_ms: int, today: date) -> str:
    """The local time, such as `12:00:00`, or another day, such as `2026-01-31`."""
    try:
        local = datetime.fromtimestamp(ended_ms / 1000).astimezone()
    except (OverflowError, OSError, ValueError):
        return "?"
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d")


def format_seconds(seconds: float) -> str:
    """A duration, such as `0.25 s` or `12:05 min`."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,}:{rest:02d} min"


def _format_count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _format_cost(cost: float | None) -> str:
    return "" if cost is None else format_cost(cost)


def _to_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _align(cells: Sequence[tuple[str, str]]) -> Line:
    parts = []
    for (text, style), heading, width in zip(cells, HEADINGS, WIDTHS, strict=True):
        aligned = text.rjust(width) if heading in RIGHT else text.ljust(width)
        parts.append(Part(aligned + "  ", style))
    return tuple(parts)
