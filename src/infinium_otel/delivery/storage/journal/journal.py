"""The journal of a process: spans are appended, marked as done, recovered after a kill."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.locks import RLock
from infinium_otel.delivery.storage.fsync import Unsynced, sync
from infinium_otel.delivery.storage.journal.codec import (
    DONE,
    HEADER,
    RESOURCE,
    encode_line,
    encode_log,
    encode_span,
)
from infinium_otel.delivery.storage.journal.directory import JournalDirectory
from infinium_otel.delivery.storage.journal.live_index import Entry, LiveIndex
from infinium_otel.delivery.storage.journal.orphaned_files import OrphanedFiles
from infinium_otel.errors import SpoolError
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from infinium_otel.records import LogEvent

logger = logging.getLogger(__name__)

MAX_BYTES = 256 * 1024 * 1024
TIDY_BYTES = 1024 * 1024
"""A file without live records is truncated from this size on."""

MAX_AGE_S = 4 * 3600.0
"""No trace stays open for this long; older records were never marked as done."""

FULL, FAILED = "journal full", "journal failed"
INTERRUPTED = "ended in a signal handler"


class Journal:
    """One process's append-only file in the directory beside the spool.

    Thread-safe. Nothing is opened before the first `append` or `recover`. A record is in
    the page cache when `append` returns: it survives the end of the process, but not
    that of the machine.

    Args:
        spool: path of the spool; the journal is in the directory `<spool>.journal`.
        max_bytes: largest size of the file; further spans are only in memory, counted.
        clock: a monotonic clock in seconds.

    Attributes:
        problems: records not written, and files and lines not read, by reason.
    """

    def __init__(
        self,
        spool: str,
        *,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = JournalDirectory(spool)
        self._max_bytes = max_bytes
        self._clock = clock
        self.problems: Counter[str] = Counter()
        self._orphaned_files = OrphanedFiles(self._directory, self.problems)
        self._reset()

    def _reset(self) -> None:
        self._lock = (
            RLock()
        )  # a signal's handler may end a span while its thread writes
        self._is_busy = False
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._live = LiveIndex()
        self._resources: dict[int, tuple[int, Any]] = {}
        self._numbers = count()
        self._logged_reasons: set[str] = set()
        self._missing: set[str] = set()
        self._unsynced = Unsynced(self._clock)

    @property
    def is_held(self) -> bool:
        """Whether the calling thread holds the lock: a signal handler has interrupted it."""
        return self._lock.is_held

    @property
    def holds_all(self) -> bool:
        """False while the file lacks a span of an open trace: it could not be written."""
        return not self._missing

    def append(self, record: SpanRecord | LogEvent) -> bool:
        """Write one record; it is in the page cache when this returns. Never raises.

        Returns:
            False if it could not be written (disk or journal full); it is counted.
        """
        with self._changing() as is_free:
            try:
                if not is_free:
                    self._count_problem(INTERRUPTED, "it is in memory only")
                elif self._append(record):
                    return True
                else:
                    self._count_problem(FULL, f"{self._max_bytes} bytes")
            except (OSError, SpoolError) as error:
                self._count_problem(FAILED, str(error))
            self._missing.add(record.span_id)
            return False

    @contextlib.contextmanager
    def _changing(self) -> Iterator[bool]:
        """Hold the lock; False if this thread does already, and a signal interrupted it.

        Nothing may be written then: the file and what is known of it may not agree.
        """
        with self._lock:
            is_free, self._is_busy = not self._is_busy, True
            try:
                yield is_free
            finally:
                self._is_busy = not is_free

    def _append(self, record: SpanRecord | LogEvent) -> bool:
        self._open()
        resource = self._number_resource(record.resource)
        encode = encode_span if isinstance(record, SpanRecord) else encode_log
        data = encode(record, resource)  # type: ignore[arg-type]  # each gets its type
        is_full = self._size + len(data) > self._max_bytes
        if is_full and not self._compact(len(data), resource):
            return False
        offset = self._size
        self._write(data)
        entry = Entry(offset, len(data), self._clock(), resource)
        self._live.add(record.span_id, entry)
        return True

    def _open(self) -> int:
        if self._file is None:
            self._directory.prepare()
            self._file, self._path = self._directory.create_file()
            self._size = len(HEADER)
        return self._file

    def _number_resource(self, resource: Any) -> int:
        """The number of a resource's line; writes the line if there is none yet."""
        entry = self._resources.get(id(resource))
        if entry is not None and entry[1] is resource:
            return entry[0]
        number = next(self._numbers)
        self._write(encode_line([RESOURCE, number, resource]))
        self._resources[id(resource)] = (number, resource)
        return number

    def _write(self, data: bytes) -> None:
        """Write all of *data* or nothing."""
        file = self._open()
        try:
            written = os.write(file, data)
            _require_complete(written == len(data))
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, self._size)
            raise
        self._size += written
        self._unsynced.mark()

    def hand_over(self, span_ids: Iterable[str]) -> None:
        """Record that these spans are with the sender, which is responsible for them now."""
        with self._lock:
            self._missing.difference_update(span_ids)

    def mark_done(self, span_ids: Iterable[str]) -> None:
        """Record that these spans are stored elsewhere: their task is in the spool."""
        done = set(span_ids)
        with self._changing():
            self._missing -= done
            removed = self._live.remove(done)
            if not removed:
                return
            try:
                if self._live or self._size < TIDY_BYTES:
                    self._write(encode_line([DONE, removed]))
                else:
                    self._truncate()
                if self._size > max(TIDY_BYTES * 8, 2 * self._live.bytes):
                    self._compact()
            except OSError as error:
                self._count_problem(FAILED, str(error))

    def _truncate(self) -> None:
        os.ftruncate(self._open(), len(HEADER))
        self._size = len(HEADER)
        self._resources.clear()

    def _compact(self, room: int = 0, resource: int | None = None) -> bool:
        """Replace the file by one with the live records only.

        The rename is atomic, so a kill leaves either the old or the new file.

        Args:
            room: bytes required for the next record.
            resource: number of the resource of that record; None without one.

        Returns:
            False if the new file would be too large: nothing has changed.
        """
        live = self._live.select_since(self._clock() - MAX_AGE_S)
        used = {resource, *(entry.resource for _, entry in live)}
        kept = {k: v for k, v in self._resources.items() if v[0] in used}
        resources = b"".join(encode_line([RESOURCE, *each]) for each in kept.values())
        if len(HEADER) + len(resources) + live.bytes + room > self._max_bytes:
            return False
        self._replace_file(live, resources)
        self._resources = kept
        return True

    def _replace_file(self, live: LiveIndex, resources: bytes) -> None:
        old, path = self._open(), self._path
        new, temporary = self._directory.create_file(".tmp")
        size, moved = len(HEADER) + len(resources), LiveIndex()
        try:
            os.write(new, resources)
            for span_id, entry in live:
                os.write(new, os.pread(old, entry.length, entry.offset))
                moved.add(span_id, entry._replace(offset=size))
                size += entry.length
            _require_complete(os.fstat(new).st_size == size)
            os.fsync(new)
            temporary.replace(path or temporary)
        except OSError:
            os.close(new)
            temporary.unlink(missing_ok=True)
            raise
        os.close(old)
        self._file, self._size, self._live = new, size, moved

    def sync(self) -> float | None:
        """Fsync what was appended, if it is time to. Never raises.

        Returns:
            Seconds until it is; None if everything is synced.
        """
        with self._changing():
            due_s, path = self._unsynced.due_s(), self._path
            if due_s != 0 or self._file is None:
                return due_s
            self._unsynced.clear()
        try:
            sync(str(path))
        except FileNotFoundError:
            self._rewrite_removed_file()
        except OSError as error:
            with self._changing():
                self._count_problem(FAILED, str(error))
        return None

    def _rewrite_removed_file(self) -> None:
        """Copy the live records of a file that was deleted while open into a new one."""
        with self._changing():
            if self._file is None:  # closed in the meantime, without live records
                return
            logger.error(
                "The journal %s was removed; its content is written to a new file",
                self._path,
            )
            try:
                self._directory.prepare()
                self._compact()
            except (OSError, SpoolError) as error:
                self._count_problem(FAILED, str(error))

    def recover(self) -> list[SpanRecord | LogEvent]:
        """Read the records of dead processes, in the order they were written.

        Their files are kept, locked by this process, until `remove_recovered`.
        """
        try:
            return self._orphaned_files.read()
        except SpoolError as error:
            self._count_problem(FAILED, str(error))
            return []

    def remove_recovered(self) -> None:
        """Remove the files of dead processes: their records are stored elsewhere."""
        self._orphaned_files.remove()

    def close(self) -> None:
        """Close the file; remove it if it has no live records. An append opens another."""
        with self._changing():
            file, path, is_live = self._file, self._path, bool(self._live)
            self._file = None
            self._live, self._resources = LiveIndex(), {}
        self._orphaned_files.release()
        if file is not None and path is not None:
            if not is_live:
                with contextlib.suppress(OSError):
                    path.unlink()
            elif self._unsynced.due_s() is not None:
                with contextlib.suppress(OSError):
                    os.fsync(file)
            os.close(file)

    def after_fork_in_child(self) -> None:
        """Drop the file, which belongs to the parent; the child opens its own on use."""
        if self._file is not None:
            os.close(self._file)
        self._orphaned_files.release()
        self._reset()

    def _count_problem(self, reason: str, detail: str) -> None:
        self.problems[reason] += 1
        if reason not in self._logged_reasons:
            self._logged_reasons.add(reason)
            logger.error(
                "Spans of open traces would be lost in a kill: %s (%s)", reason, detail
            )


def _require_complete(is_complete: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_complete:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
