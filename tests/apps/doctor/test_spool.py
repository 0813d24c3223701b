"""What the doctor finds in the spool."""

from __future__ import annotations

import os
import time

import pytest

from infinium_otel.apps.doctor import (
    spool,
)
from infinium_otel.delivery.storage.spool import Spool
from infinium_otel.runtime import skipped_file
from support.doctor import level_and_fix


def test_no_spool_is_a_note():
    """Tasks that wait in memory do not survive their process."""
    (finding,) = spool.check_spool(None)
    assert finding.level == "note"


def test_a_spool_needs_its_folder(tmp_path):
    """A missing folder is an error; a missing file is created when needed."""
    (good,) = spool.check_spool(str(tmp_path / "spool.db"))
    (bad,) = spool.check_spool(str(tmp_path / "no" / "spool.db"))
    assert [good.level, bad.level] == ["ok", "error"]
    assert bad.fix == f"mkdir -p -m 700 {tmp_path / 'no'}"


def test_what_is_in_the_spool(tmp_path):
    """The number of waiting tasks; refused ones are a warning."""
    path = str(tmp_path / "spool.db")
    tasks = Spool(path, 10**6)
    for key in "abc":
        tasks.put(key, b"{}", 1)
    assert [finding.message for finding in spool.check_spool(path)] == [
        f"tasks waiting in {path}: 3"
    ]
    tasks.refuse(tasks.claim(time.time()), "422", "no name")
    tasks.close()
    waiting, refused = spool.check_spool(path)
    assert waiting.message.endswith(": 2")
    assert level_and_fix([refused]) == [("warning", f"infinium-otel spool {path} list")]


def test_scopes_whose_traces_were_not_sent_are_named(tmp_path):
    """What the application left out is listed, the most frequent first."""
    path = str(tmp_path / "spool.db")
    skipped_file.save(path, {"my.app": 2, "acme.llm": 7})
    _, first, second = spool.check_spool(path)
    assert "acme.llm" in first.message
    assert first.message.endswith(": 7")
    assert "my.app" in second.message
    assert level_and_fix([first]) == [("note", "export INFINIUM_OTEL_INCLUDE=all")]


def test_files_that_others_can_read_are_a_warning(tmp_path):
    """So are links in their place."""
    path = tmp_path / "spool.db"
    tasks = Spool(str(path), 10**6)
    tasks.put("a", b"{}", 1)
    tasks.close()
    path.chmod(0o640)
    link = tmp_path / "spool.db-wal"
    link.symlink_to("/nowhere")
    _, readable, planted = spool.check_spool(str(path))
    assert level_and_fix([readable, planted]) == [
        ("warning", f"chmod go= {path}"),
        ("warning", f"rm {link}"),
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_other_users_are_a_warning(tmp_path):
    """They can read what is written to them."""
    path = tmp_path / "spool.db"
    tasks = Spool(str(path), 10**6)
    tasks.put("a", b"{}", 1)
    tasks.close()
    os.chown(path, 4_242, 4_242)
    found = level_and_fix(spool.check_spool(str(path)))
    assert ("warning", f"chown 0 {path}") in found


def test_a_spool_that_cannot_be_used_is_an_error(tmp_path):
    """A damaged file, or another program's, is not changed."""
    path = tmp_path / "other.db"
    path.write_bytes(b"no database" * 100)
    path.chmod(0o600)
    (finding,) = spool.check_spool(str(path))
    assert level_and_fix([finding]) == [("error", f"mv {path} {path}.other")]
    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]
