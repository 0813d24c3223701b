"""Files with contents of tasks: for their owner alone, and never another's."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.serve.store import Store
from infinium_otel.delivery.storage.private_files import is_database, open_private
from infinium_otel.delivery.storage.spool import Spool
from infinium_otel.errors import SpoolError
from support.otlp_requests import agent_span, traces

MANY = 1 << 30
LINKS = "link dangling hard-link".split()
SUFFIXES = ["", "-wal", "-shm", "-journal"]


@pytest.fixture(autouse=True)
def umask():
    """Files are not private by chance."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tasks.db"


def use_spool(path):
    spool = Spool(str(path), MANY)
    try:
        spool.put("k", b"a secret text", 1)
        spool.claim(1_000)
        yield
    finally:
        spool.close()


def use_store(path):
    store = Store(str(path))
    yield
    store.close()


USES = [pytest.param(use_spool, id="spool"), pytest.param(use_store, id="serve")]


def get_modes(path):
    found = path.parent.glob(f"{path.name}*")
    return {each.name: stat.S_IMODE(each.lstat().st_mode) for each in found}


def plant(path, kind, victim):
    """What another user could put where we are going to write."""
    if kind == "hard-link":
        path.hardlink_to(victim)
    else:
        path.symlink_to(victim if kind == "link" else victim.with_name("nowhere"))


@pytest.fixture
def victim(tmp_path):
    """A file that must stay as it is."""
    (tmp_path / "other").mkdir()
    victim = tmp_path / "other" / "victim"
    victim.write_text("theirs")
    yield victim
    assert victim.read_text() == "theirs"
    assert [each.name for each in victim.parent.iterdir()] == ["victim"]


@pytest.mark.parametrize("use", USES)
def test_new_files_are_private(use, path):
    """The database and the files beside it have mode 0600."""
    for _ in use(path):
        assert set(get_modes(path).values()) == {0o600}
        assert len(get_modes(path)) >= 3


@pytest.mark.parametrize("use", USES)
def test_old_files_are_repaired_and_that_is_logged_once(use, path, caplog):
    """A version before this one wrote files that everybody could read."""
    for _ in use(path):
        for each in path.parent.glob(f"{path.name}*"):
            each.chmod(0o644)
    path.chmod(0o644)
    for _ in use(path):
        assert set(get_modes(path).values()) == {0o600}
    for _ in use(path):
        pass
    logged = [record.getMessage() for record in caplog.records]
    assert logged == [f"{path} could be read by other users; its mode is now 0600"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("use", USES)
def test_planted_links_are_refused(use, kind, suffix, path, victim):
    """The error names the link; what it refers to is neither written nor created."""
    planted = path.with_name(path.name + suffix)
    plant(planted, kind, victim)
    with pytest.raises((SpoolError, OSError), match="link") as caught:
        next(use(path))
    assert str(planted) in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("use", USES)
def test_what_is_no_file_is_refused(use, suffix, path):
    """A pipe would block, a directory cannot be written."""
    planted = path.with_name(path.name + suffix)
    os.mkfifo(planted)
    with pytest.raises((SpoolError, OSError), match="is not a file"):
        next(use(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("use", USES)
def test_files_of_other_users_are_refused(use, suffix, path):
    """Whoever owns a file can read it at any time."""
    planted = path.with_name(path.name + suffix)
    planted.touch(0o600)
    os.chown(planted, 4_242, 4_242)
    with pytest.raises((SpoolError, OSError), match="belongs to another user"):
        next(use(path))
    assert planted.stat().st_size == 0


def test_opening_a_spool_again_keeps_its_locks(path):
    """POSIX drops a process's locks on a file when it closes any descriptor of it."""
    for _ in use_spool(path):
        before = Path("/proc/locks").read_text() if Path("/proc/locks").exists() else ""
        inode = f":{path.stat().st_ino} "
        for _ in use_spool(path):
            pass
        held = Path("/proc/locks").read_text() if before else ""
        assert (inode in held) == (inode in before)


# -- the outputs of convert ------------------------------------------------------------


@pytest.fixture
def convert(tmp_path, capsys):
    source = tmp_path / "spans.json"
    source.write_text(json.dumps(traces(agent_span(1))))

    def run(out):
        code = cli.main(["convert", str(source), "-o", str(out)])
        return code, capsys.readouterr().err

    return run


def test_an_output_of_convert_is_private(convert, tmp_path, caplog):
    """It has contents of runs; an older file is repaired."""
    out = tmp_path / "out.jsonl"
    assert convert(out)[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not caplog.records
    out.chmod(0o644)
    out.write_text("x" * 100_000)
    assert convert(out)[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text())["name"] == "run 1"
    assert "its mode is now 0600" in caplog.text


@pytest.mark.parametrize("kind", LINKS)
def test_an_output_of_convert_is_no_link(kind, convert, tmp_path, victim):
    """The command ends with one line and exit code 2."""
    out = tmp_path / "out.jsonl"
    plant(out, kind, victim)
    code, error = convert(out)
    assert code == 2
    assert "link" in error
    assert error.count("\n") == 1


def test_devices_and_pipes_are_written_to():
    """`-o /dev/stdout` is a link too, but not to a file."""
    reading, writing = os.pipe()
    file = open_private(f"/dev/fd/{writing}")
    os.write(file, b"x")
    for each in (file, writing):
        os.close(each)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == b"x"


def test_a_database_in_memory_needs_no_file(tmp_path, monkeypatch):
    """SQLite's name for it is no path."""
    monkeypatch.chdir(tmp_path)
    Store(":memory:").close()
    assert [*tmp_path.iterdir()] == []


def test_a_replaced_damaged_file_is_private_too(path):
    """The damaged one is moved aside with what is in it."""
    path.write_bytes(b"not a database" * 100)
    for _ in use_spool(path):
        assert set(get_modes(path).values()) == {0o600}
    assert any(".damaged-" in name for name in get_modes(path))
    with pytest.raises(sqlite3.DatabaseError):
        Store(str(next(path.parent.glob("*.damaged-*"))))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(None, True, id="absent"),
        pytest.param(b"", True, id="empty"),
        pytest.param(b"SQLite format 3\0rest", True, id="database"),
        pytest.param(b"SQLite format 4", False, id="similar"),
        pytest.param(b"print()", False, id="text"),
    ],
)
def test_what_is_a_database(content, expected, tmp_path):
    """A file that another program made is none, before anything is done to it."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert is_database(str(path)) is expected
    assert is_database(str(tmp_path))  # no file: whoever opens it has the reason
