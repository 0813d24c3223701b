"""`infinium-otel compare`: sets of runs, their figures, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.compare import figures
from support.corpus import recordings
from support.runs import research, run

GOLDEN = Path(__file__).parent / "golden"


def write_tasks(path, tasks):
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks), "utf-8")
    return str(path)


def some_runs(count, *, cost, seconds, score, tool="search"):
    """Runs that differ a little from each other."""
    found = []
    for number in range(count):
        task = research()
        task["duration"] = seconds + number / 10
        task["llm_usage"]["estimated_cost_usd"] = cost + number / 1_000
        task["environment"]["custom_tags"]["evaluation.Tone"] = (
            f"{score + number / 100:g} (ok)"
        )
        task["steps"][3]["tool_call"] = {"tool_name": tool}
        found.append(task)
    return found


@pytest.fixture
def sets(tmp_path):
    first = some_runs(8, cost=0.01, seconds=10, score=0.8)
    second = some_runs(8, cost=0.05, seconds=10, score=0.4, tool="browse")
    return [
        write_tasks(tmp_path / "before.jsonl", first),
        write_tasks(tmp_path / "after.jsonl", second),
    ]


def compare(capsys, *arguments):
    assert cli.main(["compare", *arguments]) == 0
    return capsys.readouterr().out


def test_what_changed(capsys, sets):
    """Changes that are sure are named; the same, and what varies anyway, are not."""
    found = json.loads(compare(capsys, *sets, "--format", "json"))
    said = {row["name"]: row["conclusion"] for row in found["figures"]}
    assert said["cost, USD"] == "higher"
    assert said["score Tone"] == "lower"
    assert said["duration, s"] == said["steps"] == "no difference shown"
    assert said["calls of browse"] == "higher"
    assert found["labels"]["Tone"] == [{"ok": 8}, {"ok": 8}]
    assert found["runs"] == [8, 8]


def test_few_runs_show_nothing(capsys, tmp_path):
    """However far apart they are."""
    paths = [
        write_tasks(
            tmp_path / f"{cost}.jsonl", some_runs(4, cost=cost, seconds=1, score=1)
        )
        for cost in (0.01, 5)
    ]
    text = compare(capsys, *paths)
    assert "too few runs" in text
    assert "higher" not in text


def test_figures_that_are_unknown(capsys, tmp_path):
    """They are no zeros, and a figure of one side only is said to be."""
    bare = write_tasks(tmp_path / "bare.jsonl", [run() for _ in range(6)])
    rich = write_tasks(
        tmp_path / "rich.jsonl", some_runs(6, cost=1, seconds=2, score=1)
    )
    text = compare(capsys, bare, rich)
    (cost,) = [line for line in text.splitlines() if line.startswith("cost")]
    assert "unknown" in cost
    assert "only in one set" in cost
    both = compare(capsys, bare, bare)
    (cost,) = [line for line in both.splitlines() if line.startswith("cost")]
    assert cost.rstrip().endswith("unknown")


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_recordings(golden, capsys, tmp_path, monkeypatch, form):
    """Two instrumentations of one client, by their recordings; without prices, which change."""
    monkeypatch.delitem(figures.FIGURES, "cost, USD")
    for library in ("openai-v2", "openinference-openai"):
        folder = tmp_path / library
        folder.mkdir()
        for each in recordings(library):
            each.write(folder)
    arguments = [str(tmp_path / "openai-v2"), str(tmp_path / "openinference-openai")]
    text = compare(capsys, *arguments, "--format", form)
    lines = text.replace(str(tmp_path), "RECORDINGS").splitlines()
    golden.check(lines, GOLDEN / f"recordings.{form}.json")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("nowhere.json", "no such file; a set of runs is", id="no-file"),
        pytest.param("{folder}", "contains no run", id="empty-folder"),
        pytest.param(
            "tag:release=1", "is `infinium-otel serve` running?", id="no-server"
        ),
        pytest.param(
            "0" * 32, "is `infinium-otel serve` running?", id="no-server-for-an-id"
        ),
        pytest.param("{bad}", "bad.jsonl, run 2: not a task", id="not-a-task"),
    ],
)
def test_sets_that_cannot_be_had(capsys, tmp_path, name, reason):
    """One line names the set and the cure; the exit code is 2."""
    bad = write_tasks(tmp_path / "bad.jsonl", [run(), {**run(), "duration": -1}])
    folder = tmp_path / "empty"
    folder.mkdir()
    name = name.format(folder=folder, bad=bad)
    code = cli.main(["compare", name, name, "--url", "http://127.0.0.1:1"])
    assert code == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


def test_hostile_texts(capsys, tmp_path):
    """Nothing of a run can draw in the terminal, or end a cell of a table."""
    task = some_runs(1, cost=1, seconds=1, score=1, tool="x\x1b[31m|\n| <b>")[0]
    path = write_tasks(tmp_path / "a.jsonl", [task])
    assert "\x1b" not in compare(capsys, path, path)
    table = compare(capsys, path, path, "--format", "markdown")
    (line,) = [each for each in table.splitlines() if "calls of x" in each]
    assert "\\|" in line
    assert "\\<b" in line


def test_versions_of_a_prompt(capsys, tmp_path):
    """One file is split by the version used, and the versions of each side are named.

    Source: comet-ml/opik#3270, where nothing connected a run to a version.
    """
    tasks = some_runs(12, cost=1, seconds=2, score=1)
    for number, task in enumerate(tasks):
        task["environment"]["custom_tags"]["prompt.greeting"] = str(1 + number % 2)
    path = write_tasks(tmp_path / "runs.jsonl", tasks)
    sides = [f"{path}:tag:prompt.greeting={version}" for version in (1, 2)]
    found = json.loads(compare(capsys, *sides, "--format", "json"))
    assert found["runs"] == [6, 6]
    assert found["prompts"] == {"greeting": [{"1": 6}, {"2": 6}]}
    text = compare(capsys, path, sides[0])
    assert (
        "prompt greeting: A version 1 in 6 runs, version 2 in 6 runs; "
        "B version 1 in 6 runs\n"
    ) in text
    assert cli.main(["compare", path, f"{path}:tag:prompt.greeting=3"]) == 2
    assert "contains no run" in capsys.readouterr().err
