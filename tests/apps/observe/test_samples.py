"""The numbers of a command, as Prometheus and OpenTelemetry show them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from infinium_otel.apps.observe.attempts import AttemptCounters
from infinium_otel.apps.observe.otel_metrics import observe_samples
from infinium_otel.apps.observe.progress import Seen, write_line
from infinium_otel.apps.observe.samples import Delivery, Sample, describe_delivery
from infinium_otel.delivery.protocol import AttemptResult
from infinium_otel.runtime import Load, Stats

PAGE = Path(__file__).parents[3] / "docs/reference/metrics.md"


def make_delivery(**changes):
    attempts = AttemptCounters()
    attempts.add(AttemptResult("delivered", status=200), 0.25)
    attempts.add(AttemptResult("unavailable", status=503), 0.5)
    values = {
        "stats": Stats(
            received=120, tasks_delivered=7, reasons={"duplicate": 2}, evicted=1
        ),
        "load": Load(4, 1000, 30, 90, 5 << 20),
        "attempts": attempts,
        "state": "closed",
        "rate_allowed": 10.0,
        "fullness": 0.25,
        "oldest_open_s": 12.0,
    }
    return Delivery(**{**values, **changes})


def read(delivery):
    return {sample.name: sample.values for sample in describe_delivery(delivery)}


def test_a_sample_for_each_number():
    """Open runs, queue, outcomes, attempts by status, evictions."""
    values = read(make_delivery())
    assert values["infinium.runs.open"] == {"": 30}
    assert values["infinium.runs.open.size"] == {"": 5 << 20}
    assert values["infinium.runs.open.age"] == {"": 12.0}
    assert values["infinium.runs.evicted"] == {"": 1}
    assert values["infinium.tasks.queued"] == {"": 4}
    assert values["infinium.attempts"] == {"200": 1, "503": 1}
    assert values["infinium.attempts.duration"] == {"": 0.75}
    assert values["infinium.spans.left_out"] == {"duplicate": 2}
    assert values["infinium.rate.allowed"] == {"": 10.0}


def test_one_state_at_a_time():
    """Exactly one value of the state is 1."""
    states = read(make_delivery(state="credentials refused"))["infinium.delivery.state"]
    assert states == {"closed": 0, "unavailable": 0, "credentials_refused": 1}


def test_every_sample_has_its_entry():
    """The reference lists each with its Prometheus name."""
    exposition = pytest.importorskip("infinium_otel.apps.observe.exposition")
    page = PAGE.read_text("utf-8")
    for sample in describe_delivery(make_delivery()):
        name = exposition.make_name(sample.name, sample.unit)
        name += "_total" if sample.kind == "counter" else ""
        assert f"| `{name}` |" in page, name
        assert sample.meaning.rstrip(".").lower() in page.lower(), sample.meaning


def test_the_same_numbers_through_opentelemetry(monkeypatch):
    """Each sample is an instrument, read once a collection."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(
        "infinium_otel.apps.observe.otel_metrics.get_meter", provider.get_meter
    )
    reads = []

    def read_samples():
        reads.append(1)
        return describe_delivery(make_delivery())

    observe_samples(read_samples)
    collected = reader.get_metrics_data()
    points = {
        (metric.name, *point.attributes.values()): point.value
        for resource in collected.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }
    assert points["infinium.runs.open",] == 30
    assert points["infinium.attempts", "503"] == 1
    assert len(reads) <= 2
    assert metrics.get_meter_provider() is not provider


def test_the_line_shows_rates_and_what_is_held():
    """Rates are differences; a problem is appended."""
    line = write_line(make_delivery(), Seen(spans=20, attempts=1), 2.0)
    assert line == (
        "50 spans/s in · 30 runs open (5 MiB) · 4 queued · 0.5 of 10 requests/s "
        "· 7 delivered"
    )
    stats = Stats(tasks_refused=3)
    line = write_line(make_delivery(stats=stats, state="unavailable"), Seen(), 1.0)
    assert line.endswith("3 NOT DELIVERED · unavailable")


def test_names_are_conventional():
    """Lower case with dots, as OpenTelemetry's naming rules have it."""
    for sample in describe_delivery(make_delivery(more=())):
        assert re.fullmatch(r"infinium(\.[a-z_]+)+", sample.name)
        assert isinstance(sample, Sample)
