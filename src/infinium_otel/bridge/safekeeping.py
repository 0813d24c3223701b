"""Ended spans that no spool has yet: in the journal, where there is one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from infinium_otel.sdkspans import as_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.delivery.journal import Journal
    from infinium_otel.delivery.sender import Sender
    from infinium_otel.pipeline import Finished
    from infinium_otel.records import LogEvent, SpanRecord


MOST_UNSPOOLED = 100_000
"""Spans remembered that went past a spool that fails; of more, the next process sends
the oldest again."""


class Safekeeping:
    """Has spans journalled until the spool has their task, or they became none.

    Without a journal nothing of it does anything, and nothing is safe.

    Args:
        journal: None without a spool.
        sender: says whether what was submitted is on disk.

    Attributes:
        to_recover: whether what dead processes left has not been asked for yet.
    """

    def __init__(self, journal: Journal | None, sender: Sender) -> None:
        self._journal = journal
        self._sender = sender
        self._unspooled: deque[str] = deque(maxlen=MOST_UNSPOOLED)
        self.to_recover = journal is not None

    @property
    def holds_all(self) -> bool:
        """Whether the ended spans of open traces would survive the process."""
        return self._journal is not None and self._journal.holds_all

    @property
    def has_journal(self) -> bool:
        """Whether there is a spool to keep spans for."""
        return self._journal is not None

    def keep(self, item: Any) -> Any:
        """*item*, journalled; as a record of ours then, so that it is read once."""
        record = None if self._journal is None else as_record(item)
        if record is None or self._journal is None:
            return item
        self._journal.append(record)
        return record

    def keep_all(self, records: Iterable[SpanRecord | LogEvent]) -> None:
        """Journal records."""
        if self._journal is not None:
            for record in records:
                self._journal.append(record)

    def submitted(self, task: Finished) -> None:
        """*task* was handed to the sender: its spans are in the spool now, or not."""
        if self._journal is None:
            return
        if self._sender.durable:
            self._journal.done(task.span_ids)
        else:
            self._journal.handed_over(task.span_ids)
            self._unspooled.extend(task.span_ids)

    def filtered(self, _trace_id: str, span_ids: tuple[str, ...]) -> None:
        """These spans become no task."""
        if self._journal is not None:
            self._journal.done(span_ids)

    def tidy(self) -> None:
        """Let go of what went past a spool that fails, and has gone out since."""
        gone = self._unspooled and not self._sender.counts.tasks.queued
        if gone and self._journal is not None:
            self._journal.done(self._unspooled)
            self._journal.recovered()
            self._unspooled.clear()

    def recover(self) -> list[SpanRecord | LogEvent]:
        """What dead processes left; `recovered` says that it was submitted."""
        self.to_recover = False
        return [] if self._journal is None else self._journal.recover()

    def recovered(self) -> None:
        """What `recover` returned was handed to the sender."""
        if self._journal is not None and self._sender.durable:
            self._journal.recovered()

    def sync(self) -> float | None:
        """Keep all of it from a loss of power, too, if it is time to.

        Returns:
            Seconds until it is; None if there is nothing to keep.
        """
        journal_s = None if self._journal is None else self._journal.sync()
        times = (self._sender.sync(), journal_s)
        return min((each for each in times if each is not None), default=None)

    def close(self) -> None:
        """Nothing comes any more."""
        if self._journal is not None:
            self._journal.close()

    def after_fork_in_child(self) -> None:
        """Leave all of it to the parent."""
        self._unspooled.clear()
        self.to_recover = False
        if self._journal is not None:
            self._journal.after_fork_in_child()
