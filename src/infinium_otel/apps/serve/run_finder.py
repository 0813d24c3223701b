"""Finds one run by its id, whether it is complete or still open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.serve.checks import RejectedError

if TYPE_CHECKING:
    from infinium_otel.apps.serve.open_runs import OpenRuns
    from infinium_otel.apps.serve.store import Store
    from infinium_otel.apps.serve.stored import StoredTask


@dataclass(frozen=True, slots=True)
class FoundRun:
    """One run: its task, and whether it is still open."""

    stored: StoredTask
    is_open: bool


@dataclass(frozen=True, slots=True)
class RunFinder:
    """Finds runs in the store and among the open ones."""

    store: Store
    open_runs: OpenRuns

    def find(self, run_id: str) -> FoundRun:
        """Find a run by its own id, or the newest of an OpenTelemetry trace.

        Raises:
            RejectedError: 404 if there is none.
        """
        if stored := self.store.find(run_id):
            return FoundRun(stored, is_open=False)
        if stored := self.open_runs.find(run_id):
            return FoundRun(stored, is_open=True)
        if stored := self.open_runs.find_completed(run_id, self.store):
            return FoundRun(stored, is_open=False)
        raise RejectedError(f"no task {run_id}", status_code=404)
