"""Dead letters: written, confirmed, read again."""

from __future__ import annotations

import os
import stat

import pytest

from infinium_otel.apps.consume.buffered_sender import Source
from infinium_otel.apps.consume.dead_letters import (
    DeadLetter,
    DeadLetterFile,
    DeadLetterTopic,
    open_dead_letters,
    read_dead_letter,
    select_connection,
)
from infinium_otel.errors import DecodingError, InfiniumError

LETTER = DeadLetter(
    "message", "unreadable", "not OTLP", 1.5, Source("t", 3, 7), "6b", b"\x00\xff"
)
TASK = DeadLetter("task", "400", "no", 2.0, None, "key", b"{}")


@pytest.mark.parametrize("letter", [LETTER, TASK], ids=["message", "task"])
def test_a_dead_letter_is_one_line_of_json(letter):
    """Everything in it survives."""
    line = letter.to_json()
    assert b"\n" not in line
    assert read_dead_letter(line) == letter


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b'{"kind":', b"\xff"])
def test_anything_else_is_an_error(line):
    """Not a traceback."""
    with pytest.raises(DecodingError, match="not a dead letter"):
        read_dead_letter(line)


def test_a_file_is_its_owners(tmp_path):
    """It is appended to, and only its owner reads it."""
    path = tmp_path / "dead"
    for letter in (LETTER, TASK):
        letters = open_dead_letters(str(path), {})
        assert letters.flush()
        letters.write(letter)
        assert letters.flush()
    lines = path.read_bytes().splitlines()
    assert [read_dead_letter(line) for line in lines] == [LETTER, TASK]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_moved_away_or_could_be_read(tmp_path):
    """A new file is private too, an older one becomes so, and a link is refused."""
    path = tmp_path / "dead.jsonl"
    path.write_bytes(b"")
    path.chmod(0o644)
    file = DeadLetterFile(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(tmp_path / "moved.jsonl")
    file.write(LETTER)
    assert file.flush()
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link.jsonl").symlink_to(path)
    with pytest.raises(OSError, match="symbolic link"):
        DeadLetterFile(str(tmp_path / "link.jsonl"))


def test_a_file_that_fails_is_retried(tmp_path, caplog):
    """It is logged once, and nothing is lost."""
    path = tmp_path / "dir" / "dead"
    path.parent.mkdir()
    letters = DeadLetterFile(str(path))
    letters.write(LETTER)
    path.unlink()
    path.parent.rmdir()
    assert not letters.flush()
    assert not letters.flush()
    assert len(caplog.messages) == 1
    assert "nothing further is committed" in caplog.text
    path.parent.mkdir()
    assert letters.flush()
    assert read_dead_letter(path.read_bytes()) == LETTER


def test_a_topic_without_a_name_is_an_error():
    """And a file in a folder that does not exist."""
    with pytest.raises(InfiniumError, match="name is missing"):
        open_dead_letters("topic:", {})
    with pytest.raises(OSError, match="No such file"):
        open_dead_letters("/no/such/folder/dead", {})


def test_a_topic_without_a_broker_confirms_nothing(caplog, monkeypatch):
    """It is logged once, and kept for the next attempt."""
    pytest.importorskip("confluent_kafka")
    monkeypatch.setattr("infinium_otel.apps.consume.dead_letters.FLUSH_S", 0.1)
    letters = open_dead_letters("topic:dead", {"bootstrap.servers": "127.0.0.1:1"})
    assert isinstance(letters, DeadLetterTopic)
    assert letters.flush()
    letters.write(LETTER)
    assert not letters.flush()
    assert not letters.flush()
    assert len(caplog.messages) == 1


def test_a_producer_gets_the_connection_only():
    """What is about consumers would be an error."""
    given = {
        "bootstrap.servers": "a:1",
        "sasl.password": "secret",
        "group.id": "g",
        "error_cb": print,
    }
    assert set(select_connection(given)) == {"bootstrap.servers", "sasl.password"}
