"""How much of what is secret goes, how much of what is not stays, and how fast."""

from __future__ import annotations

import importlib.util
import json

import pytest

from infinium_otel import Config, task_to_dict
from infinium_otel.redaction import REDACTED, redact, remove_credentials
from infinium_otel.redaction.credentials.kinds import make_docs_rows
from infinium_otel.redaction.credentials.known_prefixes import PREFIXED
from infinium_otel.taskdata import EnvironmentContext, ExecutionStep, TaskData
from support.cpu import little_cpu
from support.redaction_sets import (
    FOLDER,
    find_missed,
    find_touched,
    load,
    make_hostile_texts,
    survives,
)

MOST_MISSED = 4
"""Of 883: a bare AWS secret, passwords in prose and all but the first of recovery codes."""
MOST_TOUCHED = 1
"""Of 668: a token of a language model, `"token": "Paris2"`, in its log probabilities."""

SIZE = 200_000
KEY = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.fixture
def generator():
    """The program that makes the sets."""
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sets_are_what_the_generator_makes(generator):
    """The files are the generator's, and large enough to mean something."""
    assert load("credentials") == generator.make_credentials()
    assert load("harmless") == generator.make_harmless()
    assert len({row["kind"] for row in load("credentials")}) >= 130
    assert len(load("credentials")) >= 883
    assert len(load("harmless")) >= 668


def test_few_credentials_are_missed():
    """Of the test set's credentials only those pass that have no mark."""
    rows = find_missed(remove_credentials)
    assert len(rows) <= MOST_MISSED, [row["kind"] for row in rows]


def test_few_harmless_texts_are_touched():
    """Ids, hashes, code, types, placeholders and talk of secrets stay as they are."""
    rows = find_touched(remove_credentials)
    assert len(rows) <= MOST_TOUCHED, [row["text"] for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_other_draws_do_as_well(seed, generator):
    """Other values of the same shapes, in other contexts, give the same figures."""
    generator.SEED = seed
    rows = generator.make_credentials()
    passed = [
        row["kind"]
        for row in rows
        if any(survives(s, remove_credentials(row["text"])) for s in row["secret"])
    ]
    assert len(passed) <= 0.02 * len(rows), passed


@pytest.mark.parametrize("name", ["credentials", "harmless"])
def test_redacting_twice_changes_nothing_more(name):
    """What was redacted once stays as it is."""
    for row in load(name):
        once = remove_credentials(row["text"])
        assert remove_credentials(once) == once


HOSTILE = make_hostile_texts(SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_texts_take_little_time(number):
    """A search that is not linear would take minutes of CPU on these texts."""
    with little_cpu():
        remove_credentials(list(HOSTILE.values())[number])


@pytest.mark.parametrize("row", PREFIXED, ids=lambda row: row.kind)
def test_the_example_of_every_row_is_found(row):
    """Every kind of the table is found by its example, in a text and in JSON."""
    for prefix in row.prefixes.split():
        example = prefix + row.example[len(row.prefixes.split()[0]) :]
        assert example not in remove_credentials(f"it is {example} now")
        assert example not in remove_credentials(json.dumps({"x": f"a\n{example}\n"}))


def test_the_docs_table_has_every_kind():
    """Each row says what it is, how it looks and who says so."""
    assert len(make_docs_rows()) >= 150
    assert all(all(row) for row in make_docs_rows())


def test_no_name_is_exempt():
    """A user's attribute of one of our names is searched like any other."""
    task = TaskData("n", "d", "2026-01-01T00:00:00Z", 1.0)
    task.environment = EnvironmentContext(
        custom_tags={"start_time": KEY, "dialect": KEY}
    )
    task.steps = [
        ExecutionStep(
            step_number=1,
            action="span",
            description="x",
            metadata={
                "start_time": KEY,
                "dialect": [KEY],
                "attributes": {"dialect": KEY},
            },
        )
    ]
    assert KEY not in json.dumps(task_to_dict(redact(task, Config())))


def test_a_hook_does_not_see_our_ids():
    """A hook sees what others wrote: not an id or a time that we made ourselves."""
    seen = set()

    def record(path: str, text: str) -> str:
        seen.add(text)
        return text

    ours = {"otel.span_id": "00f067aa0ba902b7", "start_time": "2026-01-01T00:00:00Z"}
    theirs = {"otel.span_id": "mine", "attributes": {"start_time": "noon"}}
    task = TaskData("n", "d", "2026-01-01T00:00:00.5Z", 1.0)
    task.steps = [
        ExecutionStep(step_number=n, action="span", description="x", metadata=metadata)
        for n, metadata in enumerate((dict(ours), theirs))
    ]
    redact(task, Config(redact=record))
    assert task.steps[0].metadata == ours
    assert {"mine", "noon"} <= seen
    assert not seen & set(ours.values())


def test_lists_of_secret_names_go():
    """Each text of a list whose name is a secret's goes."""
    task = TaskData("n", "d", "2026-01-01T00:00:00Z", 1.0)
    task.environment = EnvironmentContext(custom_tags={"passwords": ["abc1", "xyz2"]})
    redact(task, Config())
    assert task.environment.custom_tags == {"passwords": [REDACTED, REDACTED]}
