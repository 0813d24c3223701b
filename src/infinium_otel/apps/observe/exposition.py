"""Samples as the text that Prometheus reads.

Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility": dots
become underscores, the unit is appended, then `_total` to a counter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from infinium_otel.apps.observe.samples import Sample

UNITS = {"s": "_seconds", "By": "_bytes"}


class SampleCollector(Collector):
    """Gives samples to a registry of the Prometheus client.

    Args:
        read: returns the samples of this moment.
    """

    def __init__(self, read: Callable[[], Iterable[Sample]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing: the samples are not read before they are needed."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The samples as metric families."""
        return map(to_family, self._read())


def make_registry(read: Callable[[], Iterable[Sample]]) -> CollectorRegistry:
    """A registry of the samples, and of the process's CPU, memory and descriptors."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(SampleCollector(read))
    return registry


def expose(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The registry as text, and its Content-Type.

    Args:
        accept: the Accept header: OpenMetrics, or Prometheus's own format.
    """
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def to_family(sample: Sample) -> Metric:
    """A sample as a metric family."""
    labels = [sample.label] if sample.label else []
    make = CounterMetricFamily if sample.kind == "counter" else GaugeMetricFamily
    family = make(make_name(sample.name, sample.unit), sample.meaning, labels=labels)
    for value_of_label, value in sample.values.items():
        family.add_metric([value_of_label] if labels else [], value)
    return family


def make_name(name: str, unit: str) -> str:
    """Prometheus's name of a metric, without the `_total` of a counter."""
    return name.replace(".", "_") + UNITS.get(unit, "")
