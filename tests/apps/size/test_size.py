"""`infinium-otel size`: what a fleet needs, from what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.size import figures
from infinium_otel.apps.size.planning import (
    MIB,
    Workload,
    estimate_cpu_us,
    make_plan,
)

ROOT = Path(__file__).parents[3]


def make_load(**changes):
    values = {
        "runs_per_second": 20,
        "spans": 40,
        "seconds": 90,
        "span_bytes": 4_000,
        "request_s": 0.2,
    }
    return Workload(**values | changes)


def size(capsys, *arguments):
    assert cli.main(["size", *arguments]) == 0
    return capsys.readouterr().out


def test_what_it_prints(capsys):
    """Consumers, memory, requests, partitions, and each figure with its source."""
    out = size(capsys, "--runs-per-second", "20", "--spans", "40", "--seconds", "90")
    first, _, rest = out.partition("\n\n")
    assert first.splitlines() == [
        "Load:        800 spans a second, 1,900 runs open",
        "CPU:         0.17 cores in all",
        "Consumers:   2, one of which may be away",
        "Memory:      449 MiB each, 295 of it for open runs",
        f"Set:         INFINIUM_OTEL_MAX_OPEN_BYTES={295 * MIB}, or start more consumers",
        "Requests:    22.0 a second, at most: a limit (--rate-of-group) must be no lower",
        "Partitions:  6 or more, keyed by trace id",
    ]
    header, *lines = rest.splitlines()
    assert header == "Computed from:"
    assert all(line.endswith("]") for line in lines)
    assert "  200 ms until a response, --request-ms [assumed]" in lines


def test_a_small_load_needs_no_setting(capsys):
    """Two consumers, with the defaults."""
    out = size(capsys, "--runs-per-second", "1", "--spans", "10", "--seconds", "10")
    assert "INFINIUM_OTEL" not in out
    assert "Consumers:   2," in out


@pytest.mark.parametrize(("spans", "us"), [(10, 2_890), (100, 20_400)])
def test_the_cpu_is_what_was_measured(spans, us):
    """At the two lengths; between and beyond them it is on the line through both."""
    assert estimate_cpu_us(spans) == pytest.approx(us)
    assert estimate_cpu_us(1) > 1_000


@pytest.mark.parametrize(
    ("changes", "consumers"),
    [
        ({"runs_per_second": 400}, 8),  # 3.5 cores at half a core each
        ({"runs_per_second": 400, "request_s": 2}, 51),  # 800 requests at once
        ({}, 2),
    ],
)
def test_what_limits_a_consumer(changes, consumers):
    """Its core, or its concurrent requests; one more may be away."""
    assert make_plan(make_load(**changes)).consumers == consumers


def test_more_of_anything_needs_no_less():
    """Memory grows with the length of runs, partitions with the consumers."""
    plans = [make_plan(make_load(seconds=s)) for s in (1, 60, 3600)]
    assert sorted(plans, key=lambda plan: plan.memory_mib) == plans
    plans = [make_plan(make_load(runs_per_second=n)) for n in (1, 100, 10_000)]
    assert sorted(plans, key=lambda plan: plan.partitions) == plans


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan", "inf", "1e99"])
def test_numbers_that_make_no_sense(text, capsys):
    """One line, exit code 2."""
    with pytest.raises(SystemExit) as caught:
        size(capsys, "--runs-per-second", text, "--spans", "1", "--seconds", "1")
    assert caught.value.code == 2
    assert "must be a number above zero and below 1,000,000,000,000" in (
        capsys.readouterr().err
    )


def test_the_figures_are_those_of_the_page():
    """And every command that measured one exists."""
    page = (ROOT / "docs/explanation/scale.md").read_text("utf-8")
    for figure, unit in (
        (figures.CPU_OF_10_US, "µs"),
        (figures.CPU_OF_100_US, "µs"),
        (figures.IDLE_MIB, "MiB"),
        (figures.OPEN_MIB, "MiB"),
    ):
        assert f"{figure.value:g} {unit}" in page
        assert figures.BENCHMARK in page
        assert (ROOT / figure.source.split()[-1]).exists()
    assert (ROOT / figures.REQUESTS.source.split()[-1]).exists()
