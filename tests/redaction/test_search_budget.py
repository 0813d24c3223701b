"""Texts that consist of the names of secrets cost no more than a budget allows.

What is not searched is withheld: it is never sent.
"""

from __future__ import annotations

import json
import logging

import pytest

from infinium_otel import Config, spans_to_tasks, task_to_dict
from infinium_otel.pipeline import Pipeline
from infinium_otel.redaction import (
    REDACTED,
    SearchBudget,
    find_cut,
    limit_search,
    redact,
    redact_records,
    remove_credentials,
    truncate,
    truncate_start,
)
from infinium_otel.redaction.credentials import budget as budgets
from infinium_otel.taskdata import EnvironmentContext, TaskData
from support.records import agent, make_span
from support.redaction_sets import find_missed, find_touched

DENSE = "password=hunter{0}x token: a8f7Gh{0}kLm "
SIZE = 40_000


def make_dense(number: int, size: int = SIZE) -> str:
    """A text of names and secrets, all its own."""
    piece = DENSE.format(number)
    return piece * (size // len(piece))


def make_task(texts: dict[str, str]) -> TaskData:
    """A task with these tags."""
    task = TaskData("n", "d", "2026-01-01T00:00:00Z", 1.0)
    task.environment = EnvironmentContext(custom_tags=texts)
    return task


@pytest.fixture
def used_up():
    """A budget without a look left."""
    budget = SearchBudget()
    budget.left = 0
    return budget


@pytest.fixture(autouse=True)
def _forget():
    budgets._get_warned.cache_clear()
    yield
    budgets._get_warned.cache_clear()


def test_a_text_is_withheld_as_a_whole(used_up):
    """The mark says how long it was; a text without a name of a secret stays."""
    text = make_dense(7)
    with limit_search(used_up):
        assert remove_credentials(text) == f"[withheld: {len(text)} characters]"
        assert remove_credentials("nothing to see here") == "nothing to see here"
    assert used_up.withheld == len(text)
    assert used_up.withheld_texts == 1


def test_the_texts_of_a_task_share_a_budget():
    """Not one secret is sent, though not all texts are searched."""
    texts = {f"t{n}": make_dense(n) for n in range(60)}
    with limit_search() as budget:
        sent = json.dumps(task_to_dict(redact(make_task(dict(texts)), Config())))
    assert "hunter" not in sent
    assert "kLm" not in sent
    assert REDACTED in sent
    assert 0 < sent.count("[withheld: ") < len(texts)
    assert budget.withheld > 0
    assert budget.withheld_texts == sent.count("[withheld: ")


def test_the_looks_at_many_texts_are_bounded():
    """However dense they are: what is looked at grows with the characters, slowly."""
    texts = {f"t{n}": make_dense(n) for n in range(60)}
    looks = 0

    class Counting(SearchBudget):
        @property
        def left(self):
            return self._left

        @left.setter
        def left(self, value):
            nonlocal looks
            change = value - getattr(self, "_left", value)
            looks -= change if abs(change) == 1 else 0  # one more is a look given back
            self._left = value

    with limit_search(Counting()):
        redact(make_task(texts), Config())
    earned = sum(map(len, texts.values())) // budgets.CHARACTERS_PER_LOOK
    assert looks <= budgets.MAX_LOOKS + earned + 200


def test_the_records_of_a_request_share_a_budget():
    """Spans that go to a file or to another system are bounded in the same way."""
    records = [make_span(f"s{n}", attributes={"x": make_dense(n)}) for n in range(60)]
    sent = str(redact_records(records, Config()))
    assert "hunter" not in sent
    assert "[withheld: " in sent


def test_runs_of_a_stream_share_a_budget():
    """The harmless run behind the hostile ones is sent as it is."""
    pipeline = Pipeline(Config(include="all"))
    hostile = [
        agent(f"r{n}", trace=f"{n + 1:032x}", attributes={"input.value": make_dense(n)})
        for n in range(150)
    ]
    tasks = [done.task for done in pipeline.feed(hostile, 0.0)]
    good = agent("good", trace="f" * 32, attributes={"input.value": "all is well"})
    tasks += [done.task for done in pipeline.feed([good], 1.0)]
    assert len(tasks) == 151
    sent = json.dumps([task_to_dict(task) for task in tasks])
    assert "hunter" not in sent
    assert "all is well" in sent


@pytest.mark.parametrize("cut", [truncate, truncate_start])
def test_a_cut_text_is_withheld_too(cut, used_up):
    """A cut looks for credentials beside it: without a look, nothing is kept."""
    text = make_dense(3)
    with limit_search(used_up):
        assert cut(text, 2_000) == f"[withheld: {len(text)} characters]"
        assert cut(text, 8) == "[withhel"
        assert find_cut(text, 2_000) == 0
        assert cut("a " * 5_000, 2_000).strip(". ").startswith("a a")


@pytest.mark.slow
def test_it_is_logged_once_with_the_number_and_the_cure(caplog):
    """The next ones are only counted."""
    texts = {f"t{n}": make_dense(n) for n in range(60)}
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            redact(make_task(dict(texts)), Config())
    (record,) = caplog.records
    assert "characters were withheld" in record.getMessage()
    assert "out of the spans" in record.getMessage()


def test_a_budget_fills_up_again(used_up):
    """By the characters that are searched, and by time, up to the maximum."""
    used_up.earn(100 * budgets.CHARACTERS_PER_LOOK)
    assert used_up.left == 100
    used_up.refill(7.0)
    assert used_up.left == 100, "there was no time before"
    used_up.refill(7.5)
    assert used_up.left == 100 + budgets.LOOKS_PER_SECOND / 2
    used_up.refill(0.0)
    assert used_up.left == 100 + budgets.LOOKS_PER_SECOND / 2
    used_up.earn(10**9)
    assert used_up.left == budgets.MAX_LOOKS


def test_dense_texts_at_a_usual_pace_are_all_searched():
    """An agent that reads URLs and token counts all day: nothing of it is withheld."""
    url = "https://example.com/a?session=abc{0}&token=t{0}&page=2 "
    text = "".join(url.format(n) for n in range(2_000))
    pipeline = Pipeline(Config(include="all"))
    for number in range(60):
        span = agent(f"r{number}", trace=f"{number + 1:032x}")
        span.attributes["input.value"] = text
        for done in pipeline.feed([span], now_s=5.0 * number):
            assert "withheld" not in json.dumps(task_to_dict(done.task))


def test_the_mark_is_not_redacted(used_up):
    """Redacting what was withheld changes nothing more."""
    with limit_search(used_up):
        once = remove_credentials(make_dense(1))
    for text in (once, f"password={once}", f'{{"token": "{once}"}}'):
        assert remove_credentials(text) == text


def test_the_sets_fit_into_one_budget():
    """All credentials and harmless texts in a row use up none of what others need."""
    with limit_search() as budget:
        find_missed(remove_credentials)
        find_touched(remove_credentials)
    assert budget.withheld == 0


def test_offline_runs_are_bounded_too():
    """Without a pipeline of one's own: no secret is sent."""
    spans = [
        agent(f"r{n}", trace=f"{n + 1:032x}", attributes={"input.value": make_dense(n)})
        for n in range(150)
    ]
    sent = json.dumps([task_to_dict(t) for t in spans_to_tasks(spans)])
    assert "hunter" not in sent
