"""Journals of one process after another against a simple model.

Whatever the order of records, their ends, full disks, kills and restarts: the next
process finds exactly the spans that were written and not done, in order, each once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from infinium_otel.delivery.storage.journal import Journal
from infinium_otel.delivery.storage.journal import journal as module
from infinium_otel.records import SpanRecord

SMALL = 2_000
"""File size from which the journal is compacted here, so that it happens often."""
RESOURCES = [{"service.name": "one"}, {"service.name": "two"}]


class Journals(RuleBasedStateMachine):
    """Processes on one spool, each with a journal, killed or ended in order."""

    @initialize(bounded=st.booleans())
    def begin(self, bounded):
        self.folder = Path(tempfile.mkdtemp())
        self.max_bytes = 3 * SMALL if bounded else 10**9
        self.tidy = patch.object(module, "TIDY_BYTES", SMALL)
        self.tidy.start()
        self.count = 0
        self.live = []  # span ids that were written and are not done
        self.missing = set()  # those that could not be written
        self.start()

    def start(self):
        self.journal = Journal(str(self.folder / "s.db"), max_bytes=self.max_bytes)
        self.missing.clear()

    def end(self):
        """The end of a process as the kernel sees it: locks go, files stay."""
        self.journal.after_fork_in_child()

    @rule(size=st.integers(0, 400), resource=st.sampled_from(RESOURCES))
    def append(self, size, resource):
        self.count += 1
        span_id = f"{self.count:016x}"
        record = SpanRecord(
            "a" * 32, span_id, None, "x" * size, 1, 2, resource=resource
        )
        written = self.journal.append(record)
        (self.live.append if written else self.missing.add)(span_id)

    @rule(data=st.data())
    def done(self, data):
        known = self.live + sorted(self.missing)
        some = st.lists(st.sampled_from(known), max_size=8) if known else st.just([])
        span_ids = data.draw(some)
        self.journal.mark_done(span_ids)
        self.live = [span_id for span_id in self.live if span_id not in span_ids]
        self.missing -= set(span_ids)

    @rule()
    def hand_over(self):
        """The sender has them: missing ones no longer matter, the rest stays."""
        self.journal.hand_over([*self.live, *self.missing])
        self.missing.clear()

    @rule(most=st.integers(0, 60))
    def the_disk_is_full_for_once(self, most):
        real = os.write
        with patch.object(os, "write", lambda file, data: real(file, data[:most])):
            self.append(100, RESOURCES[0])

    @rule(torn=st.integers(0, 1))
    def crash(self, torn):
        """Killed, maybe in the middle of a record, which is lost as its span had not ended."""
        path = self.journal._path
        self.end()
        if torn and path is not None and path.exists():
            with path.open("ab") as file:
                file.write(b'00000000 ["s","aaaaaaa')
        self.start()
        self.recover(safe=True)

    @rule()
    def crash_before_it_is_safe(self):
        """Killed after it read the orphaned spans, and before they were in the spool."""
        self.end()
        self.start()
        self.recover(safe=False)
        self.end()
        self.start()
        self.recover(safe=True)

    @rule()
    def leave(self):
        self.journal.close()
        self.start()
        self.recover(safe=True)

    def recover(self, *, safe):
        found = [record.span_id for record in self.journal.recover()]
        assert found == self.live
        if safe:
            self.journal.remove_recovered()
            self.live = []

    @invariant()
    def it_counts_missing_spans(self):
        if hasattr(self, "journal"):
            assert self.journal.holds_all == (not self.missing)

    def teardown(self):
        if not hasattr(self, "journal"):
            return
        self.end()
        self.start()
        self.recover(safe=True)
        self.journal.close()
        assert list(self.folder.glob("s.db.journal/*.journal")) == []
        self.tidy.stop()
        shutil.rmtree(self.folder)


TestJournals = Journals.TestCase
TestJournals.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None
)
