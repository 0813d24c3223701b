"""A process's journal: appended to, told what is done, recovered by the next."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.journal.folder import Folder
from infinium_otel.delivery.journal.leftovers import Leftovers
from infinium_otel.delivery.journal.lines import (
    DONE,
    HEADER,
    RESOURCE,
    line,
    log_line,
    span_line,
)
from infinium_otel.delivery.journal.live import Entry, Live
from infinium_otel.delivery.power import Unsynced, sync
from infinium_otel.errors import SpoolError
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from infinium_otel.records import LogEvent

logger = logging.getLogger(__name__)

MAX_BYTES = 256 * 1024 * 1024
TIDY_BYTES = 1024 * 1024
"""A file with nothing live in it is emptied from this size on."""

MAX_AGE_S = 4 * 3600.0
"""No trace stays open for so long; what is older was never said to be done."""

FULL, FAILED = "journal full", "journal failed"


class Journal:
    """One process's append-only file in the folder beside the spool.

    Thread-safe. Nothing is opened before the first `append` or `recover`. A record is
    in the page cache when `append` returns: it survives the end of the process, but not
    of the machine.

    Args:
        spool: path of the spool; the journal lives in the folder `<spool>.journal`.
        max_bytes: of the file; past it spans are kept in memory only, counted.
        clock: a monotonic clock in seconds.

    Attributes:
        problems: records not written, and lines not read, by reason.
    """

    def __init__(
        self,
        spool: str,
        *,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Folder(spool)
        self._max_bytes = max_bytes
        self._clock = clock
        self.problems: Counter[str] = Counter()
        self._leftovers = Leftovers(self._folder, self.problems)
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._live = Live()
        self._resources: dict[int, tuple[int, Any]] = {}
        self._numbers = count()
        self._told: set[str] = set()
        self._missing: set[str] = set()
        self._unsynced = Unsynced(self._clock)

    @property
    def holds_all(self) -> bool:
        """False while a span that is open could not be written."""
        return not self._missing

    def append(self, record: SpanRecord | LogEvent) -> bool:
        """Writes one record, in the page cache when this returns. Never raises.

        Returns:
            False if it could not be written (disk full, bound reached); counted.
        """
        with self._lock:
            try:
                if self._append(record):
                    return True
                self._problem(FULL, f"{self._max_bytes} bytes")
            except (OSError, SpoolError) as error:
                self._problem(FAILED, str(error))
            self._missing.add(record.span_id)
            return False

    def _append(self, record: SpanRecord | LogEvent) -> bool:
        self._open()
        resource = self._resource(record.resource)
        write = span_line if isinstance(record, SpanRecord) else log_line
        data = write(record, resource)  # type: ignore[arg-type]  # each gets its kind
        too_full = self._size + len(data) > self._max_bytes
        if too_full and not self._compacted(len(data), resource):
            return False
        at = self._size
        self._write(data)
        entry = Entry(at, len(data), self._clock(), resource)
        self._live.add(record.span_id, entry)
        return True

    def _open(self) -> int:
        if self._file is None:
            self._folder.prepare()
            self._file, self._path = self._folder.new()
            self._size = len(HEADER)
        return self._file

    def _resource(self, resource: Any) -> int:
        """The number under which a resource was written; it is the same for long."""
        known = self._resources.get(id(resource))
        if known is not None and known[1] is resource:
            return known[0]
        number = next(self._numbers)
        self._write(line([RESOURCE, number, resource]))
        self._resources[id(resource)] = (number, resource)
        return number

    def _write(self, data: bytes) -> None:
        """All of *data* or none of it."""
        file = self._open()
        try:
            written = os.write(file, data)
            _require(written == len(data))
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, self._size)
            raise
        self._size += written
        self._unsynced.wrote()

    def handed_over(self, span_ids: Iterable[str]) -> None:
        """Says that these spans are open no more: whoever sends them answers for them."""
        with self._lock:
            self._missing.difference_update(span_ids)

    def done(self, span_ids: Iterable[str]) -> None:
        """Says that these spans are safe elsewhere (their task is in the spool)."""
        ended = set(span_ids)
        with self._lock:
            self._missing -= ended
            known = self._live.end(ended)
            if not known:
                return
            try:
                if self._live or self._size < TIDY_BYTES:
                    self._write(line([DONE, known]))
                else:
                    self._empty()
                if self._size > max(TIDY_BYTES * 8, 2 * self._live.bytes):
                    self._compacted()
            except OSError as error:
                self._problem(FAILED, str(error))

    def _empty(self) -> None:
        os.ftruncate(self._open(), len(HEADER))
        self._size = len(HEADER)
        self._resources.clear()

    def _compacted(self, room: int = 0, resource: int | None = None) -> bool:
        """Writes what is live to a new file in place of this; False if that is no help.

        The name changes hands in one step, so a kill leaves one of the two.

        Args:
            room: bytes there must be for what comes next.
            resource: what that belongs to.
        """
        live = self._live.since(self._clock() - MAX_AGE_S)
        used = {resource, *(entry.resource for _, entry in live)}
        known = {k: v for k, v in self._resources.items() if v[0] in used}
        resources = b"".join(line([RESOURCE, *each]) for each in known.values())
        if len(HEADER) + len(resources) + live.bytes + room > self._max_bytes:
            return False
        self._move(live, resources)
        self._resources = known
        return True

    def _move(self, live: Live, resources: bytes) -> None:
        old, path = self._open(), self._path
        new, temporary = self._folder.new(".tmp")
        size, moved = len(HEADER) + len(resources), Live()
        try:
            os.write(new, resources)
            for span_id, entry in live:
                os.write(new, os.pread(old, entry.length, entry.offset))
                moved.add(span_id, entry._replace(offset=size))
                size += entry.length
            _require(os.fstat(new).st_size == size)
            os.fsync(new)
            temporary.replace(path or temporary)
        except OSError:
            os.close(new)
            temporary.unlink(missing_ok=True)
            raise
        os.close(old)
        self._file, self._size, self._live = new, size, moved

    def sync(self) -> float | None:
        """Has the disk keep what was appended, if it is time to. Never raises.

        Returns:
            Seconds until it is; None if the disk has everything.
        """
        with self._lock:
            due_s, path = self._unsynced.due_s(), self._path
            if due_s != 0 or self._file is None:
                return due_s
            self._unsynced.clear()
        try:
            sync(str(path))
        except FileNotFoundError:
            self._write_anew()
        except OSError as error:
            with self._lock:
                self._problem(FAILED, str(error))
        return None

    def _write_anew(self) -> None:
        """Puts what is live in a file that somebody removed under us into a new one."""
        with self._lock:
            if self._file is None:  # it was closed meanwhile, with nothing live in it
                return
            logger.error("The journal %s was removed; it is written anew", self._path)
            try:
                self._folder.prepare()
                self._compacted()
            except (OSError, SpoolError) as error:
                self._problem(FAILED, str(error))

    def recover(self) -> list[SpanRecord | LogEvent]:
        """Records that dead processes left, in the order they were written.

        Their files stay, locked by this process, until `recovered` is called.
        """
        try:
            return self._leftovers.read()
        except SpoolError as error:
            self._problem(FAILED, str(error))
            return []

    def recovered(self) -> None:
        """Says that what `recover` returned is safe elsewhere: removes the files."""
        self._leftovers.safe()

    def close(self) -> None:
        """Closes the file; removes it if no span in it is live."""
        with self._lock:
            file, path, live = self._file, self._path, bool(self._live)
            self._file = None
        self._leftovers.release()
        if file is not None and path is not None:
            if not live:
                with contextlib.suppress(OSError):
                    path.unlink()
            elif self._unsynced.due_s() is not None:
                with contextlib.suppress(OSError):
                    os.fsync(file)
            os.close(file)

    def after_fork_in_child(self) -> None:
        """Leaves the file to the parent; the child opens its own when it needs one."""
        if self._file is not None:
            os.close(self._file)
        self._leftovers.release()
        self._reset()

    def _problem(self, reason: str, detail: str) -> None:
        self.problems[reason] += 1
        if reason not in self._told:
            self._told.add(reason)
            logger.error(
                "Spans of open traces are not safe over a kill: %s (%s)", reason, detail
            )


def _require(whole: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
