"""What `--listen` shows of a gateway with several workers: their sums, and who is unwell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infinium_otel.apps.gateway.telemetry import describe_requests
from infinium_otel.apps.gateway.workers.reports import (
    merge_agents,
    to_counters,
    to_delivery,
)
from infinium_otel.apps.observe.health import STALLED_S
from infinium_otel.apps.observe.probe_server import Probes
from infinium_otel.apps.observe.samples import Delivery, Sample, describe_delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infinium_otel.apps.gateway.workers.reports import Numbers, Report
    from infinium_otel.apps.gateway.workers.supervisor import Supervisor, Worker
    from infinium_otel.apps.observe.samples import Kind

COUNTER: Kind = "counter"
GAUGE: Kind = "gauge"

FORWARDING = (
    ("forwarded", "{record}", "Spans and logs sent from one worker to another."),
    (
        "not_forwarded",
        "{part}",
        "Parts of requests that another worker did not accept.",
    ),
)

SILENT_S = 5.0
"""Seconds without a report after which a worker is not ready."""


class FleetTelemetry:
    """Reads the state of all workers. Thread-safe.

    Args:
        supervisor: has them.
        clock: seconds, monotonic.
    """

    def __init__(
        self, supervisor: Supervisor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._supervisor = supervisor
        self._clock = clock

    def as_probes(self) -> Probes:
        """What `--listen` serves."""
        return Probes(self.read_samples, self.find_stalled, self.find_unready)

    def read_samples(self) -> Iterable[Sample]:
        """The samples of this moment; each worker reports now."""
        self._supervisor.update_reports()
        return describe_delivery(self.read())

    def read(self) -> Delivery:
        """The state of all workers as they reported it last."""
        supervisor = self._supervisor
        numbers = supervisor.total()
        reports = [
            process.report
            for process in supervisor.processes()
            if process.report is not None
        ]
        more = (
            *describe_requests(to_counters(numbers), numbers.get("mistakes", {})),
            *merge_agents(reports),
            *self._describe_workers(numbers),
        )
        return to_delivery(reports, numbers, more, has_spool=supervisor.has_spool)

    def find_stalled(self) -> str:
        """Why the whole gateway should be restarted; "" if it makes progress."""
        return self._find(self._find_stalled)

    def find_unready(self) -> str:
        """Why no more spans should be routed here; "" if every worker is ready."""
        if self._supervisor.is_stopping:
            return "shutting down"
        return self._find(self._find_unready)

    def _find(self, find: Callable[[Worker], str]) -> str:
        for worker in self._supervisor.workers:
            if problem := find(worker):
                return f"worker {worker.index}: {problem}"
        return ""

    def _find_stalled(self, worker: Worker) -> str:
        now_s, process = self._clock(), worker.process
        if process is None or process.report is None:
            since_s = worker.failing_since
            if since_s is not None and now_s - since_s > STALLED_S:
                return f"has not run for {now_s - since_s:.0f} s"
            return ""
        if now_s - process.heard_s > STALLED_S:
            return f"has not reported for {now_s - process.heard_s:.0f} s"
        return process.report.stalled

    def _find_unready(self, worker: Worker) -> str:
        process = worker.process
        if process is None or process.report is None:
            return "does not run yet"
        if self._clock() - process.heard_s > SILENT_S:
            return "does not report"
        return process.report.unready

    def _describe_workers(self, numbers: Numbers) -> Iterator[Sample]:
        workers = self._supervisor.workers
        restarts = {str(worker.index): float(worker.restarts) for worker in workers}
        opened = self._by_worker(lambda each: each.numbers["load"]["tasks_open"])
        for name, kind, unit, meaning, values in (
            (
                ".up",
                GAUGE,
                "1",
                "1 while a worker runs.",
                self._by_worker(lambda _: 1.0),
            ),
            (
                ".restarts",
                COUNTER,
                "{restart}",
                "How often a worker was started again.",
                restarts,
            ),
            (
                ".cpu",
                COUNTER,
                "s",
                "CPU that a worker has used since it was started.",
                self._by_worker(lambda each: each.cpu_s),
            ),
            (
                ".runs.open",
                GAUGE,
                "{run}",
                "Runs that wait for more spans, by the worker that holds them.",
                opened,
            ),
        ):
            full_name = f"infinium.gateway.worker{name}"
            yield Sample(full_name, kind, unit, meaning, values, "worker")
        forwarding = numbers.get("forwarding", {})
        for name, unit, meaning in FORWARDING:
            full_name = f"infinium.gateway.{name}"
            values = {"": forwarding.get(name, 0)}
            yield Sample(full_name, COUNTER, unit, meaning, values)

    def _by_worker(self, get: Callable[[Report], float]) -> dict[str, float]:
        values = {}
        for worker in self._supervisor.workers:
            process = worker.process
            if process is not None and process.report is not None:
                values[str(worker.index)] = get(process.report)
        return values
