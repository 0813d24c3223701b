"""The bridges' numbers as OpenTelemetry metrics.

Source: OpenTelemetry semantic conventions 1.43, "SDK metrics": `otel.sdk.exporter.*`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.metrics import Observation, get_meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.metrics import CallbackOptions

    from infinium_otel.bridge.bridge import Bridge

COMPONENT = "infinium_span_exporter"

_observed: list[Iterable[Bridge]] = []


def observe(bridges: Iterable[Bridge]) -> None:
    """Offer the numbers of all *bridges* to the configured meter provider, once."""
    if _observed:
        return
    _observed.append(bridges)
    meter = get_meter("infinium_otel")
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
        attributes = _attributes(bridge)
        yield Observation(stats.delivered, attributes)
        for reason, spans in stats.undelivered.items():
            yield Observation(spans, {**attributes, "error.type": reason})


def _inflight(_: CallbackOptions) -> Iterator[Observation]:
    for bridge in _bridges():
        stats = bridge.stats()
        yield Observation(stats.open + stats.queued, _attributes(bridge))


def _bridges() -> list[Bridge]:
    return [bridge for bridges in _observed for bridge in bridges]


def _attributes(bridge: Bridge) -> dict[str, str | int]:
    address = urlsplit(bridge.config.base_url)
    default_port = 443 if address.scheme == "https" else 80
    return {
        "otel.component.type": COMPONENT,
        "otel.component.name": f"{COMPONENT}/{bridge.number}",
        "server.address": address.hostname or "",
        "server.port": address.port or default_port,
    }
