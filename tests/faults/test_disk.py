"""Runs while the disk is full, or the spool cannot be written.

Also for root, who ignores permissions.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.programs import (
    AGENT,
    WAIT_S,
    accounted,
    exporting,
    processing,
    run,
    run_agent,
)

if sys.platform != "linux":  # pragma: no cover - elsewhere disks fill up otherwise
    pytest.skip("fills disks as Linux does", allow_module_level=True)

FAILS = "The spool cannot be used; tasks wait in memory"
WORKS = "The spool works again"
UNSAFE = "Spans of open traces would be lost in a kill"
WAYS = [
    pytest.param(processing, {}, id="processor"),
    pytest.param(exporting, {}, id="batch"),
    pytest.param(exporting, {"simple": True}, id="simple"),
]


def run_as_root(*command):
    """Runs a system command; whether it exists and succeeded."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def below_a_file(folder):
    """A path with a file in it, which is removed later."""
    (folder / "file").touch()
    yield folder / "file" / "tasks.db"
    (folder / "file").unlink()
    yield


def a_folder(folder):
    """A path where a directory is."""
    path = folder / "tasks.db"
    path.mkdir()
    yield path
    path.rmdir()
    yield


def anothers_database(folder):
    """A path where another program stores its data."""
    path = folder / "tasks.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    yield path
    path.unlink()
    yield


def not_to_be_changed(folder):
    """A directory that not even root can change."""
    if not run_as_root("chattr", "+i", str(folder)):
        pytest.skip("needs chattr and its privilege")
    yield folder / "tasks.db"
    run_as_root("chattr", "-i", str(folder))
    yield


def read_only(folder):
    """A file system that is mounted read-only."""
    mount = ("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder))
    if not run_as_root(*mount):
        pytest.skip("needs the privilege to mount")
    yield folder / "tasks.db"
    run_as_root("mount", "-o", "remount,rw", str(folder))
    yield
    run_as_root("umount", "-l", str(folder))


def full(folder):
    """A file system without a free byte, until a file is deleted."""
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    if not run_as_root(*mount):
        pytest.skip("needs the privilege to mount")
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4_096))
            except OSError:
                break
    yield folder / "tasks.db"
    filler.unlink()
    yield
    run_as_root("umount", "-l", str(folder))


PLACES = [
    below_a_file,
    a_folder,
    anothers_database,
    not_to_be_changed,
    read_only,
    full,
]


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def place(request, tmp_path):
    """A path that cannot be a spool, and a function that makes it usable."""
    folder = tmp_path / "place"
    folder.mkdir()
    steps = request.param(folder)
    path = next(steps)
    repaired = []

    def repair():
        repaired.append(True)
        next(steps)

    yield str(path), repair
    if not repaired:
        repair()
    next(steps, None)


