"""The runs inside one trace whose root goes on (`Config.task_per` "agent").

A run is an outermost agent span with everything below it; where there is no agent, an
outermost workflow or model call. What else has ended lies between the runs.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from infinium_otel.assembly.places import Place, Places
from infinium_otel.assembly.roles import AGENT
from infinium_otel.assembly.runs import Run, group_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from infinium_otel.assembly.roles import Roles
    from infinium_otel.assembly.waits import Waits
    from infinium_otel.records import SpanRecord, SpanStart

MAX_BETWEEN = 10_000
"""Spans between runs looked at when a run is emitted, at most."""


class LiveRuns:
    """An index of the spans of one open trace, by parents and roles.

    Args:
        spans: the ended spans of the trace, by id; owned by the trace.
        running: parents of the spans that run, by id; owned by the trace.
        roles: finds out what spans are to runs.
        find_emitted: the root of the run in which a span was emitted before, if any.
        start_roles: roles of the spans that run already.

    Attributes:
        due_s: when the runs that wait are emitted, by the ids of their roots.
    """

    def __init__(
        self,
        spans: Mapping[str, SpanRecord],
        running: Mapping[str, str | None],
        roles: Roles,
        find_emitted: Callable[[str], str | None],
        start_roles: dict[str, str] | None = None,
    ) -> None:
        self._spans = spans
        self._places = Places(spans, running, roles, find_emitted, start_roles or {})
        self._children: dict[str, dict[str, None]] = {}
        self._loose: dict[str, None] = {}
        self._waiting: dict[str, dict[str, None]] = {}
        self.due_s: dict[str, float] = {}
        for record in spans.values():
            self.add(record)

    @property
    def start_roles(self) -> dict[str, str]:
        """Roles of the spans that run."""
        return self._places.start_roles

    def indexes(self, spans: Mapping[str, SpanRecord]) -> bool:
        """Whether these are the spans it indexes, and all of them."""
        return spans is self._spans and len(spans) == len(self._places)

    def start(self, start: SpanStart) -> None:
        """Add a span that runs."""
        self._places.start(start)

    def add(self, record: SpanRecord) -> None:
        """Add a span that has ended, which the trace has already."""
        self._places.add(record)
        if record.parent_id is not None:
            self._children.setdefault(record.parent_id, {})[record.span_id] = None

    def update(
        self, span_ids: Iterable[str], now_s: float, waits: Waits
    ) -> tuple[list[str], list[str]]:
        """Find the runs that have ended, now that these spans have.

        Args:
            waits: how long a run waits for what.

        Returns:
            The roots of the runs to emit now, and of those that got a time in `due_s`.
        """
        places = self._places
        changed: dict[str, None] = {}
        for span_id in span_ids:
            self._note(span_id, places.locate(span_id), changed)
            for run in self._waiting.pop(span_id, ()):
                if run in self._spans:
                    self._note(run, places.locate(run), changed)
        ended = [r for r in changed if not places.is_running(r)]
        ready, waiting = [], []
        busy = places.find_busy() if ended else set()
        for run in ended:
            place = places.locate(run) if run in self._spans else Place(late=True)
            wait_s = self._get_wait_s(run, place, waits, is_busy=run in busy)
            if wait_s == 0:
                ready.append(run)
            elif wait_s is None:
                self.due_s.pop(run, None)
            elif place.missing is not None or run not in self.due_s:
                self.due_s[run] = now_s + wait_s
                waiting.append(run)
        return ready, waiting

    def _note(self, span_id: str, place: Place, changed: dict[str, None]) -> None:
        """Note which run a span belongs to, and what that waits for."""
        run = place.run
        if run is None:
            self._loose[span_id] = None
            return
        self._loose.pop(span_id, None)
        changed[run] = None
        if run != span_id:
            self.due_s.pop(span_id, None)
        if place.late:
            return
        waits_for = place.missing if run in self._spans else run
        if waits_for is not None:
            self._waiting.setdefault(waits_for, {})[
                run if run in self._spans else span_id
            ] = None

    def _get_wait_s(
        self, run: str, place: Place, waits: Waits, *, is_busy: bool
    ) -> float | None:
        """Seconds until a run that has ended is emitted; None if it is none after all."""
        if place.late:
            return waits.linger_s if is_busy else waits.late_s
        if place.run != run:
            return None
        if place.missing is not None and self._places.get_role(run) != AGENT:
            return waits.timeout_s
        if is_busy or place.missing is not None:
            return waits.linger_s
        return waits.settle_s

    def collect(self, run: str) -> list[SpanRecord]:
        """The ended spans of a run, or of the late part of one."""
        if run not in self._spans:
            return [
                record
                for span_id, record in self._spans.items()
                if self._places.locate(span_id).run == run
            ]
        found: list[SpanRecord] = []
        pending, seen = [run], {run}
        while pending:
            span_id = pending.pop()
            if span_id in self._spans:
                found.append(self._spans[span_id])
            for child in self._children.get(span_id, ()):
                if child not in seen:
                    seen.add(child)
                    pending.append(child)
        return found

    def collect_between(self, run: str) -> list[SpanRecord]:
        """What ended before a run began, and belongs to none."""
        if run not in self._spans:
            return []
        start_ns = self._spans[run].start_ns
        missing = self._places.locate(run).missing
        found = []
        for span_id in list(islice(self._loose, MAX_BETWEEN)):
            record = self._spans.get(span_id)
            if record is None:
                del self._loose[span_id]
                continue
            place = self._places.locate(span_id)
            is_settled = place.run is None and place.missing in (None, missing)
            if is_settled and record.start_ns <= start_ns:
                found.append(record)
        return found

    def is_running(self, run: str) -> bool:
        """Whether a span of the run is known to run."""
        return run in self._places.find_busy()

    def remove(self, records: Sequence[SpanRecord]) -> None:
        """Forget spans that are emitted."""
        self._places.remove(records)
        for record in records:
            span_id = record.span_id
            self._loose.pop(span_id, None)
            self._waiting.pop(span_id, None)
            self.due_s.pop(span_id, None)
            siblings = self._children.get(record.parent_id or "")
            if siblings is not None:
                siblings.pop(span_id, None)
                if not siblings:
                    del self._children[record.parent_id or ""]

    def group(self, records: list[SpanRecord]) -> tuple[list[Run], list[SpanRecord]]:
        """Group ended spans to runs; see `group_runs`."""
        return group_runs(records, self._places)
