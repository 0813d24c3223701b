"""The journal: an ended span of an open trace survives the end of the process."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.delivery.storage.journal import Journal
from infinium_otel.delivery.storage.journal import journal as journals
from infinium_otel.delivery.storage.journal.codec import (
    HEADER,
    JournalReader,
    encode_log,
    encode_span,
)
from infinium_otel.delivery.storage.journal.directory import JournalDirectory
from infinium_otel.errors import SpoolError
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord
from support.delivery import Clock

RESOURCE = MappingProxyType({"service.name": "shop"})


def span(number, **fields):
    defaults = {"attributes": {"gen_ai.system": "x"}, "resource": RESOURCE} | fields
    return SpanRecord(
        "a" * 32, f"{number:016x}", None, f"span {number}", 1, 2, **defaults
    )


@pytest.fixture
def spool(tmp_path):
    return str(tmp_path / "s.db")


@pytest.fixture
def open_journal(spool):
    """Opens journals on one spool, each like another process."""
    opened = []

    def make(**settings):
        opened.append(Journal(spool, **settings))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def files(spool, pattern="*"):
    return sorted(Path(f"{spool}.journal").glob(pattern))


def end(journal):
    """The end of a process as the kernel sees it: the file stays, unlocked."""
    os.close(journal._file)
    journal._file = None


def names(records):
    return [record.name for record in records]


def test_what_is_appended_is_recovered(open_journal, spool):
    """The next process gets every field of every record, in order."""
    whole = SpanRecord(
        "a" * 32,
        "b" * 16,
        "c" * 16,
        "chat \ud800",
        1,
        2**62,
        attributes={"n": 1, "f": 0.5, "b": b"\xff", "l": [1, "x"], "none": None},
        kind="client",
        status="error",
        status_message="oh",
        events=(SpanEvent("exception", 5, {"k": "v"}),),
        links=(SpanLink("d" * 32, "e" * 16, {}),),
        scope_name="lib",
        scope_version="1",
        resource={"service.name": "shop"},
        parent_is_remote=True,
        dropped_attributes=3,
    )
    log = LogEvent("a" * 32, "b" * 16, "gen_ai.choice", 7, {"k": 1}, {"m": [1]}, 9, "s")
    first = open_journal()
    assert first.append(whole)
    assert first.append(log)
    end(first)
    assert open_journal().recover() == [whole, log]
    assert first.problems == {}


def test_recovered_once(open_journal, spool):
    """Files are removed once their records are stored; until then they stay locked."""
    first = open_journal()
    first.append(span(1))
    end(first)
    second = open_journal()
    assert names(second.recover()) == ["span 1"]
    assert open_journal().recover() == []
    second.close()
    third = open_journal()
    assert names(third.recover()) == ["span 1"]
    third.remove_recovered()
    assert files(spool) == []


def test_a_living_process_keeps_its_journal(open_journal):
    """No process recovers the journal of a living one, including its own."""
    first = open_journal()
    first.append(span(1))
    assert first.recover() == []
    assert open_journal().recover() == []


def test_what_is_done_is_not_recovered(open_journal):
    """Spans whose task is in the spool are not sent again; nor are their logs."""
    journal = open_journal()
    for number in range(4):
        journal.append(span(number))
    journal.append(LogEvent("a" * 32, f"{1:016x}", "late", 1))
    journal.mark_done([f"{1:016x}", f"{3:016x}", "unknown"])
    journal.mark_done([])
    end(journal)
    assert names(open_journal().recover()) == ["span 0", "span 2"]


def test_a_file_without_live_spans_is_removed(open_journal, spool):
    """An orderly close without open spans removes the file."""
    journal = open_journal()
    journal.append(span(1))
    journal.mark_done([f"{1:016x}"])
    journal.close()
    journal.close()
    assert files(spool) == []


def test_a_file_with_live_spans_stays(open_journal, spool):
    """Spans that are open at an orderly close are recovered by the next process."""
    journal = open_journal()
    journal.append(span(1))
    journal.close()
    assert names(open_journal().recover()) == ["span 1"]


def test_only_the_owner_can_read_it(open_journal, spool):
    """The directory has mode 0700, each file 0600, for any umask."""
    before = os.umask(0)
    try:
        open_journal().append(span(1))
    finally:
        os.umask(before)
    folder = Path(f"{spool}.journal")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in files(spool)] == [0o600]


def test_a_directory_that_others_may_write(open_journal, spool, caplog):
    """Such a directory is neither written nor read; this is logged once."""
    Path(f"{spool}.journal").mkdir(mode=0o777)
    Path(f"{spool}.journal").chmod(0o777)
    journal = open_journal()
    assert not journal.append(span(1))
    assert not journal.append(span(2))
    assert journal.recover() == []
    assert journal.problems == {"journal failed": 3}
    assert caplog.text.count("would be lost in a kill") == 1


def test_symbolic_links(open_journal, spool, tmp_path):
    """A symbolic link in place of the directory, or in it, is not followed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Path(f"{spool}.journal").symlink_to(elsewhere)
    assert not open_journal().append(span(1))
    Path(f"{spool}.journal").unlink()
    (tmp_path / "target").write_bytes(HEADER)
    journal = open_journal()
    journal.append(span(1))
    Path(f"{spool}.journal/x.journal").symlink_to(tmp_path / "target")
    Path(f"{spool}.journal/y.journal").mkdir()
    assert journal.recover() == []
    assert (tmp_path / "target").read_bytes() == HEADER


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_not_read(open_journal, spool):
    """Reading it would wait for ever for somebody who writes."""
    journal = open_journal()
    journal.append(span(1))
    os.mkfifo(f"{spool}.journal/x.journal")
    recovered = []
    reading = threading.Thread(target=lambda: recovered.append(journal.recover()))
    reading.daemon = True
    reading.start()
    reading.join(30)
    assert recovered == [[]]


