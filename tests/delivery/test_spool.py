"""The spool: on disk when `put` returns, shared, bounded, and never in the way."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from infinium_otel.delivery.queue import FULL, TOO_LARGE, GivenUp
from infinium_otel.delivery.spool import Spool, drop, listing, retry
from infinium_otel.delivery.spool import schema as schemas
from infinium_otel.delivery.spool import spool as spools
from infinium_otel.errors import SpoolError
from support.delivery import Clock

MANY = 10**9


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "spool.db")


@pytest.fixture
def open_spool(path):
    """Opens spools on one path, each as another process would have it."""
    opened = []

    def make(size=MANY, clock=None, where=path):
        opened.append(Spool(where, size, clock or Clock()))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def keys(spool, now=1_000.0):
    found = []
    while (item := spool.take(now)) is not None:
        found.append(item.key)
    return found


def test_what_is_put_is_on_disk(open_spool):
    """Another process sees a task as soon as `put` has returned."""
    open_spool().put("k1", b"body", 3)
    item = open_spool().take(1_000)
    assert (item.key, item.body, item.spans) == ("k1", b"body", 3)


def test_the_file_is_its_owner_s_alone(open_spool, path):
    """All files of the spool have mode 0600, whatever the umask."""
    before = os.umask(0)
    try:
        spool = open_spool()
        spool.put("k", b"x", 1)
        spool.take(1_000)
    finally:
        os.umask(before)
    files = list(Path(path).parent.iterdir())
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_missing_folders_are_made(open_spool, tmp_path):
    """The folder of the spool is made, for its owner alone."""
    open_spool(where=str(tmp_path / "a" / "b.db")).put("k", b"x", 1)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_path_without_folder(tmp_path, monkeypatch):
    """A path may be a name alone."""
    monkeypatch.chdir(tmp_path)
    spool = Spool("s.db", MANY)
    spool.put("k", b"x", 1)
    spool.close()
    assert [kept.key for kept in listing("s.db")] == ["k"]


def test_a_relative_path(tmp_path, monkeypatch):
    """It means what it meant when the spool was made: daemons change their folder."""
    monkeypatch.chdir(tmp_path)
    spool = Spool("s.db", 10**9)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    spool.put("k", b"x", 1)
    spool.take(1_000)
    assert list(Path.cwd().iterdir()) == []
    spool.close()
    assert (tmp_path / "s.db").exists()


def test_two_processes_take_different_tasks(open_spool):
    """Exactly one of those that share a spool delivers each task."""
    first, second = open_spool(), open_spool()
    for number in range(6):
        first.put(f"k{number}", b"x", 1)
    taken = [spool.take(1_000).key for _ in range(3) for spool in (first, second)]
    assert sorted(taken) == [f"k{number}" for number in range(6)]
    assert (first.take(1_000), second.take(1_000)) == (None, None)


def test_many_open_a_new_spool_at_once(path):
    """Whoever comes while another makes the file waits for it, and fails over nothing."""
    gate, spools = threading.Barrier(8), [Spool(path, MANY, Clock()) for _ in range(8)]

    def put(number):
        gate.wait()
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


def test_the_same_key_waits_once(open_spool):
    """A task that is put again, after a crash, does not make two."""
    spool = open_spool()
    number, _ = spool.put("k", b"x", 1)
    assert spool.put("k", b"y", 2) == (number, [])
    assert keys(spool) == ["k"]


def test_done_release_and_order(open_spool):
    """What is done is gone; what failed waits, and goes after what failed less."""
    spool = open_spool()
    for key in ("a", "b", "c"):
        spool.put(key, b"x", 1)
    spool.done(spool.take(1_000))
    spool.release(spool.take(1_000), 1_050.0, failed=True)
    spool.put("d", b"x", 1)
    assert keys(spool) == ["c", "d"]
    again = spool.take(1_050)
    assert (again.key, again.attempts) == ("b", 1)


def test_hurry_and_next_ready(open_spool):
    """Waiting ends when somebody hurries; what others hold may come back."""
    clock = Clock()
    spool = open_spool(clock=clock)
    assert spool.next_ready() is None
    spool.put("k", b"x", 1)
    spool.release(spool.take(1_000), 1_500.0, failed=True)
    assert spool.next_ready() == 1_500.0
    spool.hurry()
    assert spool.next_ready() == 0
    spool.take(1_000)
    assert spool.next_ready() is None
    assert open_spool(clock=clock).next_ready() == 1_001.0


def test_a_clock_set_back_holds_nothing_up(open_spool):
    """A task is not kept waiting for a time that is far away."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    spool.release(spool.take(10**9), 10**10 + 60.0, failed=True)
    assert spool.next_ready() == 0.0
    assert spool.take(1_000).key == "k"


