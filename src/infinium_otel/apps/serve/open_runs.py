"""Runs that are not complete yet, as the tasks that their ended spans would become."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.store import MEMORY, Arrival, Store
from infinium_otel.delivery.protocol import encode
from infinium_otel.pipeline import Pipeline
from infinium_otel.pipeline.offline import NO_BOUNDS
from infinium_otel.pipeline.warnings import Warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infinium_otel.apps.serve.listing import Query
    from infinium_otel.apps.serve.stored import StoredTask
    from infinium_otel.assembly.open_trace import WaitingTrace
    from infinium_otel.config import Config
    from infinium_otel.dialects import Dialect

MAX_TRACES = 100
"""Traces of which open runs are shown, at most: those that changed last."""
PATIENCE_S = 0.05
PAUSE_FACTOR, MAX_PAUSE_S = 4, 2.0
"""After its tasks were made, a trace rests so many times as long, at most so long."""
MAX_REMEMBERED = 1_000
"""Runs whose id is remembered once they are complete, at most."""


@dataclass(frozen=True, slots=True)
class OpenList:
    """Open runs as rows of the list.

    Args:
        is_current: false if a run has spans that `rows` do not contain yet.
    """

    rows: list[dict[str, Any]]
    is_current: bool


@dataclass(frozen=True, slots=True)
class _Preview:
    """What was last made of a trace.

    Args:
        state: by which a change is noticed.
        next_s: when its tasks are made again, at the earliest; by `clock`.
    """

    state: tuple[float, int]
    run_ids: tuple[str, ...]
    next_s: float


class OpenRuns:
    """The open runs, which can be listed, searched and found as stored tasks are.

    Tasks are made only when somebody looks, and only of traces that have changed, in a
    thread of their own: who looks waits for `PATIENCE_S` at most.

    Args:
        peek: gives at most so many traces that are not complete.
        config: the settings by which tasks are made.
        readers: dialects of other distributions.
        clock: seconds, monotonic.
        patience_s: how long a look waits for tasks that are being made; None for ever.
    """

    def __init__(
        self,
        peek: Callable[[int], list[WaitingTrace]],
        config: Config,
        readers: Sequence[Dialect] = (),
        clock: Callable[[], float] = time.monotonic,
        patience_s: float | None = PATIENCE_S,
    ) -> None:
        self._patience_s = patience_s
        self._peek = peek
        self._config = config.but(**NO_BOUNDS)
        self._readers = readers
        self._clock = clock
        self._store = Store(MEMORY)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="open-runs")
        self._work: Future[bool] | None = None
        self._lock = threading.Lock()
        self._previews: dict[str, _Preview] = {}
        self._trace_of: OrderedDict[str, str] = OrderedDict()
        # shared by all pipelines, so that a warning is logged once
        self._problems: Counter[str] = Counter()
        self._warnings = Warnings(self._config)

    def close(self) -> None:
        """Release the memory, and end the thread."""
        self._worker.shutdown()
        self._store.close()

    def select(self, query: Query) -> OpenList:
        """The open runs that *query* selects; its limit and offset do not apply."""
        is_current = self._update(self._patience_s)
        page = self._store.page(replace(query, limit=MAX_TRACES, offset=0))
        return OpenList(page.rows, is_current)

    def find(self, run_id: str) -> StoredTask | None:
        """The open run of that id, or of that OpenTelemetry trace.

        The id depends on the first span, so that it may change while a run grows.
        """
        self._update()
        found = self._find(run_id)
        if found is None:  # its tasks may be made just now
            self._update(patience_s=None)
            found = self._find(run_id)
        return found

    def _find(self, run_id: str) -> StoredTask | None:
        trace_id = self._trace_of.get(run_id)
        return self._store.find(run_id) or self._store.find(trace_id or run_id)

    def find_completed(self, run_id: str, store: Store) -> StoredTask | None:
        """The task in *store* of a run that was open under *run_id*; None if unknown.

        Its id may be another one: it depends on the root, which was not known.
        """
        trace_id = self._trace_of.get(run_id)
        return store.find(trace_id) if trace_id else None

    def _update(self, patience_s: float | None = PATIENCE_S) -> bool:
        """Make the tasks of traces that have changed; false if some are not made yet."""
        with self._lock:
            work, is_new = self._work, False
            if work is None or work.done():
                work, is_new = self._worker.submit(self._refresh_all), True
                self._work = work
        done, _ = wait([work], patience_s)
        # work that was under way may have begun before the last spans came
        return is_new and bool(done) and work.result()

    def _refresh_all(self) -> bool:
        waiting = {trace.trace_id: trace for trace in self._peek(MAX_TRACES)}
        for trace_id in [*self._previews]:
            if trace_id not in waiting:
                self._replace(trace_id, [])
        current = [self._refresh(trace) for trace in waiting.values()]
        return all(current)

    def _refresh(self, trace: WaitingTrace) -> bool:
        known = self._previews.get(trace.trace_id)
        state = trace.seen_s, len(trace.records)
        begun_s = self._clock()
        if known and known.state == state:
            return True
        if known and begun_s < known.next_s:
            return False
        run_ids = self._replace(trace.trace_id, self._make_tasks(trace))
        for run_id in run_ids:
            self._trace_of[run_id] = trace.trace_id
        while len(self._trace_of) > MAX_REMEMBERED:
            self._trace_of.popitem(last=False)
        ended_s = self._clock()
        next_s = ended_s + min(PAUSE_FACTOR * (ended_s - begun_s), MAX_PAUSE_S)
        self._previews[trace.trace_id] = _Preview(state, run_ids, next_s)
        return True

    def _make_tasks(self, trace: WaitingTrace) -> list[Arrival]:
        pipeline = Pipeline(self._config, self._readers, warnings=self._warnings)
        pipeline.problems = self._problems
        finished = [*pipeline.feed(trace.records, 0.0), *pipeline.flush(0.0)]
        arrivals = []
        for done in finished:
            body = encode(done.task)
            task: dict[str, Any] = json.loads(body)
            arrivals.append(Arrival(task, body, "", done.key, "otlp", 0))
        return arrivals

    def _replace(self, trace_id: str, arrivals: list[Arrival]) -> tuple[str, ...]:
        known = self._previews.pop(trace_id, None)
        run_ids = self._store.replace(known.run_ids if known else (), arrivals)
        return tuple(run_ids)
