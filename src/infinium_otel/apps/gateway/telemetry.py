"""What the gateway shows of itself: the numbers, and whether it is alive and ready."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infinium_otel.apps.backpressure import measure_fullness
from infinium_otel.apps.http.mistakes import MistakeLog
from infinium_otel.apps.http.receiver import RequestCounters
from infinium_otel.apps.observe.attempts import AttemptCounters
from infinium_otel.apps.observe.health import find_stalled, find_unready
from infinium_otel.apps.observe.probe_server import Probes
from infinium_otel.apps.observe.samples import Delivery, Sample, describe_delivery
from infinium_otel.apps.routes import describe_agents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from infinium_otel.delivery.agent_senders import AgentSenders
    from infinium_otel.delivery.pace import AdaptivePace
    from infinium_otel.runtime import PipelineRunner


class GatewayTelemetry:
    """Reads the gateway's state. Thread-safe.

    Args:
        runner: assembles and delivers.
        senders: what it delivers with.
        pace: theirs.
        clock: seconds, monotonic.

    Attributes:
        pace: as given.
        counters: of the requests received.
        mistakes: what senders do wrong.
    """

    def __init__(
        self,
        runner: PipelineRunner,
        senders: AgentSenders,
        pace: AdaptivePace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._senders = senders
        self.pace = pace
        self.counters = RequestCounters()
        self.mistakes = MistakeLog()
        self._clock = clock
        self._attempts = AttemptCounters()
        self._attempts.watch(runner.sender)
        self._served_s = clock()

    def on_loop_runs(self) -> None:
        """Note that the event loop of the receiver runs."""
        self._served_s = self._clock()

    def as_probes(self) -> Probes:
        """What `--listen` serves."""
        return Probes(self.read_samples, self.find_stalled, self.find_unready)

    def read_samples(self) -> Iterable[Sample]:
        """The samples of this moment."""
        return describe_delivery(self.read())

    def read(self) -> Delivery:
        """The state of this moment."""
        runner = self._runner
        load = runner.load()
        return Delivery(
            stats=runner.stats(),
            load=load,
            attempts=self._attempts,
            state=runner.sender.state,
            rate_allowed=self.pace.rate,
            fullness=measure_fullness(load, runner.config),
            oldest_open_s=runner.get_oldest_age_s(),
            more=(
                *describe_requests(self.counters, self.mistakes.counts),
                *self.describe_agents(),
            ),
        )

    def describe_agents(self) -> Iterator[Sample]:
        """The samples of each agent of `--routes`."""
        return describe_agents(self._senders)

    def find_stalled(self) -> str:
        """Why the gateway should be restarted; "" if it makes progress."""
        now_s = self._clock()
        ages_s = {"the receiver": now_s - self._served_s}
        if self._runner.inbox:
            ages_s["the pipeline"] = now_s - self._runner.worker.progress_s
        return find_stalled(ages_s)

    def find_unready(self) -> str:
        """Why no more spans should be routed here; "" if they should."""
        runner = self._runner
        return find_unready(
            is_closed=runner.closed,
            state=runner.sender.state,
            is_durable=runner.sender.durable,
            fullness=measure_fullness(runner.load(), runner.config),
        )


def describe_requests(
    counters: RequestCounters, mistakes: Mapping[str, int]
) -> Iterator[Sample]:
    """The samples of the requests received."""
    for name, unit, meaning, value in (
        ("requests", "{request}", "OTLP requests received.", counters.requests),
        (
            "requests.metrics",
            "{request}",
            "Requests with metrics, which are dropped.",
            counters.metrics,
        ),
        ("records", "{record}", "Spans and logs accepted.", counters.records),
        (
            "records.unreadable",
            "{record}",
            "Spans and logs that could not be decoded.",
            counters.left_out,
        ),
    ):
        values = {"": value}
        full_name = f"infinium.gateway.{name}"
        yield Sample(full_name, "counter", unit, meaning, values)
    yield Sample(
        "infinium.gateway.requests.refused",
        "counter",
        "{request}",
        "OTLP requests that were refused, by status.",
        dict(counters.by_status),
        "status",
    )
    yield Sample(
        "infinium.gateway.mistakes",
        "counter",
        "{request}",
        "What senders do wrong, by kind.",
        dict(mistakes),
        "kind",
    )