def test_a_directory_that_cannot_be_created(tmp_path):
    """A file in its place disables the journal; nothing is raised."""
    (tmp_path / "file").write_text("")
    journal = Journal(str(tmp_path / "file" / "s.db"))
    assert not journal.append(span(1))
    assert journal.recover() == []
    journal.close()


def test_torn_and_damaged_lines(open_journal, spool, caplog):
    """Only damaged lines are lost: they are counted, and the file is moved aside."""
    first = open_journal()
    for number in range(4):
        first.append(span(number))
    path = first._path
    end(first)
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b"span 1", b"spam 1")
    lines[4] = b"\0" * len(lines[4])
    path.write_bytes(b"\n".join(lines)[:-20])
    second = open_journal()
    assert names(second.recover()) == ["span 0"]
    assert second.problems == {"damaged": 2, "torn": 1}
    second.remove_recovered()
    assert [file.suffix for file in files(spool)] == [".damaged"]
    assert open_journal().recover() == []


def test_a_torn_tail_is_no_damage(open_journal, spool):
    """A kill in the middle of a write is normal: only that line is lost."""
    first = open_journal()
    first.append(span(1))
    first.append(span(2))
    path = first._path
    end(first)
    path.write_bytes(path.read_bytes()[:-5])
    second = open_journal()
    assert names(second.recover()) == ["span 1"]
    second.remove_recovered()
    assert files(spool) == []


def test_foreign_files_are_moved_aside(open_journal, spool, caplog):
    """A file that is not a journal is renamed and counted."""
    JournalDirectory(spool).prepare()
    folder = Path(f"{spool}.journal")
    (folder / "x.journal").write_text("dear diary")
    (folder / "notes.txt").write_text("mine")
    (folder / "half.tmp").write_bytes(HEADER)
    journal = open_journal()
    assert journal.recover() == []
    assert [file.name for file in files(spool)] == ["notes.txt", "x.foreign"]
    assert journal.problems == {"foreign": 1}


def test_a_bound_in_bytes(open_journal, caplog):
    """Past the bound, spans are kept only in memory: counted, logged once."""
    journal = open_journal(max_bytes=2_000)
    written = [journal.append(span(number)) for number in range(20)]
    assert written[:5] == [True] * 5
    assert written[-5:] == [False] * 5
    assert journal._size <= 2_000
    assert journal.problems == {"journal full": written.count(False)}
    assert caplog.text.count("journal full") == 1


def test_a_full_file_is_compacted(open_journal):
    """A full file is rewritten with its live records, none of which is lost."""
    journal = open_journal(max_bytes=3_000)
    for number in range(200):
        assert journal.append(span(number))
        if number != 1:
            journal.mark_done([f"{number:016x}"])
    journal.append(LogEvent("a" * 32, f"{1:016x}", "note", 1, resource=RESOURCE))
    end(journal)
    assert names(open_journal().recover()) == ["span 1", "note"]


