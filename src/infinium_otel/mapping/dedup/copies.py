"""Finding the runs that repeat another run, call by call."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from infinium_otel.mapping.dedup.reported_calls import (
    MAX_PAUSE_NS,
    SLACK_NS,
    ReportedCall,
    is_same_call,
    is_stream,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

MAX_CANDIDATES = 1_000
"""Calls compared with one call, at most: runs that reuse one id a million times are not copies."""


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """What one trace reports of model calls.

    Args:
        calls: its model calls.
        steps: the number of its steps that spans report.
        facts: the number of facts in its calls; of two runs, the one with more is kept.
        only_calls: whether it has no steps but calls and what their messages contain.
    """

    calls: tuple[ReportedCall, ...]
    steps: int
    facts: int
    only_calls: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """A run that repeats another.

    Args:
        index: the run that is dropped.
        of: the run that is kept.
        calls: which call of the kept run each of its calls is, by index.
    """

    index: int
    of: int
    calls: tuple[int, ...]


def find_copies(runs: Sequence[ReportedRun]) -> list[Copy]:
    """Which of *runs* repeat another of them, those with the fewest facts first.

    The run with more steps is kept; of two with equally many the one with more facts,
    then the first.
    """
    order = sorted(range(len(runs)), key=lambda i: (runs[i].steps, runs[i].facts, -i))
    rank = {index: place for place, index in enumerate(order)}
    calls = _CallIndex(runs)
    copies = []
    for index in order:
        if runs[index].only_calls and runs[index].calls:
            copy = _find_copy(index, runs, rank, calls)
            if copy is not None:
                copies.append(copy)
    return copies


def _find_copy(
    index: int, runs: Sequence[ReportedRun], rank: Mapping[int, int], calls: _CallIndex
) -> Copy | None:
    run = runs[index]
    others = dict.fromkeys(other for other, _ in calls.find_similar(run.calls[0]))
    for other in others:
        if rank[other] > rank[index]:
            matched = calls.claim(index, other)
            if matched is not None:
                return Copy(index, other, matched)
    return None


class _CallIndex:
    """All calls of all runs, by the keys that could match another report of them."""

    def __init__(self, runs: Sequence[ReportedRun]) -> None:
        self._runs = runs
        self._reports: dict[tuple[int, int], set[tuple[str | None, bool]]] = {
            (index, place): {(call.scope, call.is_log)}
            for index, run in enumerate(runs)
            for place, call in enumerate(run.calls)
        }
        self._places: dict[Hashable, dict[str | None, list[tuple[int, int, int]]]] = (
            defaultdict(lambda: defaultdict(list))
        )
        for index, run in enumerate(runs):
            for place, call in enumerate(run.calls):
                for key in _iter_keys(call):
                    entry = (call.start_ns, index, place)
                    self._places[key][call.scope].append(entry)
        for by_scope in self._places.values():
            for entries in by_scope.values():
                entries.sort()

    def find_similar(self, call: ReportedCall) -> Iterator[tuple[int, int]]:
        """Calls that may be *call*, as run and place, the ones nearest in time first."""
        return islice(self._iter_similar(call), MAX_CANDIDATES)

    def _iter_similar(self, call: ReportedCall) -> Iterator[tuple[int, int]]:
        if call.is_open:
            yield from self._iter_logs(call)
        latest = (call.end_ns + SLACK_NS, len(self._runs), 0)
        for key in _iter_keys(call):
            for scope, entries in self._places[key].items():
                if scope == call.scope:
                    continue
                end = bisect_right(entries, latest)
                for place in range(end - 1, max(-1, end - 1 - MAX_CANDIDATES), -1):
                    _, run, number = entries[place]
                    if is_same_call(call, self._runs[run].calls[number]):
                        yield run, number

    def _iter_logs(self, call: ReportedCall) -> Iterator[tuple[int, int]]:
        """Log records of the stream that *call* began, the first ones first."""
        entries = self._places[_get_stream_key(call)][call.scope]
        begin = bisect_right(entries, (call.end_ns - SLACK_NS, -1, -1))
        for start_ns, run, number in entries[begin : begin + MAX_CANDIDATES]:
            if start_ns > call.end_ns + MAX_PAUSE_NS:
                return
            yield run, number

    def claim(self, index: int, other: int) -> tuple[int, ...] | None:
        """Match the calls of run *index* with distinct calls of run *other*.

        An instrumentation reports a call once: calls that the same one reports, itself
        or through copies merged before, are two.

        Returns:
            For each call the place of its match; None if one has none.
        """
        matched: list[int] = []
        for number, call in enumerate(self._runs[index].calls):
            own = self._reports[index, number]
            place = next(
                (
                    place
                    for place, theirs in enumerate(self._runs[other].calls)
                    if place not in matched
                    and own.isdisjoint(self._reports[other, place])
                    and (is_same_call(call, theirs) or is_stream(call, theirs))
                ),
                None,
            )
            if place is None:
                return None
            matched.append(place)
        for number, place in enumerate(matched):
            self._reports[other, place] |= self._reports[index, number]
        return tuple(matched)


def _iter_keys(call: ReportedCall) -> Iterator[Hashable]:
    """What a call shares with every other report of it."""
    if call.response_id:
        yield "id", call.response_id
    elif call.tokens:
        yield "tokens", call.tokens
    elif call.failed and call.question:
        yield "failed", call.question
    if call.response_id and call.tokens:
        yield "tokens", call.tokens  # the other report may lack the id
    if call.is_log and not call.is_open:
        yield _get_stream_key(call)


def _get_stream_key(call: ReportedCall) -> Hashable:
    return "stream", call.question