def test_a_smaller_body(open_spool):
    """A body that was shrunk stays so over a restart."""
    spool = open_spool()
    spool.put("k", b"x" * 100, 1)
    item = spool.replace(spool.take(1_000), b"small")
    assert (item.body, item.shrunk) == (b"small", True)
    spool.release(item, 0.0, failed=True)
    again = open_spool().take(1_000)
    assert (again.body, again.shrunk) == (b"small", True)


def test_the_oldest_make_room(open_spool, path):
    """Past its bytes the oldest tasks that nobody has taken go, and are listed."""
    spool = open_spool(size=100)
    for number in range(4):
        spool.put(f"k{number}", b"x" * 25, 1)
    spool.take(1_000)
    assert spool.put("k4", b"x" * 50, 1)[1] == [GivenUp(2, FULL), GivenUp(3, FULL)]
    assert keys(spool) == ["k3", "k4"]
    gone = [(kept.key, kept.reason, kept.size) for kept in listing(path) if kept.reason]
    assert gone == [("k1", FULL, 0), ("k2", FULL, 0)]
    assert spool.remaining([1, 2, 4, 99]) == {1: None, 2: FULL, 4: None}


def test_what_can_never_fit(open_spool):
    """A body larger than the whole spool is itself given up."""
    spool = open_spool(size=100)
    number, given_up = spool.put("big", b"x" * 101, 1)
    assert given_up == [GivenUp(number, TOO_LARGE)]
    spool.put("k", b"x" * 100, 1)
    spool.take(1_000)
    assert len(spool.put("l", b"x", 1)[1]) == 1


def test_nothing_that_is_under_way_is_given_up(open_spool):
    """What is taken stays, and for once the spool holds more than it should."""
    spool = open_spool(size=100)
    spool.put("k", b"x" * 100, 1)
    item = spool.take(1_000)
    spool.replace(item, b"y" * 200)
    assert spool.put("l", b"", 1)[1] == [GivenUp(2, TOO_LARGE)]


def test_only_so_many_are_remembered(open_spool, path, monkeypatch):
    """Of tasks that made room the oldest names are forgotten at last."""
    monkeypatch.setattr(spools, "MOST_REMEMBERED", 2)
    spool = open_spool(size=10)
    for number in range(6):
        spool.put(f"k{number}", b"x" * 10, 1)
    assert [kept.key for kept in listing(path) if kept.reason] == ["k3", "k4"]


def test_refused_tasks_are_kept(open_spool, path):
    """A refused task is kept with its reason, and can be queued again."""
    spool = open_spool()
    spool.put("k", b"body", 2)
    spool.refuse(spool.take(1_000), "422", "name: " + "x" * 600)
    assert spool.take(1_000) is None
    assert spool.remaining([1]) == {1: "422"}
    (kept,) = listing(path)
    assert (kept.key, kept.state, kept.size, kept.spans) == ("k", "refused", 4, 2)
    assert (kept.reason, len(kept.message), kept.at_s) == ("422", 500, 1_000.0)
    assert retry(path) == 1
    assert spool.take(1_000).body == b"body"
    assert [kept.state for kept in listing(path)] == ["sending"]


def test_refused_tasks_are_bounded(open_spool, path):
    """Refused tasks take a tenth of the spool at most; the oldest go."""
    spool = open_spool(size=1_000)
    for number in range(4):
        spool.put(f"k{number}", b"x" * 40, 1)
        spool.refuse(spool.take(1_000), "400", "")
    assert [kept.key for kept in listing(path)] == ["k2", "k3"]


