"""Ended spans of traces that are still open, on disk so that a kill loses none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord


class Journal:
    """One process's append-only file in the folder beside the spool.

    Thread-safe. Nothing is opened before the first `append` or `recover`.

    Args:
        spool: path of the spool; the journal lives in the folder `<spool>.journal`.
        max_bytes: of the file; past it spans are kept in memory only, counted.
    """

    def __init__(self, spool: str, *, max_bytes: int = 256 * 1024 * 1024) -> None:
        raise NotImplementedError

    def append(self, record: SpanRecord | LogEvent) -> bool:
        """Writes one record, in the page cache when this returns. Never raises.

        Returns:
            False if it could not be written (disk full, bound reached); counted.
        """
        raise NotImplementedError

    def done(self, span_ids: Iterable[str]) -> None:
        """Says that these spans are safe elsewhere (their task is in the spool)."""
        raise NotImplementedError

    def recover(self) -> list[SpanRecord | LogEvent]:
        """Records that dead processes left, in the order they were written.

        Their files stay, locked by this process, until `recovered` is called.
        """
        raise NotImplementedError

    def recovered(self) -> None:
        """Says that what `recover` returned is safe elsewhere: removes the files."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the file; removes it if no span in it is live."""
        raise NotImplementedError

    def after_fork_in_child(self) -> None:
        """Leaves the file to the parent; the child opens its own when it needs one."""
        raise NotImplementedError
