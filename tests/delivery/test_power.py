"""What is written is on the disk soon after, although no writer waits for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery.journal import Journal
from infinium_otel.delivery.power import SYNC_S, Unsynced
from infinium_otel.delivery.sender import Sender
from infinium_otel.delivery.spool import Spool
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
    """A disk that fails when it is to keep something."""

    def fails(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)


@pytest.fixture
def now(monkeypatch):
    """What is written is to be synced at once."""
    monkeypatch.setattr("infinium_otel.delivery.power.SYNC_S", 0.0)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.db")


def test_many_writes_are_synced_together():
    """The first of them says when; later ones put nothing off."""
    clock = Clock(0.0)
    unsynced = Unsynced(clock)
    assert unsynced.due_s() is None
    unsynced.wrote()
    clock.now = SYNC_S - 0.1
    unsynced.wrote()
    assert unsynced.due_s() == pytest.approx(0.1)
    clock.now = 10 * SYNC_S
    assert unsynced.due_s() == 0.0
    unsynced.clear()
    assert unsynced.due_s() is None


def test_a_journal(path, synced):
    """What was appended is synced once, when it is time to."""
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
    """It is said, and costs nothing but the promise."""
    clock = Clock(0.0)
    journal = Journal(path, clock=clock)
    journal.append(SPAN)
    clock.now = SYNC_S
    assert journal.sync() is None
    assert journal.problems == {"journal failed": 1}
    assert "Input/output" in caplog.text
    journal.close()


def test_a_journal_that_is_gone(path, caplog):
    """What was removed under it is written anew, unless it was closed meanwhile."""
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
    journal.done([SPAN.span_id])
    journal.close()
    journal._write_anew()
    assert not file.exists()


def test_a_journal_that_is_gone_for_good(path, tmp_path, caplog):
    """Where it cannot be written anew it is said, and nothing is raised."""
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


def test_a_journal_that_cannot_be_written_anew(path):
    """It is said, as any failure of the journal."""
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
    """What was put is synced; a spool that is closed has everything in its file."""
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


def test_a_spool_whose_log_is_gone(path, now):
    """The last to close it left everything in the database."""
    spool = Spool(path, 10**9)
    spool.put("a", b"body", 1)
    Path(f"{path}-wal").unlink()
    assert spool.sync() is None
    spool.close()


def test_a_spool_on_a_disk_that_fails(path, now, broken_disk):
    """A disk that does not keep what it took is an error, not a promise."""
    spool = Spool(path, 10**9)
    spool.put("a", b"body", 1)
    with pytest.raises(SpoolError, match="Input/output"):
        spool.sync()
    spool.put("b", b"body", 1)
    spool.close()


def test_a_sender_on_a_disk_that_fails(path, now, broken_disk, caplog):
    """It is said, and from then on tasks are as safe as in memory."""
    sender = Sender(Config(spool=path), client=Client())
    sender.submit(done(1))
    assert sender.durable
    assert sender.sync() is None
    assert not sender.durable
    assert "Input/output" in caplog.text
    sender.shutdown(0)
