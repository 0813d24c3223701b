"""Which texts of a task are searched, and which are known from earlier tasks."""

import pytest

from infinium_otel import TaskData
from infinium_otel.config import Config
from infinium_otel.redaction import redact, task_redaction, text_collector
from infinium_otel.redaction.text_collector import (
    MAX_REMEMBERED,
    MAX_REMEMBERED_LENGTH,
    TextCollector,
    remember_clean,
)

NAME = "Asked gpt-4o-mini (weather agent)"
KEY = "sk-proj-abcdefghij0123456789ABCDEFGHIJ"


@pytest.fixture(autouse=True)
def searched(monkeypatch):
    """The texts that were searched, in a process that remembers none yet."""
    monkeypatch.setattr(text_collector, "_CLEAN", set())
    found = []
    search = task_redaction._find_matching

    def record(text):
        found.append(text)
        return search(text)

    monkeypatch.setattr(task_redaction, "_find_matching", record)
    return found


def redact_text(text: str) -> str:
    task = TaskData(name="n", description=text, current_datetime="", duration=0.0)
    return redact(task, Config()).description


def test_a_short_text_is_searched_once(searched):
    """A name that recurs from task to task is not searched again."""
    assert [redact_text(NAME), redact_text(NAME)] == [NAME, NAME]
    assert searched == [NAME]


def test_a_credential_is_removed_each_time():
    """What has a credential is never remembered as clean, nor what stood beside it."""
    for _ in range(3):
        assert KEY not in redact_text(f"the key {KEY}")
    assert not text_collector._CLEAN - {"n"}  # the name of the task


def test_a_known_text_is_searched_as_a_part_of_another():
    """That a text is clean says nothing of a longer one that contains it."""
    redact_text("the password is")
    assert "hunter2hunter2" not in redact_text("the password is: hunter2hunter2")


def test_long_texts_are_not_remembered(searched):
    """They do not recur, and would take memory."""
    text = "all is well " * (MAX_REMEMBERED_LENGTH // 12 + 1)
    redact_text(text)
    redact_text(text)
    assert searched == [text, text]


def test_what_is_remembered_is_bounded():
    """Texts without end take no memory without end, and the newest are known."""
    for start in range(0, 3 * MAX_REMEMBERED, 100):
        remember_clean(f"the text {n}" for n in range(start, start + 100))
    assert len(text_collector._CLEAN) <= MAX_REMEMBERED
    collector = TextCollector()
    collector.add([f"the text {3 * MAX_REMEMBERED - 1}", "the text 0"])
    assert collector.texts == {"the text 0"}
    remember_clean(f"the text {n}" for n in range(2 * MAX_REMEMBERED))
    assert len(text_collector._CLEAN) == MAX_REMEMBERED
