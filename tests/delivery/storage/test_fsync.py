"""Written data is synced soon after, although no writer waits for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.storage.fsync import SYNC_S, Unsynced
from infinium_otel.delivery.storage.journal import Journal
from infinium_otel.delivery.storage.spool import Spool
from infinium_otel.errors import SpoolError
from infinium_otel.records import SpanRecord
from support.delivery import Client, Clock, done

SPAN = SpanRecord("a" * 32, "b" * 16, None, "span", 1, 2)


@pytest.fixture
def synced(monkeypatch):
    """Names of the files that were synced, in order."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("names files as Linux does")
    names = []
    real = os.fsync

    def fsync(file):
        names.append(Path(f"/proc/self/fd/{file}").readlink().suffix)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


@pytest.fixture
def broken_disk(monkeypatch):
    """A disk on which fsync fails."""

    def fails(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)


@pytest.fixture
def now(monkeypatch):
    """Has everything synced at once."""
    monkeypatch.setattr("infinium_otel.delivery.storage.fsync.SYNC_S", 0.0)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.db")


def test_many_writes_are_synced_together():
    """The first write sets the deadline; later ones do not postpone it."""
    clock = Clock(0.0)
    unsynced = Unsynced(clock)
    assert unsynced.due_s() is None
    unsynced.mark()
    clock.now = SYNC_S - 0.1
    unsynced.mark()
    assert unsynced.due_s() == pytest.approx(0.1)
    clock.now = 10 * SYNC_S
    assert unsynced.due_s() == 0.0
    unsynced.clear()
    assert unsynced.due_s() is None


def test_a_journal(path, synced):
    """Appended records are synced once, when it is time to."""
    clock = Clock(0.0)
    journal = Journal(path, clock=clock)
    assert journal.sync() is None
    journal.append(SPAN)
    assert journal.sync() == SYNC_S
    clock.now = SYNC_S
    assert journal.sync() is None
    assert journal.sync() is None
    assert synced == [".journal"]
    journal.append(SPAN)
    journal.close()
    assert journal.sync() is not None
    assert synced == [".journal"] * 2


def test_a_journal_on_a_disk_that_fails(path, broken_disk, caplog):
    """The failure is logged and counted; nothing is raised."""
    clock = Clock(0.0)
    journal = Journal(path, clock=clock)
    journal.append(SPAN)
    clock.now = SYNC_S
    assert journal.sync() is None
    assert journal.problems == {"journal failed": 1}
    assert "Input/output" in caplog.text
    journal.close()


def test_a_removed_journal(path, caplog):
    """Its live records are written to a new file, unless it was closed before."""
    clock = Clock(0.0)
    journal = Journal(path, clock=clock)
    journal.append(SPAN)
    (file,) = Path(f"{path}.journal").iterdir()
    shutil.rmtree(file.parent)
    clock.now = SYNC_S
    assert journal.sync() is None
    assert file.exists()
    assert journal.problems == {}
    assert "removed" in caplog.text
    journal.mark_done([SPAN.span_id])
    journal.close()
    journal._rewrite_removed_file()
    assert not file.exists()


def test_a_removed_journal_that_cannot_be_rewritten(path, tmp_path, caplog):
    """The failure is logged, and nothing is raised."""
    clock = Clock(0.0)
    journal = Journal(path, clock=clock)
    journal.append(SPAN)
    folder = Path(f"{path}.journal")
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path / "nowhere")
    clock.now = SYNC_S
    assert journal.sync() is None
    assert journal.problems == {"journal failed": 1}
    assert "removed" in caplog.text
    journal.close()


def test_a_removed_journal_directory(path):
    """The failure is logged and counted like any other."""
    clock = Clock(0.0)
    journal = Journal(path, clock=clock)
    journal.append(SPAN)
    folder = Path(f"{path}.journal")
    shutil.rmtree(folder)
    folder.touch()
    clock.now = SYNC_S
    assert journal.sync() is None
    assert journal.problems == {"journal failed": 1}
    journal.close()


def test_a_spool(path, synced, monkeypatch):
    """Queued bodies are synced; closing a spool syncs the rest."""
    spool, clock = Spool(path, 10**9), Clock(0.0)
    spool._database.unsynced = Unsynced(clock)
    assert spool.sync() is None
    spool.put("a", b"body", 1)
    assert spool.sync() == SYNC_S
    clock.now = SYNC_S
    assert spool.sync() is None
    assert synced == [".db-wal"]
    spool.put("b", b"body", 1)
    spool.close()
    assert synced == [".db-wal"] * 2
    clock.now += SYNC_S
    assert spool.sync() is None


def test_a_spool_without_wal_file(path, now):
    """The last process to close the spool moved the log into the database."""
    spool = Spool(path, 10**9)
    spool.put("a", b"body", 1)
    Path(f"{path}-wal").unlink()
    assert spool.sync() is None
    spool.close()


def test_a_spool_on_a_disk_that_fails(path, now, broken_disk):
    """A failed fsync is an error."""
    spool = Spool(path, 10**9)
    spool.put("a", b"body", 1)
    with pytest.raises(SpoolError, match="Input/output"):
        spool.sync()
    spool.put("b", b"body", 1)
    spool.close()


def test_a_sender_on_a_disk_that_fails(path, now, broken_disk, caplog):
    """The failure is logged, and tasks count as not durable from then on."""
    sender = Sender(Config(spool=path), client=Client())
    sender.submit(done(1))
    assert sender.durable
    assert sender.sync() is None
    assert not sender.durable
    assert "Input/output" in caplog.text
    sender.shutdown(0)
