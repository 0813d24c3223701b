"""Writes ended spans to the journal, if there is one, until their task is in the spool."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.delivery.storage.journal import Journal
    from infinium_otel.delivery.task_sender import TaskSender
    from infinium_otel.pipeline import CompletedTask
    from infinium_otel.records import LogEvent, SpanRecord


MAX_UNSPOOLED = 100_000
"""Most spans to remember whose tasks are only in memory, because the spool fails. Past
it the oldest stay in the journal, and the next process sends them again."""


class JournalCoordinator:
    """Keeps spans in the journal until their task is in the spool or they are filtered.

    Without a journal all methods do nothing, and no span survives a kill.

    Args:
        journal: None without a spool.
        sender: reports whether submitted tasks are on disk.

    Attributes:
        to_recover: True until the journals of dead processes were read.
    """

    def __init__(self, journal: Journal | None, sender: TaskSender) -> None:
        self._journal = journal
        self._sender = sender
        self._unspooled: deque[str] = deque(maxlen=MAX_UNSPOOLED)
        self.to_recover = journal is not None
        self._to_record: Callable[[Any], SpanRecord | LogEvent | None] = lambda _: None
        if journal is not None:
            # Not with the first span: a fork in another thread may meet the import.
            from infinium_otel.records.from_sdk import to_record  # noqa: PLC0415

            self._to_record = to_record

    @property
    def holds_all(self) -> bool:
        """Whether the ended spans of open traces would survive the process."""
        return self._journal is not None and self._journal.holds_all

    @property
    def is_held(self) -> bool:
        """As `Journal.is_held`."""
        return self._journal is not None and self._journal.is_held

    @property
    def has_journal(self) -> bool:
        """Whether there is a journal."""
        return self._journal is not None

    @property
    def problems(self) -> Counter[str]:
        """Records not written, and files and lines not read, by reason."""
        return Counter() if self._journal is None else self._journal.problems

    def append(self, item: Any) -> Any:
        """Write *item* to the journal; returns it converted, so that it is read once."""
        if self._journal is None:
            return item
        record = self._to_record(item)
        if record is None:
            return item
        self._journal.append(record)
        return record

    def append_all(self, records: Iterable[SpanRecord | LogEvent]) -> None:
        """Write records to the journal."""
        if self._journal is not None:
            for record in records:
                self._journal.append(record)

    def on_submitted(self, task: CompletedTask) -> None:
        """Mark the spans of a submitted task as done, if it is in the spool."""
        if self._journal is None:
            return
        if self._sender.durable:
            self._journal.mark_done(task.span_ids)
        else:
            self._journal.hand_over(task.span_ids)
            self._unspooled.extend(task.span_ids)

    def on_filtered(self, _trace_id: str, span_ids: tuple[str, ...]) -> None:
        """Mark spans as done that become no task."""
        if self._journal is not None:
            self._journal.mark_done(span_ids)

    def release_delivered(self) -> None:
        """Mark spans as done whose tasks were only in memory and are delivered now."""
        is_delivered = self._unspooled and not self._sender.counts.tasks.queued
        if is_delivered and self._journal is not None:
            self._journal.mark_done(self._unspooled)
            self._journal.remove_recovered()
            self._unspooled.clear()

    def recover(self) -> list[SpanRecord | LogEvent]:
        """The records of dead processes; call `on_recovered` once they are submitted."""
        self.to_recover = False
        return [] if self._journal is None else self._journal.recover()

    def on_recovered(self) -> None:
        """Remove the journals of dead processes, if their tasks are in the spool."""
        if self._journal is not None and self._sender.durable:
            self._journal.remove_recovered()

    def sync(self) -> float | None:
        """Fsync spool and journal, if it is time to.

        Returns:
            Seconds until it is; None if everything is synced.
        """
        journal_s = None if self._journal is None else self._journal.sync()
        times = (self._sender.sync(), journal_s)
        return min((each for each in times if each is not None), default=None)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    def after_fork_in_child(self) -> None:
        """Drop everything: it belongs to the parent."""
        self._unspooled.clear()
        self.to_recover = False
        if self._journal is not None:
            self._journal.after_fork_in_child()