def test_retry_and_drop_by_key(open_spool, path):
    """Both take keys; without any, `drop` spares what waits."""
    spool = open_spool()
    for key in "abc":
        spool.put(key, b"x", 1)
        spool.refuse(spool.take(1_000), "400", "")
    spool.put("d", b"x", 1)
    spool.put("e", b"x", 1)
    assert retry(path, ["a", "z"]) == 1
    assert drop(path, ["b", "d"]) == 2
    assert drop(path) == 1
    assert [(kept.key, kept.state) for kept in listing(path)] == [
        ("e", "waiting"),
        ("a", "waiting"),
    ]


@pytest.mark.parametrize("function", [listing, retry, drop])
def test_no_spool(path, function):
    """Looking at a spool that is not there does not make one."""
    with pytest.raises(SpoolError, match="there is no such spool"):
        function(path)
    assert not Path(path).exists()


def test_a_spool_that_fails_while_it_is_read(open_spool, path):
    """A failure of SQLite is told in our words."""
    open_spool().put("k", b"x", 1)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE refused")
    connection.close()
    with pytest.raises(SpoolError, match="refused"):
        listing(path)


CHILD = textwrap.dedent(
    """
    import sys, time
    from infinium_otel.delivery.spool import Spool

    spool = Spool(sys.argv[1], 10**9)
    for number in range(5):
        spool.put(f"k{number}", b"x", 1)
    for _ in range(int(sys.argv[2])):
        spool.take(time.time())
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
    """What a killed process had put or taken is the next one's, at once."""
    kill(child(path, taken=3))
    assert sorted(keys(open_spool(), now=10**10)) == [f"k{n}" for n in range(5)]
    assert not list(Path(path).parent.glob("*-owner-????????????????????????????????0"))


def test_a_living_process_keeps_what_it_took(open_spool, path):
    """Nobody takes what another is delivering; when it dies, they do."""
    clock = Clock()
    process = child(path, taken=3)
    spool = open_spool(clock=clock)
    try:
        assert keys(spool, now=10**10) == ["k3", "k4"]
    finally:
        kill(process)
    assert spool.take(10**10) is None  # it looks for the dead once a second
    clock.now += 1.1
    assert keys(spool, now=10**10) == ["k0", "k1", "k2"]


def test_an_owner_whose_file_is_gone_is_dead(open_spool, path):
    """Somebody who tidies up the folder frees what was taken."""
    first = open_spool()
    first.put("k", b"x", 1)
    first.take(1_000)
    for file in Path(path).parent.glob("*-owner-*"):
        file.unlink()
    assert open_spool().take(1_000).key == "k"


def test_an_owner_s_file_that_cannot_be_read(open_spool, path):
    """Where nothing can be told, nothing is taken away."""
    first = open_spool()
    first.put("k", b"x", 1)
    first.take(1_000)
    (file,) = Path(path).parent.glob("*-owner-*")
    file.unlink()
    file.symlink_to("nowhere")
    assert open_spool().take(1_000) is None


def test_close_gives_back_what_was_taken(open_spool, path):
    """After a close in order everything waits again and no file is left over."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    spool.take(1_000)
    spool.close()
    spool.close()
    assert [file.name for file in Path(path).parent.iterdir()] == ["spool.db"]
    assert open_spool().take(1_000).key == "k"
    with pytest.raises(SpoolError, match="was closed"):
        spool.take(1_000)


def test_a_forked_child_leaves_all_to_the_parent(open_spool, path):
    """The child opens its own connection, and what the parent took stays taken."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    spool.put("l", b"x", 1)
    spool.take(1_000)
    pid = os.fork()
    if pid == 0:
        spool.after_fork_in_child()
        spool.after_fork_in_child()
        os._exit(0 if keys(spool) == ["l"] else 1)
    assert os.waitpid(pid, 0)[1] == 0
    spool._looked_s = 0
    assert spool.take(1_000).key == "l"


def test_a_damaged_file_is_moved_aside(open_spool, path, caplog):
    """A file that is no database makes way for a new spool; it is kept and named."""
    Path(path).write_bytes(b"this is no database" * 100)
    open_spool().put("k", b"x", 1)
    (aside,) = Path(path).parent.glob("*.damaged-*")
    assert aside.read_bytes().startswith(b"this is no")
    assert "is damaged" in caplog.text


def broken(path, spool):
    """Overwrites all pages but the first under an open connection."""
    spool._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = Path(path).stat().st_size
    with Path(path).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xee" * (size - 4096))
    spool._database.connection.execute("PRAGMA shrink_memory")


def test_damage_while_it_is_open(open_spool, path):
    """A file that breaks under our hands is told, and opened anew next time."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    broken(path, spool)
    with pytest.raises(SpoolError, match="malformed"):
        spool.take(1_000)
    spool.put("l", b"x", 1)
    assert keys(spool) == ["l"]
    assert list(Path(path).parent.glob("*.damaged-*"))


def test_another_program_s_database(open_spool, path):
    """A database of somebody else is left as it is."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(SpoolError, match="another program's database"):
        open_spool().put("k", b"x", 1)


def test_a_newer_version_s_spool(open_spool, path):
    """A spool of a version to come is left as it is."""
    open_spool().put("k", b"x", 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolError, match="newer version"):
        open_spool().put("k", b"x", 1)


def test_migrations_run_once_each(open_spool, path, monkeypatch):
    """An older file is brought to the newest version, keeping what it holds."""
    open_spool().put("k", b"x", 1)
    added = []
    monkeypatch.setattr(schemas, "MIGRATIONS", (schemas._first, added.append))
    assert open_spool().take(1_000).key == "k"
    assert open_spool().take(1_000) is None
    assert len(added) == 1


def test_a_file_that_cannot_be_written(open_spool, path):
    """A read-only folder is told in one sentence."""
    with pytest.raises(SpoolError, match=r"spool\.db"):
        open_spool(where="/proc/nowhere/spool.db").put("k", b"x", 1)
    with pytest.raises(SpoolError):
        open_spool(where="/proc/version").put("k", b"x", 1)


def test_a_file_of_somebody_else(open_spool, path, monkeypatch):
    """A file that another user made is not trusted."""
    monkeypatch.setattr(os, "geteuid", lambda: 4_242)
    with pytest.raises(SpoolError, match="belongs to another user"):
        open_spool().put("k", b"x", 1)


def test_a_damaged_file_that_cannot_be_moved(open_spool, path, monkeypatch):
    """Where even that fails it is told, not raised by another name."""
    Path(path).write_bytes(b"this is no database" * 100)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SpoolError, match="Permission denied"):
        open_spool().put("k", b"x", 1)


