"""From requests to the runner, no faster than tasks can be delivered."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from infinium_otel.apps.gateway.admission import check_new_runs, find_shortage
from infinium_otel.apps.http.body_limiter import BusyError
from infinium_otel.records import LogEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.otlp import Record
    from infinium_otel.runtime import PipelineRunner

MAX_REMEMBERED = 10_000
"""Runs that began lately, at most: further ones are looked up among the open runs."""


class GatewaySink:
    """Accepts records while there is room for their tasks. Thread-safe.

    Args:
        runner: assembles and delivers.
        get_rate: returns how many requests a second it may send; None for the setting.
    """

    def __init__(
        self, runner: PipelineRunner, get_rate: Callable[[], float] | None = None
    ) -> None:
        self._runner = runner
        self._get_rate = get_rate or (lambda: runner.config.requests_per_second)
        self._begun: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def accept(self, records: list[Record]) -> None:
        """Accept the records of one request.

        While the queue is full, only those of runs that have begun are accepted, and the
        sender has to send all of them again: what comes twice is dropped then.

        Raises:
            BusyError: there is no room for a new run; `retry_after` is when to retry.
            DecodingError: there are more new runs than there ever is room for (413).
        """
        if self._runner.closed:
            raise BusyError
        new = self._find_new(records)
        runner = self._runner
        shortage = find_shortage(
            runner.load(), runner.config, len(new), self._get_rate()
        )
        if shortage is None:
            self._feed(records, new)
            return
        begun = [record for record in records if record.trace_id not in new]
        if begun and not shortage.in_queue:
            self._feed(records, new)  # refusing it would hold up what makes room
            return
        self._feed(begun, ())
        check_new_runs(self._runner.config, len(new))
        raise BusyError(shortage.wait_s)

    def _find_new(self, records: list[Record]) -> set[str]:
        """The traces that begin with these records."""
        ids = {
            record.trace_id for record in records if not isinstance(record, LogEvent)
        }
        with self._lock:
            unknown = ids.difference(self._begun)
        return {each for each in unknown if not self._runner.is_open(each)}

    def _feed(self, records: list[Record], new: Iterable[str]) -> None:
        with self._lock:
            self._begun.update(dict.fromkeys(new))
            while len(self._begun) > MAX_REMEMBERED:
                self._begun.popitem(last=False)
        for record in records:
            self._runner.on_end(record)
        if records:
            self._runner.process_soon()
