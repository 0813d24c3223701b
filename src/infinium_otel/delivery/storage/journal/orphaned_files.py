"""Journals of dead processes: read, then removed or moved aside."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

from infinium_otel.delivery.storage.journal.codec import HEADER, JournalReader
from infinium_otel.delivery.storage.journal.directory import SUFFIX

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from infinium_otel.delivery.storage.journal.directory import JournalDirectory
    from infinium_otel.records import LogEvent, SpanRecord

logger = logging.getLogger(__name__)


class OrphanedFiles:
    """Journals of dead processes, locked by this one from `read` until `remove`.

    Args:
        directory: contains them.
        problems: counter of files and lines that could not be read, by reason.
    """

    def __init__(self, directory: JournalDirectory, problems: Counter[str]) -> None:
        self._directory = directory
        self._problems = problems
        self._held: list[tuple[int, Path, bool]] = []

    def read(self) -> list[SpanRecord | LogEvent]:
        """Their records, in the order they were written.

        Raises:
            SpoolError: other users may write to the directory, so it is not trusted.
        """
        records: list[SpanRecord | LogEvent] = []
        for file, path in self._directory.lock_orphans():
            if path.suffix == ".tmp":
                _delete(file, path)
                continue
            reader = _read_file(file)
            if reader is None:
                self._problems["foreign"] += 1
                _move_aside(file, path, "foreign")
                continue
            records += reader.finish()
            self._problems.update(reader.skipped)
            self._held.append((file, path, bool(reader.skipped["damaged"])))
        return records

    def remove(self) -> None:
        """Remove the files: the records that `read` returned are stored elsewhere."""
        files, self._held = self._held, []
        for file, path, damaged in files:
            if damaged:
                _move_aside(file, path, "damaged")
            else:
                _delete(file, path)

    def release(self) -> None:
        """Unlock the files, so that another process can recover them."""
        files, self._held = self._held, []
        for file, _, _ in files:
            os.close(file)


def _read_file(file: int) -> JournalReader | None:
    """Read a file; None if it is not a journal of ours."""
    with os.fdopen(os.dup(file), "rb") as source:
        source.seek(0)
        if source.readline() != HEADER:
            return None
        reader = JournalReader()
        reader.feed(source)
        return reader


def _delete(file: int, path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
    os.close(file)


def _move_aside(file: int, path: Path, reason: str) -> None:
    logger.error("The journal %s is %s; it was moved aside", path, reason)
    with contextlib.suppress(OSError):
        path.rename(f"{str(path).removesuffix(SUFFIX)}.{reason}")
    os.close(file)
