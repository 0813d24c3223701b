"""The kept spans: what comes back, and what is removed when."""

from __future__ import annotations

import logging
import sqlite3
import zlib

import pytest

from infinium_otel.apps.serve import span_archive
from infinium_otel.apps.serve.span_archive import Retention, SpanArchive
from support.records import log_event, make_span
from support.spans import TRACE, sid


@pytest.fixture
def archive(tmp_path):
    kept = SpanArchive(str(tmp_path / "tasks.db"))
    yield kept
    kept.close()


def test_records_come_back_as_they_were(archive):
    """Spans and log events are found by trace, in the order of arrival, and by span."""
    first = make_span("1", attributes={"a": "x", "n": 3, "list": ("p", "q")})
    second = make_span("2", parent="1")
    event = log_event("gen_ai.user.message", "2", body={"role": "user"})
    archive.add([first, second, event])
    assert archive.find(first.trace_id) == [first, second, event]
    assert archive.find(first.trace_id, [second.span_id]) == [second, event]
    assert archive.find("f" * 32) == []


def test_text_that_utf8_cannot_encode(archive):
    """A lone surrogate is replaced; nothing is raised."""
    archive.add([make_span("1", name="a\ud800b")])
    (found,) = archive.find(make_span("1").trace_id)
    assert found.name == "a?b"


def test_the_oldest_are_removed_and_it_is_logged_once(tmp_path, monkeypatch, caplog):
    """Past the bound on bytes the oldest records are removed, with one warning."""
    monkeypatch.setattr(span_archive, "REMOVED_AT_ONCE", 10)
    kept = SpanArchive(str(tmp_path / "t.db"), Retention(max_bytes=20_000))
    with caplog.at_level(logging.WARNING):
        for number in range(1, 201):
            kept.add([make_span(f"{number:x}", attributes={"k": str(number) * 50})])
    found = kept.find(make_span("1").trace_id)
    assert found[-1].span_id == make_span(f"{200:x}").span_id
    assert 0 < len(found) < 200
    assert kept.removed == 200 - len(found)
    assert sum(record[0] for record in kept._db.execute("SELECT size FROM spans")) <= (
        20_000
    )
    assert [r for r in caplog.text.splitlines() if "--keep-spans-mib" in r] != []
    assert caplog.text.count("--keep-spans-mib") == 1
    kept.close()


def test_old_records_are_removed(tmp_path):
    """What is older than the bound on age goes when something is added."""
    path = str(tmp_path / "t.db")
    kept = SpanArchive(path, Retention(max_age_ms=60_000))
    kept.add([make_span("1")])
    kept._db.execute("UPDATE spans SET received_ms = received_ms - 61000")
    kept.add([make_span("2")])
    assert [r.span_id for r in kept.find(make_span("1").trace_id)] == [
        make_span("2").span_id
    ]
    kept.close()


def test_none_are_kept_if_switched_off(tmp_path):
    """With 0 bytes nothing is written."""
    kept = SpanArchive(str(tmp_path / "t.db"), Retention(max_bytes=0))
    kept.add([make_span("1")])
    assert kept.find(make_span("1").trace_id) == []
    kept.close()


def test_the_size_is_known_after_a_restart(tmp_path):
    """The bound holds over restarts: sizes are summed when the file is opened."""
    path = str(tmp_path / "t.db")
    kept = SpanArchive(path)
    kept.add([make_span(f"{number:x}") for number in range(1, 50)])
    kept.close()
    kept = SpanArchive(path, Retention(max_bytes=1))
    kept.add([make_span("64")])
    assert kept.find(make_span("1").trace_id) == []
    kept.close()


def test_a_trace_is_removed(archive):
    """`remove` forgets one trace, and the space it used."""
    archive.add([make_span("1")])
    archive.remove(make_span("1").trace_id)
    assert archive.find(make_span("1").trace_id) == []
    assert archive._bytes == 0


def test_a_failing_disk_leaves_nothing_half_done(archive):
    """An error while adding takes back the whole batch."""
    archive._db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON spans WHEN NEW.span_id LIKE '%2' "
        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with pytest.raises(sqlite3.Error):
        archive.add([make_span("1"), make_span("2")])
    assert archive.find(make_span("1").trace_id) == []
    archive.add([make_span("1")])
    assert len(archive.find(make_span("1").trace_id)) == 1


def test_only_records_with_a_word_are_found(archive):
    """In any case, and anywhere in a record; what is damaged is passed over."""
    archive.add([make_span("a", attributes={"x": "A Needle"})])
    archive.add([make_span("b"), make_span("c")])
    archive._db.execute("UPDATE spans SET record = 'x' WHERE span_id = ?", [sid("b")])
    no_json = zlib.compress(b"needle, and a")
    archive._db.execute(
        "UPDATE spans SET record = ? WHERE span_id = ?", [no_json, sid("c")]
    )
    assert [r.name for r in archive.find_with(TRACE, ["needle", "a"])] == ["a"]
    assert [r.name for r in archive.find_with(TRACE, [])] == ["a"]
