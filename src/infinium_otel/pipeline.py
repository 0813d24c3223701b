"""The pure steps as one object: spans in, finished tasks out.

Exporter, processor, gateway, consumer and command line all drive this same object; each
call says what time it is.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.assembly import Assembler
from infinium_otel.config import Config
from infinium_otel.limits import fit
from infinium_otel.mapping import map_trace
from infinium_otel.mapping.bare import bare_task
from infinium_otel.mapping.copies import copies
from infinium_otel.ownrequests import OWN_REQUEST, OwnRequests
from infinium_otel.records import LogEvent, SpanRecord
from infinium_otel.redaction import UNREADABLE, redact
from infinium_otel.sdkspans import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from infinium_otel.records import Trace
    from infinium_otel.taskdata import TaskData

logger = logging.getLogger(__name__)


UNBOUNDED = 2**62
MAX_SENT = 10_000
"""Runs remembered as sent, at most, for the sake of what still comes of them."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A task on its way out.

    Args:
        key: the idempotency key, the same for every delivery of this task.
        spans: how many spans it was made of.
        span_ids: their ids.
    """

    task: TaskData
    key: str
    trace_id: str
    root_id: str
    spans: int
    span_ids: tuple[str, ...]


class Pipeline:
    """Assembles, maps, redacts and fits.

    `received == open + finished + sum(filtered.values()) + sum(refused.values())`, in
    spans, between any two calls.

    Args:
        config: the settings.
        readers: dialect readers of third parties, after the built-in ones.
        on_filtered: called with trace id and span ids of what becomes no task.
    """

    def __init__(
        self,
        config: Config,
        readers: Sequence[Any] = (),
        *,
        on_filtered: Callable[[str, tuple[str, ...]], None] | None = None,
    ) -> None:
        self._config = config
        self._readers = tuple(readers)
        self._on_filtered = on_filtered
        self._unfiltered = config.but(include="all")
        self._sent: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._assembler = Assembler(config)
        self._own_requests = OwnRequests(config.base_url)
        self.finished = 0
        self.tasks = 0
        self.filtered: Counter[str] = Counter()
        self.filtered_tasks: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()

    @property
    def received(self) -> int:
        """Spans fed in so far."""
        return self._assembler.received

    @property
    def open(self) -> int:
        """Ended spans that wait for the rest of their trace."""
        return self._assembler.open_spans

    @property
    def open_bytes(self) -> int:
        """About how many bytes those spans take."""
        return self._assembler.open_bytes

    @property
    def open_traces(self) -> int:
        """Traces with a span that waits or is known to run."""
        return self._assembler.open_traces

    @property
    def open_tasks(self) -> int:
        """Traces with an ended span that waits."""
        return self._assembler.waiting_traces

    @property
    def open_since(self) -> float | None:
        """When the first of the spans that still wait came in; None if none waits."""
        return self._assembler.open_since

    @property
    def refused(self) -> Counter[str]:
        """Spans not taken, by reason: `duplicate`, `invalid_id`."""
        return self._assembler.refused

    @property
    def dropped_logs(self) -> int:
        """Log events given up because no span of theirs left in time."""
        return self._assembler.dropped_logs

    def wait_for_logs(self, settle_s: float) -> None:
        """Keep complete traces for *settle_s*, because log events come in batches."""
        self._assembler.settle_s = max(self._assembler.settle_s, settle_s)

    def opened(
        self,
        trace_id: str,
        span_id: str,
        parent_id: str | None,
        is_remote: bool,  # noqa: FBT001 - one of five plain facts of a span
        now_s: float,
    ) -> None:
        """A span has started; its end will come through `feed`."""
        self._assembler.opened(trace_id, span_id, parent_id, is_remote, now_s)

    def feed(
        self, records: Iterable[SpanRecord | LogEvent], now_s: float
    ) -> list[Finished]:
        """One batch of ended spans and log events; returns what is finished by it."""
        return list(self._finish(self._assembler.feed(records, now_s)))

    def due(self, now_s: float) -> list[Finished]:
        """What has to leave by *now_s*."""
        return list(self._finish(self._assembler.due(now_s)))

    def flush(self, now_s: float) -> list[Finished]:
        """All that has ended; traces that are not complete are marked so."""
        return list(self._finish(self._assembler.flush(now_s)))

    def next_due(self) -> float | None:
        """When to call `due` next; None if nothing waits."""
        return self._assembler.next_due()

    def _finish(self, traces: Iterable[Trace]) -> Iterator[Finished]:
        """What leaves together, less the runs that another among them tells too."""
        leaving = [done for trace in traces if (done := self._map(trace)) is not None]
        copied = copies([done.task for done in leaving])
        for index, done in enumerate(leaving):
            if index in copied:
                self._filter("copy", done.trace_id, done.span_ids)
            else:
                self.finished += done.spans
                self.tasks += 1
                yield done

    def _map(self, trace: Trace) -> Finished | None:
        """The task of *trace*; None, and counted, if it is none to send."""
        own = self._own_requests.among(trace.records)
        if own:
            trace = self._without(trace, own)
            if not trace.records:
                return None
        task = self._task(trace)
        ids = tuple(record.span_id for record in trace.records)
        if task is not None and self._wanted(task):
            self._remember(trace)
            return Finished(
                task, trace.key, trace.trace_id, trace.root_id, len(ids), ids
            )
        reason = "not_included" if task is None else "should_send"
        self._filter(reason, trace.trace_id, ids)
        return None

    def _remember(self, trace: Trace) -> None:
        self._sent[trace.trace_id, trace.root_id] = None
        if len(self._sent) > MAX_SENT:
            self._sent.popitem(last=False)

    def _config_for(self, trace: Trace) -> Config:
        """What comes later of a run that was sent is sent, whatever it holds."""
        sent = trace.part and (trace.trace_id, trace.root_id) in self._sent
        return self._unfiltered if sent else self._config

    def _without(self, trace: Trace, own: tuple[str, ...]) -> Trace:
        """*trace* without the spans of our own requests, which are counted."""
        kept = tuple(record for record in trace.records if record.span_id not in own)
        self._filter(OWN_REQUEST, trace.trace_id, own, tasks=0 if kept else 1)
        return replace(trace, records=kept)

    def _filter(
        self, reason: str, trace_id: str, span_ids: tuple[str, ...], *, tasks: int = 1
    ) -> None:
        self.filtered[reason] += len(span_ids)
        self.filtered_tasks[reason] += tasks
        if self._on_filtered is not None:
            self._on_filtered(trace_id, span_ids)

    def _task(self, trace: Trace) -> TaskData | None:
        try:
            task = map_trace(trace, self._config_for(trace), self._readers)
            return None if task is None else fit(redact(task, self._config))
        except Exception as error:  # noqa: BLE001 - a defect must not lose a run
            kind = type(error).__name__
            if not self.problems[kind]:
                logger.warning(
                    "A trace could not be mapped (%s); it is sent bare", kind
                )
            self.problems[kind] += 1
            return self._bare(trace, kind)

    def _bare(self, trace: Trace, problem: str) -> TaskData:
        """A task without what could not be mapped, nor what cannot be redacted."""
        task = bare_task(trace, problem)
        try:
            return redact(task, self._config)
        except Exception:  # noqa: BLE001 - the same defect may strike again
            task.name = UNREADABLE
            return task

    def _wanted(self, task: TaskData) -> bool:
        """What the user's hook says; a hook that fails keeps nothing back."""
        if self._config.should_send is None:
            return True
        try:
            return bool(self._config.should_send(task))
        except Exception as error:  # noqa: BLE001 - the user's own code
            if not self.problems["should_send"]:
                logger.warning("should_send raised %s; sent", type(error).__name__)
            self.problems["should_send"] += 1
            return True


def spans_to_tasks(
    records: Iterable[Any],
    *,
    config: Config | None = None,
    readers: Sequence[Any] = (),
) -> list[TaskData]:
    """The tasks that *records* tell of, all at once: no clock, no threads, no I/O.

    Args:
        records: spans and log events in any order: this package's records (see
            `load_otlp`) or the SDK's `ReadableSpan`s and log records. Anything else is
            left out, as are repeated spans.
        config: the settings; None for the defaults. The bounds on open traces do not
            count here, as everything is in memory already.
        readers: dialects of other distributions; `readers.load_readers` finds them.

    Returns:
        One task a run, by start.
    """
    pipeline = Pipeline(
        (config or Config()).but(
            max_open_traces=UNBOUNDED,
            max_open_spans=UNBOUNDED,
            max_open_bytes=UNBOUNDED,
        ),
        readers,
    )
    batch = [record for record in map(as_record, records) if record is not None]
    starts = {
        record.span_id: record.start_ns
        for record in batch
        if isinstance(record, SpanRecord)
    }
    finished = [*pipeline.feed(batch, 0.0), *pipeline.flush(0.0)]
    finished.sort(key=lambda done: (starts[done.span_ids[0]], done.key))
    return [done.task for done in finished]
