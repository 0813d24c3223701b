"""The same samples as OpenTelemetry metrics, for a process with a meter provider."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation, get_meter

from infinium_otel.runtime.metrics import METER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions

    from infinium_otel.apps.observe.samples import Sample

FRESH_S = 1.0
"""Seconds for which one reading serves all instruments of a collection."""


def observe_samples(
    read: Callable[[], Iterable[Sample]], clock: Callable[[], float] = time.monotonic
) -> None:
    """Create an instrument for each sample.

    Args:
        read: returns the samples of this moment, always of the same names.
        clock: seconds, monotonic.
    """
    meter = get_meter(METER)
    latest = _Latest(read, clock)
    for sample in latest.read().values():
        create = (
            meter.create_observable_counter
            if sample.kind == "counter"
            else meter.create_observable_gauge
        )
        create(
            sample.name,
            [_make_callback(latest, sample.name)],
            unit=sample.unit,
            description=sample.meaning,
        )


def _make_callback(
    latest: _Latest, name: str
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        sample = latest.read()[name]
        for label, value in sample.values.items():
            yield Observation(value, {sample.label: label} if sample.label else {})

    return observe


class _Latest:
    """The samples, read once for all instruments of a collection."""

    def __init__(
        self, read: Callable[[], Iterable[Sample]], clock: Callable[[], float]
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = Lock()
        self._samples: dict[str, Sample] = {}
        self._read_s = float("-inf")

    def read(self) -> dict[str, Sample]:
        with self._lock:
            now_s = self._clock()
            if now_s - self._read_s > FRESH_S:
                self._samples = {sample.name: sample for sample in self._read()}
                self._read_s = now_s
            return self._samples
