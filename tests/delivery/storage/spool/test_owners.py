"""Claims of processes that live, end, fork or are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from infinium_otel.errors import SpoolError
from support.delivery import Clock, keys


def test_two_processes_claim_different_tasks(open_spool):
    """Exactly one of the processes that share a spool delivers each task."""
    first, second = open_spool(), open_spool()
    for number in range(6):
        first.put(f"k{number}", b"x", 1)
    taken = [spool.claim(1_000).key for _ in range(3) for spool in (first, second)]
    assert sorted(taken) == [f"k{number}" for number in range(6)]
    assert (first.claim(1_000), second.claim(1_000)) == (None, None)


CHILD = textwrap.dedent(
    """
    import sys, time
    from infinium_otel.delivery.storage.spool import Spool

    spool = Spool(sys.argv[1], 10**9)
    for number in range(5):
        spool.put(f"k{number}", b"x", 1)
    for _ in range(int(sys.argv[2])):
        spool.claim(time.time())
    print("ready", flush=True)
    time.sleep(60)
    """
)


def child(path, taken):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, path, str(taken)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process, how=signal.SIGKILL):
    process.send_signal(how)
    process.wait(10)
    process.stdout.close()


def test_a_killed_process_loses_nothing(open_spool, path):
    """Tasks that a killed process had put or claimed can be claimed at once."""
    kill(child(path, taken=3))
    assert sorted(keys(open_spool(), now=10**10)) == [f"k{n}" for n in range(5)]
    assert not list(Path(path).parent.glob("*-owner-????????????????????????????????0"))


def test_a_living_process_keeps_its_claims(open_spool, path):
    """Claimed tasks are free only once their process has ended."""
    clock = Clock()
    process = child(path, taken=3)
    spool = open_spool(clock=clock)
    try:
        assert keys(spool, now=10**10) == ["k3", "k4"]
    finally:
        kill(process)
    assert spool.claim(10**10) is None  # dead owners are checked once a second
    clock.now += 1.1
    assert keys(spool, now=10**10) == ["k0", "k1", "k2"]


def test_containers_with_the_same_process_ids_keep_their_claims(
    open_spool, path, monkeypatch
):
    """Whether an owner lives is known by its lock: in a container each process is 1."""
    process = child(path, taken=5)
    try:
        monkeypatch.setattr(os, "getpid", lambda: process.pid)
        assert keys(open_spool(), now=10**10) == []
    finally:
        kill(process)
    assert sorted(keys(open_spool(), now=10**10)) == [f"k{n}" for n in range(5)]


def test_an_owner_whose_file_is_gone_is_dead(open_spool, path):
    """Removing a lock file frees the tasks of its process."""
    first = open_spool()
    first.put("k", b"x", 1)
    first.claim(1_000)
    for file in Path(path).parent.glob("*-owner-*"):
        file.unlink()
    assert open_spool().claim(1_000).key == "k"


def test_an_unreadable_lock_file(open_spool, path):
    """If it is not known whether a process has ended, its tasks stay claimed."""
    first = open_spool()
    first.put("k", b"x", 1)
    first.claim(1_000)
    (file,) = Path(path).parent.glob("*-owner-*")
    file.unlink()
    file.symlink_to("nowhere")
    assert open_spool().claim(1_000) is None


def test_close_releases_claims(open_spool, path):
    """After an orderly close all tasks are queued and no other file is left over."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    spool.claim(1_000)
    spool.close()
    spool.close()
    assert [file.name for file in Path(path).parent.iterdir()] == ["spool.db"]
    assert open_spool().claim(1_000).key == "k"
    with pytest.raises(SpoolError, match="was closed"):
        spool.claim(1_000)


def test_a_forked_child(open_spool, path):
    """The child opens its own connection; tasks claimed by the parent stay claimed."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    spool.put("l", b"x", 1)
    spool.claim(1_000)
    pid = os.fork()
    if pid == 0:
        spool.after_fork_in_child()
        spool.after_fork_in_child()
        os._exit(0 if keys(spool) == ["l"] else 1)
    assert os.waitpid(pid, 0)[1] == 0
    spool._checked_s = 0
    assert spool.claim(1_000).key == "l"
