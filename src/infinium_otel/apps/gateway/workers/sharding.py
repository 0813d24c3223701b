"""Which worker holds a trace, and how a request is divided among the workers."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from zlib import crc32

from infinium_otel.apps.http.body_limiter import BusyError
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from infinium_otel.apps.gateway.workers.links import PeerLink
    from infinium_otel.otlp import Record


def find_owner(trace_id: str, workers: int) -> int:
    """The worker that holds a trace: the same in every process and after every restart.

    A checksum, because not every part of an id is random (X-Ray begins with the time).
    """
    return crc32(trace_id.encode()) % workers


def split(records: Iterable[Record], workers: int) -> dict[int, list[Record]]:
    """Records by the worker that holds their trace, in order; only those with any."""
    owners: dict[str, int] = {}
    parts: dict[int, list[Record]] = {}
    for record in records:
        owner = owners.get(record.trace_id)
        if owner is None:
            owner = owners[record.trace_id] = find_owner(record.trace_id, workers)
        parts.setdefault(owner, []).append(record)
    return parts


@dataclass(slots=True)
class ForwardCounters:
    """Counts since the start.

    Args:
        forwarded: records sent to other workers, and accepted there.
        not_forwarded: parts of requests that another worker did not accept.
    """

    forwarded: int = 0
    not_forwarded: int = 0


class ShardedSink:
    """Accepts the records of a request where their traces are held. Thread-safe.

    Args:
        accept: accepts the records of this worker's traces.
        index: of this worker.
        links: to each of the others, by index.
        counters: updated with each request.
    """

    def __init__(
        self,
        accept: Callable[[list[Record]], None],
        index: int,
        links: Mapping[int, PeerLink],
        counters: ForwardCounters,
    ) -> None:
        self._accept_own = accept
        self._index = index
        self._links = links
        self._counters = counters
        self._lock = Lock()

    def accept(self, records: list[Record]) -> None:
        """Accept records: those of other workers' traces are accepted by these first.

        If one does not accept its part, the sender sends everything again; what the
        others got twice is dropped there.

        Raises:
            BusyError: there is no room at one of them, or it cannot be reached now.
            DecodingError: there is more than one of them ever has room for (413).
            InfiniumError: one of them failed.
        """
        parts = split(records, len(self._links) + 1)
        own = parts.pop(self._index, [])
        errors = [self._try_accept(own)] if own else []
        exchanges = []
        for owner, part in parts.items():
            try:
                exchanges.append((self._links[owner].begin(part), len(part)))
            except InfiniumError as error:
                errors.append(error)
                self._count(0)
        for exchange, count in exchanges:
            errors.append(problem := exchange.finish())
            self._count(0 if problem else count)
        raise_worst(errors)

    def close(self) -> None:
        """Disconnect from the other workers: no more requests will come."""
        for link in self._links.values():
            link.close()

    def _try_accept(self, records: list[Record]) -> InfiniumError | None:
        try:
            self._accept_own(records)
        except InfiniumError as error:
            return error
        return None

    def _count(self, accepted: int) -> None:
        with self._lock:
            self._counters.forwarded += accepted
            self._counters.not_forwarded += not accepted


def raise_worst(errors: Iterable[InfiniumError | None]) -> None:
    """Raise the error that decides about a request; nothing if there is none.

    Where one part can be accepted later and another never, the sender should retry:
    then the first part arrives.
    """
    found = [error for error in errors if error is not None]
    busy = [error for error in found if isinstance(error, BusyError)]
    if busy:
        raise BusyError(max(error.retry_after or 0.0 for error in busy))
    for error in sorted(found, key=lambda each: isinstance(each, DecodingError)):
        raise error
