"""The bridges' numbers as OpenTelemetry metrics.

Source: OpenTelemetry semantic conventions 1.43, "SDK metrics": `otel.sdk.exporter.*`.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation, get_meter

from infinium_otel.address import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions, Histogram

    from infinium_otel.bridge.bridge import Bridge
    from infinium_otel.config import Config
    from infinium_otel.protocol import Outcome

    Labels = Mapping[str, str | int]

METER = "infinium_otel"
COMPONENT = "infinium_span_exporter"
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Source: OpenTelemetry semantic conventions, "HTTP metrics": advised for durations."""

_numbers = count()
_observed: list[Iterable[Bridge]] = []


def labels_of_new(config: Config) -> Labels:
    """Attributes that tell the numbers of a new component from those of others."""
    address = Address.of(config.base_url)
    return {
        "otel.component.type": COMPONENT,
        "otel.component.name": f"{COMPONENT}/{next(_numbers)}",
        "server.address": address.host,
        "server.port": address.port,
    }


def attempts_of(labels: Labels) -> Callable[[Outcome, float], None]:
    """What a sender tells of each attempt at a delivery: its outcome and duration."""

    def record(outcome: Outcome, duration_s: float) -> None:
        attributes = dict(labels)
        if outcome.kind != "delivered":
            attributes["error.type"] = outcome.reason
        if outcome.status is not None:
            attributes["http.response.status_code"] = outcome.status
        _durations().record(duration_s, attributes)

    return record


@cache
def _durations() -> Histogram:
    return get_meter(METER).create_histogram(
        "otel.sdk.exporter.operation.duration",
        unit="s",
        description="The duration of exporting a batch of telemetry records.",
        explicit_bucket_boundaries_advisory=BOUNDS_S,
    )


def observe(bridges: Iterable[Bridge]) -> None:
    """Offer the numbers of all *bridges* to the configured meter provider, once."""
    if _observed:
        return
    _observed.append(bridges)
    meter = get_meter(METER)
    meter.create_observable_counter(
        "otel.sdk.exporter.span.exported",
        [_exported],
        unit="{span}",
        description="Spans for which the export has finished, successful or not.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.exporter.span.inflight",
        [_inflight],
        unit="{span}",
        description="Spans handed to the exporter whose export has not finished.",
    )


def _exported(_: CallbackOptions) -> Iterator[Observation]:
    for bridge in _bridges():
        stats = bridge.stats()
        yield Observation(stats.delivered, bridge.labels)
        for reason, spans in stats.undelivered.items():
            yield Observation(spans, {**bridge.labels, "error.type": reason})


def _inflight(_: CallbackOptions) -> Iterator[Observation]:
    for bridge in _bridges():
        stats = bridge.stats()
        yield Observation(stats.open + stats.queued, bridge.labels)


def _bridges() -> list[Bridge]:
    return [bridge for bridges in _observed for bridge in bridges]
