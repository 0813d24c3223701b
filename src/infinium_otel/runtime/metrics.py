"""The counters of all runners as OpenTelemetry metrics.

Source: OpenTelemetry semantic conventions 1.43, "SDK metrics": `otel.sdk.exporter.*`.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Protocol

from opentelemetry.metrics import Observation, get_meter

from infinium_otel.config.address import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions, Histogram

    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.runtime.stats import Stats

    Labels = Mapping[str, str | int]

METER = "infinium_otel"
COMPONENT = "infinium_span_exporter"
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Source: OpenTelemetry semantic conventions, "HTTP metrics": advice for durations."""


class Source(Protocol):
    """What is measured: a `PipelineRunner`."""

    labels: Labels

    def stats(self) -> Stats:
        """Where every span and every task is."""
        ...


_numbers = count()
_sources: list[Iterable[Source]] = []


def make_labels(config: Config) -> Labels:
    """The metric attributes of a new component, with a unique name."""
    address = Address.parse(config.base_url)
    return {
        "otel.component.type": COMPONENT,
        "otel.component.name": f"{COMPONENT}/{next(_numbers)}",
        "server.address": address.host,
        "server.port": address.port,
    }


def make_attempt_recorder(labels: Labels) -> Callable[[AttemptResult, float], None]:
    """A callback for `Sender.on_attempt` that records durations."""

    def record(result: AttemptResult, duration_s: float) -> None:
        attributes = dict(labels)
        if result.kind != "delivered":
            attributes["error.type"] = result.reason
        if result.status is not None:
            attributes["http.response.status_code"] = result.status
        _get_duration_histogram().record(duration_s, attributes)

    return record


@cache
def _get_duration_histogram() -> Histogram:
    return get_meter(METER).create_histogram(
        "otel.sdk.exporter.operation.duration",
        unit="s",
        description="The duration of exporting a batch of telemetry records.",
        explicit_bucket_boundaries_advisory=BOUNDS_S,
    )


def observe(sources: Iterable[Source]) -> None:
    """Register the counters of all *sources*, and the histogram, once.

    Args:
        sources: read at each collection, so that it may change later.
    """
    if _sources:
        return
    _sources.append(sources)
    # Now: the first attempt may follow the end of the meter provider, at exit.
    _get_duration_histogram()
    meter = get_meter(METER)
    meter.create_observable_counter(
        "otel.sdk.exporter.span.exported",
        [_observe_exported],
        unit="{span}",
        description="Spans for which the export has finished, successful or not.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.exporter.span.inflight",
        [_observe_inflight],
        unit="{span}",
        description="Spans handed to the exporter whose export has not finished.",
    )


def _observe_exported(_: CallbackOptions) -> Iterator[Observation]:
    for source in _get_sources():
        stats = source.stats()
        yield Observation(stats.delivered, source.labels)
        for reason, spans in stats.undelivered.items():
            yield Observation(spans, {**source.labels, "error.type": reason})


def _observe_inflight(_: CallbackOptions) -> Iterator[Observation]:
    for source in _get_sources():
        stats = source.stats()
        yield Observation(stats.open + stats.queued, source.labels)


def _get_sources() -> list[Source]:
    return [source for sources in _sources for source in sources]
