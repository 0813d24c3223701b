"""The ratios as an SVG: ours to each peer's, with the goals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goals import GOALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from measuring import Measured, Spread

TITLES = {
    "application": "start and end of a span",
    "event_loop": "event loop's 99th percentile",
    "worker": "delivered",
    "client": "a task from its spans",
    "translate": "OTLP bytes to task",
}
WORSE, BETTER, GOAL = "#b4502f", "#2f7d5b", "#444444"


@dataclass(frozen=True)
class Bar:
    """One row of the chart; *most* is its goal."""

    title: str
    ratio: Spread
    most: float | None

    @property
    def label(self) -> str:
        """The ratio, as it is printed beside the bar."""
        return f"{self.ratio.median:.2g} x"


def make_bars(benchmarks: Mapping[str, Measured]) -> Iterator[Bar]:
    """A bar for each peer, and for the average of mapping, from the top."""
    goals = {(goal.benchmark, goal.name): goal.most for goal in GOALS}
    for name, title in TITLES.items():
        found = benchmarks[name]
        for peer, ratio in found.ratios.items():
            if peer != "nothing":
                yield Bar(f"{title}, to {peer}", ratio, goals.get((name, peer)))
    for part in ("average", "worst library"):
        ratio = benchmarks["mapping"].figures[part]
        title = f"mapping, to OTLP's encode and gzip, {part}"
        yield Bar(title, ratio, goals["mapping", part])


def draw(benchmarks: Mapping[str, Measured], path: Path) -> None:
    """Write the chart; equal results give equal files."""
    import matplotlib as mpl  # noqa: PLC0415 - of this environment only

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "infinium-otel"})
    mpl.rcParams.update({"font.family": "sans-serif", "font.size": 9})
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend

    bars = list(make_bars(benchmarks))
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(bars) + 0.9))
    for row, bar in enumerate(bars):
        middle, colour = bar.ratio.median, WORSE if bar.ratio.median > 1 else BETTER
        axes.barh(row, middle - 1, left=1, color=colour, height=0.62)
        axes.plot([bar.ratio.low, bar.ratio.high], [row, row], color="black", lw=1)
        if bar.most is not None:
            axes.plot([bar.most, bar.most], [row - 0.42, row + 0.42], color=GOAL, lw=2)
        axes.text(30, row, bar.label, va="center", ha="right")
    axes.set(xscale="log", xlim=(0.004, 32), ylim=(len(bars) - 0.5, -0.5))
    axes.set_yticks(range(len(bars)), [bar.title for bar in bars])
    axes.set_xticks([0.01, 0.1, 1, 10], ["0.01 x", "0.1 x", "1 x", "10 x"])
    axes.axvline(1, color="black", lw=0.8)
    axes.set_xlabel("ours to the peer's, in the same run; grey: the goal")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
