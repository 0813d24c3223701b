"""The spool: tasks are on disk, claimed once, and within bounds."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from infinium_otel.delivery.queue import FULL, TOO_LARGE, Evicted
from infinium_otel.delivery.storage.spool import (
    Spool,
    list_tasks,
)
from infinium_otel.delivery.storage.spool import spool as spools
from support.delivery import MANY, Clock, keys


def test_what_is_put_is_on_disk(open_spool):
    """Another process sees a task as soon as `put` has returned."""
    open_spool().put("k1", b"body", 3)
    item = open_spool().claim(1_000)
    assert (item.key, item.body, item.spans) == ("k1", b"body", 3)


def test_the_files_are_private(open_spool, path):
    """All files of the spool have mode 0600, for any umask."""
    before = os.umask(0)
    try:
        spool = open_spool()
        spool.put("k", b"x", 1)
        spool.claim(1_000)
    finally:
        os.umask(before)
    files = list(Path(path).parent.iterdir())
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_missing_directories_are_created(open_spool, tmp_path):
    """The directory of the spool is created, private to its user."""
    open_spool(where=str(tmp_path / "a" / "b.db")).put("k", b"x", 1)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_path_without_directory(tmp_path, monkeypatch):
    """A path may be a file name only."""
    monkeypatch.chdir(tmp_path)
    spool = Spool("s.db", MANY)
    spool.put("k", b"x", 1)
    spool.close()
    assert [kept.key for kept in list_tasks("s.db")] == ["k"]


def test_a_relative_path(tmp_path, monkeypatch):
    """It is resolved when the spool is created: daemons change their directory."""
    monkeypatch.chdir(tmp_path)
    spool = Spool("s.db", 10**9)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    spool.put("k", b"x", 1)
    spool.claim(1_000)
    assert list(Path.cwd().iterdir()) == []
    spool.close()
    assert (tmp_path / "s.db").exists()


def test_many_open_a_new_spool_at_once(path):
    """A process waits while another creates the file."""
    barrier, spools = (
        threading.Barrier(8),
        [Spool(path, MANY, Clock()) for _ in range(8)],
    )

    def put(number):
        barrier.wait()
        spools[number].put(f"k{number}", b"x", 1)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys(spools[0]))) == 8
    for spool in spools:
        spool.close()


def test_threads_share_a_spool(open_spool):
    """One object serves many threads."""
    spool = open_spool()

    def put(start):
        for number in range(20):
            spool.put(f"{start}-{number}", b"x", 1)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys(spool))) == 80


def test_the_same_key_is_queued_once(open_spool):
    """A task that is put again after a crash is not duplicated."""
    spool = open_spool()
    number, _ = spool.put("k", b"x", 1)
    assert spool.put("k", b"y", 2) == (number, [])
    assert keys(spool) == ["k"]


def test_ack_nack_and_order(open_spool):
    """Acknowledged items are removed; failed ones wait, and come after others."""
    spool = open_spool()
    for key in ("a", "b", "c"):
        spool.put(key, b"x", 1)
    spool.ack(spool.claim(1_000))
    spool.nack(spool.claim(1_000), 1_050.0, failed=True)
    spool.put("d", b"x", 1)
    assert keys(spool) == ["c", "d"]
    again = spool.claim(1_050)
    assert (again.key, again.attempts) == ("b", 1)


def test_make_due_and_next_due(open_spool):
    """`make_due` ends all pauses; items of other processes may come back."""
    clock = Clock()
    spool = open_spool(clock=clock)
    assert spool.next_due() is None
    spool.put("k", b"x", 1)
    spool.nack(spool.claim(1_000), 1_500.0, failed=True)
    assert spool.next_due() == 1_500.0
    spool.make_due()
    assert spool.next_due() == 0
    spool.claim(1_000)
    assert spool.next_due() is None
    assert open_spool(clock=clock).next_due() == 1_001.0


def test_a_clock_set_back(open_spool):
    """A task does not wait for a time that is far away."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    spool.nack(spool.claim(10**9), 10**10 + 60.0, failed=True)
    assert spool.next_due() == 0.0
    assert spool.claim(1_000).key == "k"


def test_a_smaller_body(open_spool):
    """A shrunk body stays shrunk after a restart."""
    spool = open_spool()
    spool.put("k", b"x" * 100, 1)
    item = spool.replace(spool.claim(1_000), b"small")
    assert (item.body, item.shrunk) == (b"small", True)
    spool.nack(item, 0.0, failed=True)
    again = open_spool().claim(1_000)
    assert (again.body, again.shrunk) == (b"small", True)


def test_the_oldest_are_evicted(open_spool, path):
    """Past the bound the oldest unclaimed tasks are dropped, and listed."""
    spool = open_spool(size=100)
    for number in range(4):
        spool.put(f"k{number}", b"x" * 25, 1)
    spool.claim(1_000)
    assert spool.put("k4", b"x" * 50, 1)[1] == [Evicted(2, FULL), Evicted(3, FULL)]
    assert keys(spool) == ["k3", "k4"]
    gone = [
        (kept.key, kept.reason, kept.size) for kept in list_tasks(path) if kept.reason
    ]
    assert gone == [("k1", FULL, 0), ("k2", FULL, 0)]
    assert spool.find_remaining([1, 2, 4, 99]) == {1: None, 2: FULL, 4: None}


def test_a_body_larger_than_the_spool(open_spool):
    """Such a body is itself dropped."""
    spool = open_spool(size=100)
    number, evicted = spool.put("big", b"x" * 101, 1)
    assert evicted == [Evicted(number, TOO_LARGE)]
    spool.put("k", b"x" * 100, 1)
    spool.claim(1_000)
    assert len(spool.put("l", b"x", 1)[1]) == 1


def test_claimed_items_are_not_evicted(open_spool):
    """Claimed items stay, even past the bound."""
    spool = open_spool(size=100)
    spool.put("k", b"x" * 100, 1)
    item = spool.claim(1_000)
    spool.replace(item, b"y" * 200)
    assert spool.put("l", b"", 1)[1] == [Evicted(2, TOO_LARGE)]


def test_evicted_tasks_are_bounded(open_spool, path, monkeypatch):
    """Only the newest dropped tasks stay listed."""
    monkeypatch.setattr(spools, "MAX_EVICTED_ROWS", 2)
    spool = open_spool(size=10)
    for number in range(6):
        spool.put(f"k{number}", b"x" * 10, 1)
    assert [kept.key for kept in list_tasks(path) if kept.reason] == ["k3", "k4"]
