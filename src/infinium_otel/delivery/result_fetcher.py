"""What a sender does for interpretations: remembers delivered runs, and requests results."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.delivery.backend import Backend
    from infinium_otel.delivery.protocol import AttemptResult
    from infinium_otel.delivery.queue import Item
    from infinium_otel.delivery.scheduler import DeliveryScheduler
    from infinium_otel.delivery.storage.spool.awaited_runs import AwaitedRuns
    from infinium_otel.delivery.task_queue import TaskQueue


class ResultFetcher:
    """Requests results in the pace of deliveries; `Sender` gives it its parts."""

    on_delivered: Callable[[Item, AttemptResult], None]
    _config: Config
    _queue: TaskQueue
    _scheduler: DeliveryScheduler
    _backend: Backend

    def get_awaited(self) -> AwaitedRuns | None:
        """The delivered runs whose interpretation is awaited; None without a spool."""
        return self._queue.get_awaited()

    def fetch_result(self, result_id: str) -> AttemptResult | float:
        """Request an interpreted result once, in the pace of the deliveries.

        Returns:
            What came of it; or seconds to wait, and nothing was requested.
        """
        pause_s = self._scheduler.try_reserve()
        if pause_s > 0:
            return pause_s
        return self._backend.fetch_result(result_id, self._config.timeout_s)

    def close(self) -> None:
        """Close the queue and the connections, and send nothing that is queued."""
        self._queue.close()
        self._backend.close()

    def _note_delivered(self, item: Item, result: AttemptResult) -> None:
        self.on_delivered(item, result)  # which is set later
