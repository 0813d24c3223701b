"""Write the pages of the documentation whose numbers are measured.

    python tests/benchmarks/page.py

`pages/` has their texts, with places for the numbers of `results.json`:

    [[worker: ours]]                the median of a figure
    [[worker / Phoenix]]            the median of ours to a peer's
    [[taken: python]]               about the measurement
    [[table goals]]                 a table, of `TABLES`

A test fails while a page is not what this program writes.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet import HEADER, STAGES, Fleet, make_rows, read_costs
from goals import check
from measuring import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from measuring import Measured

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGES = HERE / "pages"
TARGET = HERE.parents[1] / "docs" / "explanation"
PLACE = re.compile(r"\[\[([^\]]+)\]\]")
LENGTHS = (10, 100, 1_000, 10_000, 100_000)
FLEET_SPANS_PER_SECOND, FLEET_SPANS = 1e6, 10
NOTE = """
<!-- Made by tests/benchmarks/page.py from tests/benchmarks/pages and results.json. -->
"""

Benchmarks = dict[str, "Measured"]


def show(value: float) -> str:
    """A number with as many digits as were measured."""
    if value >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.0f}"
        if value >= 10
        else f"{value:.1f}"
        if value >= 1
        else f"{value:.2g}"
    )


def make_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def make_goals(benchmarks: Benchmarks) -> str:
    rows = []
    for outcome in check(benchmarks):
        goal = outcome.goal
        value, unit = outcome.value, f" {goal.unit}" if goal.unit else ""
        found = "not measured" if value is None else f"{show(value)}{unit}"
        verdict = "met" if outcome.is_met else outcome.reason
        if outcome.factor is not None and not outcome.is_met:
            verdict = f"missed by a factor of {outcome.factor:.2g}"
        rows.append((goal.title, found, f"{goal.most:g}{unit}", verdict))
    return make_table(("quantity", "measured", "goal", ""), rows)


def make_peers(benchmarks: Benchmarks) -> str:
    found = benchmarks["worker"]
    rows = [
        (name, f"{show(figure.median)} µs", _show_ratio(found, name))
        for name, figure in found.figures.items()
    ]
    return make_table(("", "CPU of a span", "ours to that"), rows)


def _show_ratio(found: Measured, name: str) -> str:
    return show(found.ratios[name].median) if name in found.ratios else ""


def make_stages(benchmarks: Benchmarks) -> str:
    figures = benchmarks["stages"].figures
    rows = []
    for length in LENGTHS:
        values = [
            figures[f"{stage}, {length:,} spans a run"].median for stage in STAGES
        ]
        rows.append((f"{length:,}", *map(show, values), show(sum(values))))
    return make_table(("spans a run", *STAGES, "in all"), rows)


def make_open_runs(benchmarks: Benchmarks) -> str:
    figures = benchmarks["open_runs"].figures
    parts = ("a further span", "looking for due runs", "finding the offset", "MiB")
    rows = [
        (
            f"{size:,}",
            *(show(figures[f"{part}, {size:,} open"].median) for part in parts),
        )
        for size in LENGTHS
    ]
    header = ("open runs", "a further span, µs", "looking for due runs, µs")
    return make_table((*header, "finding the offset, µs", "memory, MiB"), rows)


def make_fleet(_: Benchmarks) -> str:
    cpu_us = sum(read_costs(RESULTS, FLEET_SPANS).values())
    return make_table(HEADER, make_rows(FLEET_SPANS_PER_SECOND, FLEET_SPANS, cpu_us))


def make_cores(_: Benchmarks) -> str:
    costs = read_costs(RESULTS, FLEET_SPANS)
    cores = [show(us * FLEET_SPANS_PER_SECOND / 1e6) for us in costs.values()]
    return make_table(("stage", *costs), [("cores", *cores)])


TABLES: dict[str, Callable[[Benchmarks], str]] = {
    "goals": make_goals,
    "peers": make_peers,
    "stages": make_stages,
    "open runs": make_open_runs,
    "fleet": make_fleet,
    "cores": make_cores,
}


def describe_fleet() -> dict[str, str]:
    """The numbers of the simulated fleet that the text names."""
    cpu_us = sum(read_costs(RESULTS, FLEET_SPANS).values())
    fleet = Fleet(FLEET_SPANS_PER_SECOND, FLEET_SPANS, cpu_us)
    return {
        "consumers": f"{len(fleet.consumers):,}",
        "partitions": f"{len(fleet.partitions):,}",
        "used": f"{fleet.used:.0%}".replace("%", " %"),
        "cores": f"{FLEET_SPANS_PER_SECOND * cpu_us / 1e6:,.0f}",
    }


def render(text: str, document: dict[str, Any]) -> str:
    """Fill the places in *text*.

    Raises:
        KeyError: a place names nothing that was measured.
    """
    benchmarks = read_document(document)
    taken = document["taken"]
    about = {"taken": taken, "packages": taken["packages"]}
    if "[[fleet: " in text:
        about["fleet"] = describe_fleet()
    return PLACE.sub(lambda found: _fill(found[1], benchmarks, about), text) + NOTE


def _fill(place: str, benchmarks: Benchmarks, about: dict[str, dict[str, Any]]) -> str:
    if place.startswith("table "):
        return TABLES[place.removeprefix("table ")](benchmarks)
    if " / " in place:
        name, peer = place.split(" / ")
        return show(benchmarks[name].ratios[peer].median)
    name, part = place.split(": ")
    if name in about:
        return str(about[name][part])
    return show(benchmarks[name].figures[part].median)


def render_all() -> Iterator[tuple[Path, str]]:
    """Each page, and what it should be."""
    document = json.loads(RESULTS.read_text("utf-8"))
    for source in sorted(PAGES.glob("*.md")):
        yield TARGET / source.name, render(source.read_text("utf-8"), document)


def main() -> int:
    for path, text in render_all():
        path.write_text(text, "utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
