"""Forks while a spool is open: SQLite's memory of its locks must not reach the child."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from infinium_otel.delivery.storage.spool import Spool, count_tasks
from infinium_otel.delivery.storage.spool import database as databases

if not hasattr(os, "fork"):  # pragma: no cover - Windows
    pytest.skip("needs fork", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def fork(spool, in_child):
    """Fork with the hooks of a process that has *spool*; returns the child's number."""
    spool.before_fork()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            spool.after_fork_in_child()
            in_child()
            code = 0
        finally:
            os._exit(code)
    spool.after_fork_in_parent()
    return pid


def wait_for(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_transaction_of_another_thread_ends_first(open_spool):
    """A child never inherits a lock that nobody releases.

    coleifer/peewee#1088
    """
    spool = open_spool()
    spool.put("parent", b"x", 1)
    is_open, may_end = threading.Event(), threading.Event()

    def work():
        with spool._transaction() as connection:
            connection.execute("UPDATE queue SET not_before = 1")
            is_open.set()
            may_end.wait(0.2)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_open.wait(10)
    wait_for(fork(spool, lambda: spool.put("child", b"x", 1)))
    thread.join()
    assert spool.next_due() == 0


def test_the_file_outlives_its_use_by_the_parent(open_spool, path):
    """The parent's end does not remove the WAL file that the child writes to.

    tox-dev/filelock#635
    """
    spool = open_spool()
    spool.put("parent", b"x", 1)
    is_put, put = os.pipe()
    is_closed, close = os.pipe()

    def in_child():
        spool.put("before", b"x", 1)
        os.write(put, b"x")
        os.read(is_closed, 1)
        spool.put("after", b"x", 1)  # and it is never closed

    pid = fork(spool, in_child)
    os.read(is_put, 1)
    spool.close()
    os.write(close, b"x")
    wait_for(pid)
    for file in (is_put, put, is_closed, close):
        os.close(file)
    assert count_tasks(path) == (3, 0)


def test_a_fork_within_a_transaction(open_spool):
    """Whoever forks there keeps the transaction, and its lock."""
    spool = open_spool()
    with spool._transaction() as connection:
        spool.before_fork()
        connection.execute("UPDATE queue SET not_before = 1")
        spool.after_fork_in_parent()
    spool.put("k", b"x", 1)


def test_a_transaction_that_does_not_end(open_spool, monkeypatch):
    """A fork waits for it for a bounded time, and goes on."""
    monkeypatch.setattr(databases, "FORK_S", 0.01)
    spool = open_spool()
    spool.put("k", b"x", 1)
    is_open, may_end = threading.Event(), threading.Event()

    def work():
        with spool._transaction():
            is_open.set()
            may_end.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_open.wait(10)
    spool.before_fork()
    spool.after_fork_in_parent()
    may_end.set()
    thread.join()
    assert spool.claim(1_000).key == "k"


def test_a_removed_file_is_written_again_first(open_spool, path):
    """What only the open connection still holds is not closed away."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    for file in Path(path).parent.iterdir():
        file.unlink()
    spool.before_fork()
    spool.after_fork_in_parent()
    assert count_tasks(path) == (1, 0)


def test_nothing_is_opened_by_a_fork(tmp_path):
    """A spool that is not used yet stays so."""
    spool = Spool(str(tmp_path / "s.db"), 1_000)
    wait_for(fork(spool, lambda: None))
    assert list(tmp_path.iterdir()) == []