def test_a_file_without_live_records_is_truncated(open_journal, monkeypatch):
    """The file starts again when no record is live."""
    monkeypatch.setattr(journals, "TIDY_BYTES", 1_000)
    journal = open_journal()
    for number in range(30):
        journal.append(span(number))
        journal.mark_done([f"{number:016x}"])
        assert journal._size < 2_000
    journal.append(span(99))
    end(journal)
    assert names(open_journal().recover()) == ["span 99"]


def test_a_large_file_with_few_live_records_is_compacted(open_journal, monkeypatch):
    """One long trace does not keep the spans of all others on disk."""
    monkeypatch.setattr(journals, "TIDY_BYTES", 500)
    journal = open_journal()
    journal.append(span(0))
    for number in range(1, 100):
        journal.append(span(number))
        journal.mark_done([f"{number:016x}"])
    assert journal._size < 6_000
    end(journal)
    assert names(open_journal().recover()) == ["span 0"]


def test_resources_are_compacted_too(open_journal, monkeypatch):
    """A gateway gets a new resource with every request, and always has live records."""
    monkeypatch.setattr(journals, "TIDY_BYTES", 1_000)
    journal = open_journal(max_bytes=60_000)
    journal.append(span(0))
    for number in range(1, 2_000):
        assert journal.append(span(number, resource={"service.name": "shop"}))
        journal.mark_done([f"{number - 1:016x}"])
        assert len(journal._resources) < 100
        assert journal._size < 60_000
    end(journal)
    (last,) = open_journal().recover()
    assert (last.name, last.resource) == ("span 1999", {"service.name": "shop"})


def test_compaction_for_a_record_with_a_new_resource(open_journal):
    """The new record keeps its resource."""
    journal = open_journal(max_bytes=3_000)
    for number in range(100):
        record = span(number, resource={"service.name": f"shop {number}"})
        assert journal.append(record)
        if number % 3:
            journal.mark_done([f"{number:016x}", f"{number - 1:016x}"])
    end(journal)
    found = open_journal().recover()
    assert [record.name for record in found] == ["span 99"]
    assert found[0].resource == {"service.name": "shop 99"}


def test_old_records_are_dropped(open_journal):
    """A record that was never marked as done is dropped once no trace is that old."""
    clock = Clock()
    journal = open_journal(max_bytes=2_000, clock=clock)
    while journal.append(span(1)):
        pass
    clock.now += 5 * 3600
    assert journal.append(span(2))
    end(journal)
    assert names(open_journal().recover()) == ["span 2"]


def test_a_full_disk(open_journal, monkeypatch):
    """A partly written record is removed, so that the next one is valid."""
    journal = open_journal()
    journal.append(span(1))
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: real(file, data[:10]))
        assert not journal.append(span(2))
        assert not journal.holds_all
        journal.mark_done([f"{1:016x}"])
    assert not journal.holds_all
    journal.hand_over([f"{2:016x}"])
    assert journal.holds_all
    journal.append(span(3))
    assert journal.problems == {"journal failed": 2}
    end(journal)
    assert names(open_journal().recover()) == ["span 1", "span 3"]


def test_a_disk_that_is_full_from_the_start(open_journal, spool, monkeypatch):
    """A file without a complete header is removed; the next record starts another."""
    journal = open_journal()

    def no_room(*_):
        raise OSError(errno.ENOSPC, "full")

    for write in (no_room, lambda file, data: 3):
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            assert not journal.append(span(1))
        assert files(spool) == []
    assert journal.append(span(2))
    end(journal)
    assert names(open_journal().recover()) == ["span 2"]


def test_a_full_disk_during_compaction(open_journal, spool, monkeypatch):
    """If the new file cannot be written, the old one stays."""
    monkeypatch.setattr(journals, "TIDY_BYTES", 100)
    journal = open_journal()
    for number in range(10):
        journal.append(span(number))
    real = os.pread
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *at: real(*at)[:10])
        journal.mark_done([f"{number:016x}" for number in range(9)])
    assert len(files(spool)) == 1
    assert journal.problems == {"journal failed": 1}
    end(journal)
    assert names(open_journal().recover()) == ["span 9"]


