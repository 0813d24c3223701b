"""Where spans are in a trace: in which run, or between runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.assembly.roles import AGENT, UNKNOWN
from infinium_otel.assembly.trees import is_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from infinium_otel.assembly.roles import Roles
    from infinium_otel.records import SpanRecord, SpanStart


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span is.

    Args:
        agent: the outermost agent that it is or lies below, ended or not.
        other: the outermost workflow or model call that has no agent below it.
        missing: the ancestor that was not seen; None if its root is known.
        late: whether that one was emitted before, in the run `agent`.
    """

    agent: str | None = None
    other: str | None = None
    missing: str | None = None
    late: bool = False

    @property
    def run(self) -> str | None:
        """The span that is the root of its run; None between runs."""
        return self.agent or self.other


class Places:
    """The places of the spans of one open trace, found by parents and roles.

    Args:
        spans: the ended spans of the trace, by id; owned by the trace.
        running: parents of the spans that run, by id; owned by the trace.
        roles: finds out what spans are to runs.
        find_emitted: the root of the run in which a span was emitted before, if any.
        start_roles: roles of the spans that run already.
    """

    def __init__(
        self,
        spans: Mapping[str, SpanRecord],
        running: Mapping[str, str | None],
        roles: Roles,
        find_emitted: Callable[[str], str | None],
        start_roles: dict[str, str],
    ) -> None:
        self._spans = spans
        self._running = running
        self._find = roles
        self._find_emitted = find_emitted
        self._roles: dict[str, str] = {}
        self._frames: set[str] = set()
        self._places: dict[str, Place] = {}
        self.start_roles = start_roles
        for span_id in start_roles:
            self._mark_frames(span_id)

    def __len__(self) -> int:
        """How many ended spans were added."""
        return len(self._roles)

    def start(self, start: SpanStart) -> None:
        """Add a span that runs."""
        role = self._find.find_start_role(start)
        if role:
            self.start_roles[start.span_id] = role
            self._mark_frames(start.span_id)
        if role or start.span_id in self._places:
            self._places.clear()

    def add(self, record: SpanRecord) -> None:
        """Add a span that has ended, which the trace has already."""
        span_id = record.span_id
        before = self._places.get(span_id)
        had_role = self.start_roles.pop(span_id, None)
        role = self._roles[span_id] = self._find.find_role(record)
        if role or had_role or (before is not None and before.missing == span_id):
            self._places.clear()
        self._mark_frames(span_id)

    def remove(self, records: Iterable[SpanRecord]) -> None:
        """Forget spans that are emitted."""
        self._places.clear()
        for record in records:
            self._roles.pop(record.span_id, None)
            self._frames.discard(record.span_id)

    def get_role(self, span_id: str) -> str:
        """The role of a span that runs or has ended; "" if it has none."""
        return self._roles.get(span_id) or self.start_roles.get(span_id, "")

    def is_running(self, span_id: str) -> bool:
        """Whether a span is known to run."""
        return span_id not in self._spans and span_id in self._running

    def find_busy(self) -> set[str | None]:
        """The runs in which a span is known to run; None is between runs."""
        return {self.locate(each).run for each in self._running}

    def locate(self, span_id: str) -> Place:
        """The place of a span."""
        known = self._places
        path: dict[str, None] = {}
        here: str | None = span_id
        place = Place()
        while here is not None and here not in path:
            if here in known:
                place = known[here]
                break
            if not self._is_known(here):
                run = self._find_emitted(here)
                place = known[here] = Place(run, missing=here, late=run is not None)
                break
            path[here] = None
            here = self._get_parent(here)
        for each in reversed(path):
            known[each] = place = self._descend(place, each)
        return place

    def _descend(self, above: Place, span_id: str) -> Place:
        """The place of a span below *above*."""
        role = self.get_role(span_id)
        if not role or above.agent:
            return above
        if role in (AGENT, UNKNOWN):
            return Place(span_id, None, above.missing)
        if above.other or span_id in self._frames:
            return above
        return Place(None, span_id, above.missing)

    def _mark_frames(self, span_id: str) -> None:
        """Mark what lies above an agent: it is no run of its own."""
        if self.get_role(span_id) != AGENT and span_id not in self._frames:
            return
        above = self._get_parent(span_id)
        while above is not None and above not in self._frames:
            self._frames.add(above)
            above = self._get_parent(above)

    def _get_parent(self, span_id: str) -> str | None:
        record = self._spans.get(span_id)
        if record is None:
            return self._running.get(span_id)
        return None if is_root(record) else record.parent_id

    def _is_known(self, span_id: str) -> bool:
        return span_id in self._spans or span_id in self._running
