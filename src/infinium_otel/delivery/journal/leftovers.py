"""Journals that dead processes left: read, then removed or moved aside."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

from infinium_otel.delivery.journal.folder import SUFFIX
from infinium_otel.delivery.journal.lines import HEADER, Reading

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from infinium_otel.delivery.journal.folder import Folder
    from infinium_otel.records import LogEvent, SpanRecord

logger = logging.getLogger(__name__)


class Leftovers:
    """Files of dead processes, locked by this one from `read` until `safe`.

    Args:
        folder: where they lie.
        problems: counts what could not be read, by reason.
    """

    def __init__(self, folder: Folder, problems: Counter[str]) -> None:
        self._folder = folder
        self._problems = problems
        self._held: list[tuple[int, Path, bool]] = []

    def read(self) -> list[SpanRecord | LogEvent]:
        """Their records, in the order they were written.

        Raises:
            SpoolError: others may write into the folder, so nothing in it is believed.
        """
        records: list[SpanRecord | LogEvent] = []
        for file, path in self._folder.orphans():
            if path.suffix == ".tmp":
                _remove(file, path)
                continue
            reading = _reading(file)
            if reading is None:
                self._problems["foreign"] += 1
                _move_aside(file, path, "foreign")
                continue
            records += reading.finish()
            self._problems.update(reading.skipped)
            self._held.append((file, path, bool(reading.skipped["damaged"])))
        return records

    def safe(self) -> None:
        """Says that what `read` returned is safe elsewhere: the files go."""
        files, self._held = self._held, []
        for file, path, damaged in files:
            if damaged:
                _move_aside(file, path, "damaged")
            else:
                _remove(file, path)

    def release(self) -> None:
        """Leaves the files to whoever comes next."""
        files, self._held = self._held, []
        for file, _, _ in files:
            os.close(file)


def _reading(file: int) -> Reading | None:
    """What a file says; None if it is no journal of ours."""
    with os.fdopen(os.dup(file), "rb") as source:
        source.seek(0)
        if source.readline() != HEADER:
            return None
        reading = Reading()
        reading.feed(source)
        return reading


def _remove(file: int, path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
    os.close(file)


def _move_aside(file: int, path: Path, why: str) -> None:
    logger.error("The journal %s is %s; it was moved aside", path, why)
    with contextlib.suppress(OSError):
        path.rename(f"{str(path).removesuffix(SUFFIX)}.{why}")
    os.close(file)