def count_lines(caplog, words):
    """How many log lines contain *words*."""
    return sum(words in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_spool_that_cannot_be_used(fake, caplog, place, way, more):
    """One line is logged, runs wait in memory during an outage, and all arrive."""
    path, repair = place
    fake.always(503)
    with way(fake, spool=path, **more) as (handle, provider, tracer):
        for number in range(3):
            run_agent(tracer, f"run{number}")
        provider.force_flush(1_000)
        assert not handle.force_flush(300)
        assert (handle.stats.queued, handle.stats.refused) == (9, 0)
        fake.always(None)
        assert handle.force_flush(WAIT_S * 1_000)
        assert handle.stats.delivered == 9
        assert (count_lines(caplog, FAILS), count_lines(caplog, WORKS)) == (1, 0)
        repair()
        run_agent(tracer, "after")
        provider.force_flush(1_000)
        assert handle.force_flush(60_000)
        assert count_lines(caplog, FAILS) == count_lines(caplog, WORKS) == 1
        handle.shutdown()
        assert (handle.stats.delivered, handle.stats.refused) == (12, 0)
        assert accounted(handle.stats)
    assert count_lines(caplog, UNSAFE) <= 1
    assert len(fake.keys) == len(set(fake.keys)) == 4
    assert Path(path).is_file()


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_flush_of_an_open_run(fake, caplog, place, way, more):
    """The ended spans of an open run are delivered, unless the journal has them."""
    path, _ = place
    with way(fake, spool=path, **more) as (handle, provider, tracer):
        with tracer.start_as_current_span("run", attributes=AGENT):
            tracer.start_span("call", attributes=AGENT).end()
            provider.force_flush(1_000)
            assert handle.force_flush(60_000)
            assert handle.stats.delivered == count_lines(caplog, UNSAFE)
        provider.force_flush(1_000)
        assert handle.force_flush(60_000)
        assert handle.stats.delivered == 2


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_spool_that_another_process_locks(fake, caplog, spool, way, more):
    """It is waited for only once, a flush keeps its time, and runs are delivered."""
    with way(fake, spool=spool, **more) as (handle, provider, tracer):
        run_agent(tracer, "before")
        provider.force_flush(1_000)
        assert handle.force_flush(60_000)
        other = sqlite3.connect(spool, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            run_agent(tracer, f"run{number}")
            provider.force_flush(1_000)
            assert handle.force_flush(1_000)
        other.execute("ROLLBACK")
        other.close()
        run_agent(tracer, "after")
        provider.force_flush(1_000)
        assert handle.force_flush(60_000)
        assert handle.stats.delivered == 21
        assert count_lines(caplog, FAILS) == count_lines(caplog, WORKS) == 1
    assert len(fake.requests) == 7


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_removed_spool(fake, caplog, spool, way, more):
    """Its content is written to a new file: the next process delivers all of it."""
    fake.always(503)
    folder = Path(spool).parent
    with way(fake, spool=spool, **more) as (handle, provider, tracer):
        run_agent(tracer, "before")
        provider.force_flush(1_000)
        assert handle.force_flush(100)
        shutil.rmtree(folder)
        assert handle.force_flush(100)
        assert Path(spool).is_file()
        run_agent(tracer, "after")
        provider.force_flush(1_000)
        assert handle.force_flush(100)
        assert handle.stats.queued == 6
    assert count_lines(caplog, "was removed; its content was written") == 1
    fake.always(None)
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(2, WAIT_S)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_nothing_is_sent_again_by_the_next_process(fake, tmp_path, way, more):
    """Runs delivered despite a failing spool are not in the journal any more."""
    steps = a_folder(tmp_path)
    path = str(next(steps))
    with way(fake, spool=path, **more) as (handle, provider, tracer):
        run_agent(tracer)
        provider.force_flush(1_000)
        assert handle.force_flush(60_000)
    next(steps)
    with processing(fake, spool=path) as (_, provider, _):
        assert provider.force_flush(60_000)
    assert len(fake.requests) == 1


def test_an_exit_with_a_failing_spool(fake, tmp_path):
    """An exit delivers the queue in memory as without a spool, and prints nothing."""
    (tmp_path / "file").touch()
    program = """
    p = register(requests_per_second=10, burst=1)
    for number in range(25):
        run_agent(p.get_tracer("t"), f"run{number}")
    sys.exit(7)
    """
    spool = str(tmp_path / "file" / "tasks.db")
    code, output, complaints = run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    assert (code, output) == (7, "")
    assert [complaints.count(words) for words in (FAILS, UNSAFE, "\n")] == [1, 1, 2]
    assert len(fake.tasks) == 25


FILLS_UP = """
import logging, resource
def disk(limit):
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
logging.basicConfig(format="%(message)s")
handle = (InfiniumSpanProcessor if "{way}" == "processor" else InfiniumSpanExporter)()
under = {{"processor": lambda x: x, "batch": BatchSpanProcessor,
         "simple": SimpleSpanProcessor}}["{way}"]
p, t = provider_of(under(handle))
def report():
    p.force_flush(1_000)
    flushed = handle.force_flush(10_000)
    stats = handle.stats
    say((flushed, stats.delivered, stats.queued, stats.open, stats.refused))
if {first}:
    run_agent(t, "before")
    report()
disk(100)
for number in range(5):
    run_agent(t, f"full{{number}}")
report()
disk(-1)
run_agent(t, "after")
report()
p.shutdown()
handle.shutdown()
"""


@pytest.mark.parametrize("first", [True, False], ids=["later", "from-the-start"])
@pytest.mark.parametrize("way", ["processor", "batch", "simple"])
def test_a_disk_that_fills_up(fake, spool, way, first):
    """A refused write loses nothing; only durability is lost."""
    program = FILLS_UP.format(way=way, first=first)
    code, output, complaints = run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    assert code == 0, complaints
    delivered = [3, 18, 21] if first else [15, 18]
    assert output.splitlines() == [str((True, n, 0, 0, 0)) for n in delivered]
    assert complaints.count(FAILS) == complaints.count(WORKS) == 1
    assert complaints.count(UNSAFE) <= 1
    assert "Traceback" not in complaints
    assert len(fake.keys) == len(set(fake.keys)) == delivered[-1] // 3


def test_killed_after_the_disk_filled_up(fake, spool):
    """Runs spooled before the disk was full are delivered by the next process."""
    fake.always(503)
    program = """
    import resource
    p, t = provider_of(InfiniumSpanProcessor())
    run_agent(t, "before")
    p.force_flush(1_000)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))
    run_agent(t, "full")
    p.force_flush(100)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    fake.always(None)
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(1, WAIT_S)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_loss_of_power(fake, spool, monkeypatch, way, more):
    """Within a second everything queued or open is synced to the disk.

    No test can unplug the machine; that fsync was called can be tested.
    """
    fake.always(503)
    synced = []
    real = os.fsync

    def fsync(file):
        real(file)
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))

    monkeypatch.setattr(os, "fsync", fsync)
    with way(fake, spool=spool, **more) as (_, provider, tracer):
        run_agent(tracer)
        with tracer.start_as_current_span("run", attributes=AGENT):
            tracer.start_span("call", attributes=AGENT).end()
            provider.force_flush(1_000)
            deadline = time.monotonic() + 5
            wanted = {f"{spool}-wal", f"{spool}.journal"}
            while wanted and time.monotonic() < deadline:
                wanted -= {
                    path for path in wanted for s in synced if s.startswith(path)
                }
                time.sleep(0.02)
            assert not wanted
