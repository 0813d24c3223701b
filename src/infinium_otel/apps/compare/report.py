"""A comparison as text and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.compare.statistics import MIN_VALUES, SIGNIFICANT

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from infinium_otel.apps.compare.figures import Comparison, Row
    from infinium_otel.apps.compare.statistics import Spread

HEAD = (
    "",
    "A: median (middle half)",
    "B: median (middle half)",
    "change",
    "conclusion",
)
NOTE = (
    "p: two-sided Mann-Whitney test, corrected for all figures (Holm); below "
    f"{SIGNIFICANT:g} counts as a difference. Fewer than {MIN_VALUES} runs on a side are "
    "too few."
)
MAX_CELL = 60


def to_text(comparison: Comparison, names: tuple[str, str]) -> str:
    """The comparison as aligned columns.

    Args:
        comparison: of the two sets.
        names: of the two sets.
    """
    rows = [HEAD, *_list_cells(comparison)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [*_describe_sets(comparison, names), ""]
    lines += [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines += ["", *_describe_more(comparison), NOTE]
    return "\n".join(lines) + "\n"


def to_markdown(comparison: Comparison, names: tuple[str, str]) -> str:
    """The comparison as a Markdown table, for a pull request."""
    rows = [HEAD, ("---",) * len(HEAD), *_list_cells(comparison)]
    lines = [f"{line}  " for line in _describe_sets(comparison, names)]
    lines += ["", *("| " + " | ".join(map(escape, row)) + " |" for row in rows), ""]
    lines += [f"- {escape(line)}" for line in _describe_more(comparison)]
    return "\n".join([*lines, "", NOTE]) + "\n"


def escape(text: str) -> str:
    """*text* as it is, in a cell of a Markdown table."""
    marks = str.maketrans({mark: f"\\{mark}" for mark in "\\|`*_<[]"})
    return text if text == "---" else text.translate(marks)


def shorten(text: str, limit: int = MAX_CELL) -> str:
    """*text* on one line that a terminal shows as it is."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _describe_sets(comparison: Comparison, names: tuple[str, str]) -> Iterator[str]:
    for letter, name, runs, models in zip(
        "AB", names, comparison.runs, comparison.models, strict=True
    ):
        of = f" of {', '.join(map(shorten, models))}" if models else ""
        yield f"{letter}: {shorten(name, 200)}, {runs} run{'s' * (runs != 1)}{of}"


def _list_cells(comparison: Comparison) -> Iterator[Sequence[str]]:
    for row in comparison.rows:
        p = f" (p {_show_p(row.p)})" if row.p is not None else ""
        yield (
            shorten(row.name),
            show_spread(row.first),
            show_spread(row.second),
            _show_change(row),
            row.conclusion + p,
        )


def show_spread(spread: Spread | None) -> str:
    """The median, and the quartiles if they differ from it."""
    if spread is None:
        return "unknown"
    shown = show_number(spread.median)
    low, high = show_number(spread.low), show_number(spread.high)
    return shown if low == high == shown else f"{shown} ({low} to {high})"


def show_number(value: float) -> str:
    """*value* with at most four significant digits, whole if it is large."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _show_change(row: Row) -> str:
    change = row.change
    if change is None or row.first is None:
        return ""
    if change == 0:
        return "same"
    shown = f"{'+' if change > 0 else '-'}{show_number(abs(change))}"
    base = row.first.median
    return f"{shown} ({change / base:+.0%})" if base > 0 else shown


def _show_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _describe_more(comparison: Comparison) -> Iterator[str]:
    for name, (first, second) in comparison.prompts.items():
        yield (
            f"prompt {shorten(name)}: A {_list_versions(first)}; "
            f"B {_list_versions(second)}"
        )
    for name, (first, second) in comparison.labels.items():
        yield f"{shorten(name)}: A {_list_labels(first)}; B {_list_labels(second)}"
    for kind, (first_count, second_count) in comparison.errors.items():
        yield f"errors {shorten(kind)}: A {first_count}; B {second_count}"


def _list_versions(versions: Counter[str]) -> str:
    found = [
        f"version {shorten(version)} in {n} run{'s' * (n != 1)}"
        for version, n in sorted(versions.items())
    ]
    return ", ".join(found) or "none"


def _list_labels(labels: Counter[str]) -> str:
    found = [f"{shorten(label)} {n}" for label, n in sorted(labels.items())]
    return ", ".join(found) or "none"