def test_a_full_disk(open_spool, path):
    """A disk that is full costs the task that does not fit, and tells so."""
    spool = open_spool()
    spool.put("k", b"x", 1)
    pages = spool._database.connection.execute("PRAGMA page_count").fetchone()[0]
    spool._database.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SpoolError, match="full"):
        spool.put("big", b"x" * 100_000, 1)
    assert keys(spool) == ["k"]


@pytest.mark.parametrize("at", range(1, 12))
def test_a_crash_between_any_two_statements(path, at):
    """Whatever statement a process dies before, a task is there once or not yet."""
    script = textwrap.dedent(
        """
        import os, sqlite3, sys
        from infinium_otel.delivery.spool import Spool

        spool = Spool(sys.argv[1], 10**9)
        spool.put("first", b"x", 1)
        left = [int(sys.argv[2])]

        def before(statement):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)

        spool._database.connection.set_trace_callback(before)
        spool.put("second", b"x", 1)
        item = spool.take(0)
        spool.done(item)
        """
    )
    done = subprocess.run([sys.executable, "-c", script, path, str(at)], check=False)
    assert done.returncode in (0, 9)
    spool = Spool(path, MANY)
    found = keys(spool, 10**10)
    spool.close()
    assert found in (["first"], ["first", "second"], ["second"])