def test_a_forked_child(open_journal):
    """The child has its own journal; the parent's lock outlives the child."""
    journal = open_journal()
    journal.append(span(1))
    pid = os.fork()
    if pid == 0:
        journal.after_fork_in_child()
        journal.after_fork_in_child()
        os._exit(0 if journal.append(span(2)) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert names(open_journal().recover()) == ["span 2"]
    end(journal)
    assert names(open_journal().recover()) == ["span 1"]


def test_a_fork_during_recovery(open_journal):
    """Files being recovered stay the parent's."""
    first = open_journal()
    first.append(span(1))
    end(first)
    second = open_journal()
    second.recover()
    pid = os.fork()
    if pid == 0:
        second.after_fork_in_child()
        second.remove_recovered()
        os._exit(0)
    os.waitpid(pid, 0)
    second.close()
    assert names(open_journal().recover()) == ["span 1"]


def test_a_file_that_vanishes_during_recovery(open_journal, spool, monkeypatch):
    """Another process may remove it at the same time."""
    first = open_journal()
    first.append(span(1))
    end(first)
    real = os.open

    def vanish(path, *rest):
        Path(path).unlink()
        return real(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", vanish)
        assert open_journal().recover() == []


def test_a_replaced_file_is_not_recovered(open_journal, spool, monkeypatch):
    """A file that was replaced while it was opened is not the journal any more."""
    first = open_journal()
    first.append(span(1))
    path = first._path
    end(first)
    real = os.open

    def replace(name, *rest):
        file = real(name, *rest)
        new = path.with_suffix(".new")
        new.write_bytes(HEADER)
        new.replace(path)
        return file

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", replace)
        assert open_journal().recover() == []


def test_the_age_of_a_missing_file():
    """Sorting by age supports missing files."""
    folder = JournalDirectory("/nowhere/s.db")
    assert folder.lock_orphans() == []
    from infinium_otel.delivery.storage.journal.directory import _get_mtime  # noqa: PLC0415 - internal

    assert _get_mtime(Path("/nowhere/at/all")) == 0.0


def test_another_users_directory(spool, monkeypatch):
    """A directory of another user is not trusted."""
    JournalDirectory(spool).prepare()
    monkeypatch.setattr(os, "geteuid", lambda: 4_242)
    with pytest.raises(SpoolError, match="this user alone"):
        JournalDirectory(spool).prepare()


CHILD = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[2])
    from infinium_otel.delivery.storage.journal import Journal
    from infinium_otel.records import SpanRecord

    journal = Journal(sys.argv[1])
    number = 0
    while True:
        journal.append(SpanRecord("a" * 32, f"{number:016x}", None, str(number), 1, 2))
        print(number, flush=True)
        number += 1
    """
)


@pytest.mark.parametrize("lines", [1, 17, 300])
def test_killed_at_any_moment(open_journal, spool, lines):
    """Every record that `append` returned for survives SIGKILL, without a gap."""
    tests = str(Path(__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, spool, tests], stdout=subprocess.PIPE
    )
    written = [int(process.stdout.readline()) for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    written += [int(line) for line in process.stdout.read().splitlines()[:-1]]
    process.wait(10)
    process.stdout.close()
    found = [int(name) for name in names(open_journal().recover())]
    assert found == list(range(len(found)))
    assert len(found) >= len(written)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(), VALUES), st.text(st.characters()))
def test_every_span_comes_back(attributes, name):
    """Any attributes are read back unchanged."""
    record = SpanRecord("a" * 32, "b" * 16, None, name, 1, 2, attributes)
    log = LogEvent("a" * 32, "b" * 16, name, 1, attributes, attributes)
    reader = JournalReader()
    reader.feed(_lines(record, log))
    assert reader.finish() == [record, log]


def _lines(record, log):
    from infinium_otel.delivery.storage.journal.codec import RESOURCE as R  # noqa: PLC0415 - one use
    from infinium_otel.delivery.storage.journal.codec import encode_line  # noqa: PLC0415 - one use

    return [encode_line([R, 0, {}]), encode_span(record, 0), encode_log(log, 0)]


def test_unusual_attributes():
    """Sets, huge numbers and cyclic values do not stop the journal."""
    cycle = []
    cycle.append(cycle)
    odd = {"set": {1}, "huge": 10**5_000, "cycle": cycle, "map": MappingProxyType({})}
    reader = JournalReader()
    reader.feed([*_lines(span(1, attributes=odd), LogEvent("a", "b", "n", 1))])
    found = reader.finish()[0].attributes
    assert found["set"] == [1]
    assert found["map"] == {}
    assert found["huge"].startswith("0x")


@given(st.lists(st.binary(max_size=60)))
def test_garbage_is_skipped(lines):
    """No bytes make the reader raise."""
    reader = JournalReader()
    reader.feed(line + b"\n" for line in lines)
    assert reader.finish() == []
    assert sum(reader.skipped.values()) == len(lines)
