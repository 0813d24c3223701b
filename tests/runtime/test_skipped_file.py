"""Which traces were not sent, beside the spool."""

from __future__ import annotations

import pytest

from infinium_otel.config import Config
from infinium_otel.runtime import PipelineRunner, skipped_file
from support.sending import MemorySender
from support.spans import span


def test_a_flush_writes_what_was_not_sent(tmp_path):
    """The file is written with the first traces, and again only when there are more."""
    spool = str(tmp_path / "spool.db")
    runner = PipelineRunner(Config(spool=spool), MemorySender())
    for number in range(2):
        runner.accept([span(f"r{number}", scope_name="acme.llm")], 1.0)
        runner.flush(1.0)
    assert skipped_file.load(spool) == {"acme.llm": 2}
    (tmp_path / "spool.db.skipped.json").unlink()
    runner.flush(1.0)
    runner.shutdown(1.0)
    assert skipped_file.load(spool) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"a": "x"}'])
def test_a_damaged_file_is_nothing(text, tmp_path):
    """The doctor reads on."""
    (tmp_path / "spool.db.skipped.json").write_text(text)
    assert skipped_file.load(str(tmp_path / "spool.db")) == {}


def test_a_file_that_cannot_be_written_is_no_problem(tmp_path):
    """It is for the doctor only."""
    skipped_file.save(str(tmp_path / "missing" / "spool.db"), {"a": 1})


def test_a_planted_link_is_not_followed(tmp_path):
    """Another user of the folder cannot have a file of ours overwritten."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "spool.db.skipped.json").symlink_to(victim)
    skipped_file.save(str(tmp_path / "spool.db"), {"a": 1})
    assert victim.read_text() == "mine"
