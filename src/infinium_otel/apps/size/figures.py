"""What was measured, and with which command: `docs/explanation/scale.md` has the same."""

from __future__ import annotations

from dataclasses import dataclass

BENCHMARK = "PYTHONPATH=tests python tests/benchmarks/consume.py"
ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a size is computed from.

    Args:
        value: the number.
        meaning: what it is, with its unit.
        source: the command that measured it, or "assumed".
    """

    value: float
    meaning: str
    source: str


CPU_OF_10_US = Figure(289, "µs of CPU a span in runs of 10 spans", BENCHMARK)
CPU_OF_100_US = Figure(204, "µs of CPU a span in runs of 100 spans", BENCHMARK)
IDLE_MIB = Figure(90, "MiB of a consumer without open runs", BENCHMARK)
OPEN_RUNS = 100_000
OPEN_MIB = Figure(344, f"MiB with {OPEN_RUNS:,} open runs of one small span", BENCHMARK)
REQUESTS = Figure(
    1.1, "requests a run, at most", "pytest tests/apps/consume/test_group.py"
)
USED = Figure(
    0.5, "of a core and of its requests planned for each: it must catch up", ASSUMED
)
PARTITIONS = Figure(3, "partitions for each consumer: hard to change later", ASSUMED)
