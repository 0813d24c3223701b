"""What becomes of a run when the disk is full, or the spool is not to be written.

For root, too, whom permissions do not stop.
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
UNSAFE = "Spans of open traces are not safe over a kill"
WAYS = [
    pytest.param(processing, {}, id="processor"),
    pytest.param(exporting, {}, id="batch"),
    pytest.param(exporting, {"simple": True}, id="simple"),
]


def is_done(*command):
    """Whether a system command may be had, and did what it says."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def below_a_file(folder):
    """A path that leads through a file, which goes away later."""
    (folder / "file").touch()
    yield folder / "file" / "tasks.db"
    (folder / "file").unlink()
    yield


def a_folder(folder):
    """A path where a folder stands."""
    path = folder / "tasks.db"
    path.mkdir()
    yield path
    path.rmdir()
    yield


def anothers_database(folder):
    """A path where another program keeps its data."""
    path = folder / "tasks.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    yield path
    path.unlink()
    yield


def not_to_be_changed(folder):
    """A folder that not even root may change."""
    if not is_done("chattr", "+i", str(folder)):
        pytest.skip("needs chattr and its privilege")
    yield folder / "tasks.db"
    is_done("chattr", "-i", str(folder))
    yield


def read_only(folder):
    """A file system mounted to be read only."""
    mount = ("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder))
    if not is_done(*mount):
        pytest.skip("needs the privilege to mount")
    yield folder / "tasks.db"
    is_done("mount", "-o", "remount,rw", str(folder))
    yield
    is_done("umount", "-l", str(folder))


def full(folder):
    """A file system with no byte left, until something else is deleted."""
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    if not is_done(*mount):
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
    is_done("umount", "-l", str(folder))


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
    """A path that cannot be a spool, and a function that makes it one."""
    folder = tmp_path / "place"
    folder.mkdir()
    steps = request.param(folder)
    path = next(steps)
    mended = []

    def mend():
        mended.append(True)
        next(steps)

    yield str(path), mend
    if not mended:
        mend()
    next(steps, None)


def said(caplog, words):
    """How often the log says so."""
    return sum(words in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_spool_that_cannot_be_used(fake, caplog, place, way, more):
    """It is said once, runs wait in memory over an outage, and all of them arrive."""
    path, mend = place
    fake.always(503)
    with way(fake, spool=path, **more) as (inlet, provider, tracer):
        for number in range(3):
            run_agent(tracer, f"run{number}")
        provider.force_flush(1_000)
        assert not inlet.force_flush(300)
        assert (inlet.stats.queued, inlet.stats.refused) == (9, 0)
        fake.always(None)
        assert inlet.force_flush(WAIT_S * 1_000)
        assert inlet.stats.delivered == 9
        assert (said(caplog, FAILS), said(caplog, WORKS)) == (1, 0)
        mend()
        run_agent(tracer, "after")
        provider.force_flush(1_000)
        assert inlet.force_flush(10_000)
        assert said(caplog, FAILS) == said(caplog, WORKS) == 1
        inlet.shutdown()
        assert (inlet.stats.delivered, inlet.stats.refused) == (12, 0)
        assert accounted(inlet.stats)
    assert said(caplog, UNSAFE) <= 1
    assert len(fake.keys) == len(set(fake.keys)) == 4
    assert Path(path).is_file()


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_flush_of_what_no_disk_holds(fake, caplog, place, way, more):
    """What has ended of an open run is delivered, unless the journal keeps it safe."""
    path, _ = place
    with way(fake, spool=path, **more) as (inlet, provider, tracer):
        with tracer.start_as_current_span("run", attributes=AGENT):
            tracer.start_span("call", attributes=AGENT).end()
            provider.force_flush(1_000)
            assert inlet.force_flush(10_000)
            assert inlet.stats.delivered == said(caplog, UNSAFE)
        provider.force_flush(1_000)
        assert inlet.force_flush(10_000)
        assert inlet.stats.delivered == 2


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_spool_that_another_process_holds(fake, caplog, spool, way, more):
    """Nobody waits for it twice, a flush keeps its time, and runs go out past it."""
    with way(fake, spool=spool, **more) as (inlet, provider, tracer):
        run_agent(tracer, "before")
        provider.force_flush(1_000)
        assert inlet.force_flush(10_000)
        other = sqlite3.connect(spool, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        for number in range(5):
            run_agent(tracer, f"run{number}")
            provider.force_flush(1_000)
            assert inlet.force_flush(1_000)
        assert time.monotonic() - began < 8
        other.execute("ROLLBACK")
        other.close()
        run_agent(tracer, "after")
        provider.force_flush(1_000)
        assert inlet.force_flush(10_000)
        assert inlet.stats.delivered == 21
        assert said(caplog, FAILS) == said(caplog, WORKS) == 1
    assert len(fake.requests) == 7


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_spool_that_somebody_removes(fake, caplog, spool, way, more):
    """What was in it is written anew: the next process delivers all of it."""
    fake.always(503)
    folder = Path(spool).parent
    with way(fake, spool=spool, **more) as (inlet, provider, tracer):
        run_agent(tracer, "before")
        provider.force_flush(1_000)
        assert inlet.force_flush(100)
        shutil.rmtree(folder)
        assert inlet.force_flush(100)
        assert Path(spool).is_file()
        run_agent(tracer, "after")
        provider.force_flush(1_000)
        assert inlet.force_flush(100)
        assert inlet.stats.queued == 6
    assert said(caplog, "was removed; it was written anew") == 1
    fake.always(None)
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(10_000)
        assert fake.wait_for_tasks(2, WAIT_S)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_nothing_is_sent_again_by_the_next_process(fake, tmp_path, way, more):
    """What went out past a spool that fails is no longer in the journal beside it."""
    steps = a_folder(tmp_path)
    path = str(next(steps))
    with way(fake, spool=path, **more) as (inlet, provider, tracer):
        run_agent(tracer)
        provider.force_flush(1_000)
        assert inlet.force_flush(10_000)
    next(steps)
    with processing(fake, spool=path) as (_, provider, _):
        assert provider.force_flush(10_000)
    assert len(fake.requests) == 1


def test_an_exit_delivers_what_no_disk_holds(fake, tmp_path):
    """An exit waits for the queue in memory as it does without a spool, and is silent."""
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
inlet = (InfiniumSpanProcessor if "{way}" == "processor" else InfiniumSpanExporter)()
under = {{"processor": lambda x: x, "batch": BatchSpanProcessor,
         "simple": SimpleSpanProcessor}}["{way}"]
p, t = provider_of(under(inlet))
def told():
    p.force_flush(1_000)
    flushed = inlet.force_flush(10_000)
    stats = inlet.stats
    say((flushed, stats.delivered, stats.queued, stats.open, stats.refused))
if {first}:
    run_agent(t, "before")
    told()
disk(100)
for number in range(5):
    run_agent(t, f"full{{number}}")
told()
disk(-1)
run_agent(t, "after")
told()
p.shutdown()
inlet.shutdown()
"""


@pytest.mark.parametrize("first", [True, False], ids=["later", "from-the-start"])
@pytest.mark.parametrize("way", ["processor", "batch", "simple"])
def test_a_disk_that_fills_up(fake, spool, way, first):
    """A write that the disk refuses costs nothing but the promise of the spool."""
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
    """What was spooled while there was room is delivered by the next process."""
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
        assert provider.force_flush(10_000)
        assert fake.wait_for_tasks(1, WAIT_S)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_a_loss_of_power(fake, spool, monkeypatch, way, more):
    """Within a second the disk itself has what waits, queued or open.

    Pulling the plug is what no test can do; that the kernel was asked is.
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
