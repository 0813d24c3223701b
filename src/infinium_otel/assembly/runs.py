"""Runs inside a trace, and the grouping of ended spans to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.assembly.places import Places
    from infinium_otel.records import SpanRecord


@dataclass(slots=True)
class Run:
    """Spans that make a run, or a part of one.

    Args:
        rooted: whether its root has ended.
        complete: whether nothing of it is known to run.
        between: what ran before it, since the run before.
    """

    root_id: str
    records: list[SpanRecord]
    rooted: bool = True
    complete: bool = True
    between: list[SpanRecord] = field(default_factory=list)

    @property
    def start(self) -> tuple[int, int, str]:
        """Sorts runs by start."""
        return min(map(sort_key, self.records))


def group_runs(
    records: list[SpanRecord], places: Places
) -> tuple[list[Run], list[SpanRecord]]:
    """Group ended spans to runs, which are emitted whatever else runs.

    Spans without a run whose root was not seen are one incomplete run: it may have
    been an agent that was killed.

    Returns:
        the runs by start, and what comes after the last; no runs if there is none.
    """
    runs: dict[str, Run] = {}
    orphans: dict[str, list[SpanRecord]] = {}
    loose: list[SpanRecord] = []
    for record in records:
        place = places.locate(record.span_id)
        if place.agent is None and place.missing is not None:
            orphans.setdefault(place.missing, []).append(record)
        elif place.run is None:
            loose.append(record)
        else:
            runs.setdefault(place.run, Run(place.run, [])).records.append(record)
    _mark_incomplete(runs.values(), places)
    found = list(runs.values())
    for members in orphans.values():
        if any(places.locate(each.span_id).other for each in members):
            top = min(members, key=sort_key)
            found.append(Run(top.span_id, members, rooted=False, complete=False))
        else:
            loose += members
    found.sort(key=lambda run: run.start)
    return found, _share(loose, found)


def _mark_incomplete(runs: Iterable[Run], places: Places) -> None:
    """Find out which of *runs* lack their root, or go on."""
    busy = places.find_busy()
    for run in runs:
        run.rooted = not places.is_running(run.root_id)
        run.complete = run.rooted and run.root_id not in busy


def _share(loose: list[SpanRecord], runs: list[Run]) -> list[SpanRecord]:
    """Give each loose span to the next run; returns those that none follows."""
    rest = []
    place = 0
    starts = [run.start[0] for run in runs]
    for record in sorted(loose, key=sort_key):
        while place < len(runs) and starts[place] < record.start_ns:
            place += 1
        if place < len(runs):
            runs[place].between.append(record)
        else:
            rest.append(record)
    return rest
