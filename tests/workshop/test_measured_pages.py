"""The pages whose numbers are measured are made from the committed results."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))
chart, fleet, measuring, page = map(
    import_module, ("chart", "fleet", "measuring", "page")
)


def test_the_pages_are_those_of_the_results():
    """`python tests/benchmarks/page.py` writes them."""
    pages = dict(page.render_all())
    assert page.TARGET / "what-it-costs.md" in pages
    for path, text in pages.items():
        assert path.read_text("utf-8") == text


def test_the_chart_is_that_of_the_results():
    """Every bar with its ratio, from the top; `bench -- --chart` draws it."""
    document = json.loads(page.RESULTS.read_text("utf-8"))
    bars = list(chart.make_bars(measuring.read_document(document)))
    text = (page.TARGET / "what-it-costs.svg").read_text("utf-8")
    drawn = re.findall(r">([\d.e-]+ x)<", text)
    assert [label for label in drawn if label in {bar.label for bar in bars}][
        -len(bars) :
    ] == [bar.label for bar in bars]


@pytest.mark.parametrize(
    ("value", "text"),
    [(12_345.6, "12,346"), (45.4, "45"), (3.363, "3.4"), (0.0613, "0.061")],
)
def test_a_number_has_the_digits_that_were_measured(value, text):
    assert page.show(value) == text


def simulate(**event):
    """An event in a fleet of nine consumers, each used for less than half."""
    small = fleet.Fleet(spans_per_second=6_400, spans=10, cpu_us=100)
    assert len(small.consumers) == 9
    return fleet.simulate(small, fleet.Event("it", **event))


def test_nothing_happens():
    """Then nothing waits."""
    assert simulate() == fleet.Outcome()


def test_a_consumer_is_killed():
    """Its share is read again from the oldest open run, after Kafka noticed."""
    found = simulate(gone=fleet.ONE, noticed_s=45.0)
    assert found.read_again == pytest.approx(6_400 / 9 * fleet.find_uncommitted_s())
    assert found.lost == 0
    assert found.behind_s > 45 + fleet.find_uncommitted_s() - 10
    assert 45 < found.caught_up_s < 300


def test_nobody_can_deliver():
    """All partitions wait, nothing is read again, and the fleet catches up."""
    found = simulate(stopped_s=60.0)
    assert found.waiting == 27
    assert (found.read_again, found.lost) == (0, 0)
    assert 60 < found.caught_up_s < 180


def test_what_a_collector_held_is_lost():
    """Its share of what arrives while it holds a batch."""
    assert simulate(lost_s=0.2).lost == pytest.approx(6_400 * 0.2 / fleet.COLLECTORS)
