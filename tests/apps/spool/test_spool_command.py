"""`infinium-otel spool`: list, retry and delete the tasks in a spool file."""

from __future__ import annotations

import json

import pytest

from infinium_otel.apps import cli
from infinium_otel.delivery.storage.spool import Spool

BODY = b'{"name":"a task"}'


@pytest.fixture
def path(tmp_path):
    """A spool with one task that waits, one that failed before and one refused."""
    spool = Spool(str(tmp_path / "spool.db"), 10**6, epoch=lambda: 1_700_000_000.0)
    for key in ("c-refused", "b-failed", "a-waits"):
        spool.put(key, BODY, 3)
    spool.refuse(spool.claim(1_700_000_000.0), "422", 'name:\x1b[31m "blank"')
    spool.nack(spool.claim(1_700_000_000.0), 0.0, failed=True)
    spool.close()
    return tmp_path / "spool.db"


@pytest.fixture
def run(capsys):
    def command(*arguments):
        code = cli.main(["spool", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return command


def test_list_shows_every_task(run, path):
    """State, time, key and size; attempts and the service's message, quoted."""
    assert run(path) == (
        0,
        [
            "waiting  2023-11-14 22:13:20Z b-failed       17 bytes, 1 attempts",
            "waiting  2023-11-14 22:13:20Z a-waits       17 bytes",
            "refused  2023-11-14 22:13:20Z c-refused       17 bytes, "
            '422: "name:\\u001b[31m \\"blank\\""',
            "waiting: 2, refused: 1",
        ],
        "",
    )


def test_list_can_be_limited_to_keys(run, path):
    """With keys only those tasks."""
    _, lines, _ = run(path, "list", "a-waits")
    assert len(lines) == 2
    assert "a-waits" in lines[0]


def test_list_can_be_json(run, path):
    """`--json` writes one object per line."""
    _, lines, _ = run(path, "--json")
    found = [json.loads(line) for line in lines]
    assert [task["state"] for task in found] == ["waiting", "waiting", "refused"]
    assert found[2]["reason"] == "422"


def test_retry_queues_refused_tasks_again(run, path):
    """Refused tasks are queued again; there is nothing else to retry."""
    assert run(path, "retry") == (0, ["queued again: 1"], "")
    assert run(path)[1][-1] == "waiting: 3, refused: 0"


@pytest.mark.parametrize(
    ("keys", "output", "left"),
    [
        pytest.param([], "deleted: 1", "waiting: 2, refused: 0", id="the-refused"),
        pytest.param(["a-waits"], "deleted: 1", "waiting: 1, refused: 1", id="by-key"),
        pytest.param(
            ["other"], "deleted: 0", "waiting: 2, refused: 1", id="unknown-key"
        ),
    ],
)
def test_drop_deletes_for_good(keys, output, left, run, path):
    """Without keys refused tasks; waiting ones only by key."""
    assert run(path, "drop", *keys)[1] == [output]
    assert run(path)[1][-1].startswith(left)


def test_a_missing_spool_is_a_one_line_error(run, tmp_path):
    """It is not created, and the exit code is 2."""
    code, _, error = run(tmp_path / "no.db")
    assert code == 2
    assert "there is no such spool" in error
    assert not (tmp_path / "no.db").exists()


@pytest.mark.parametrize("action", ["list", "retry", "drop"])
def test_another_file_is_not_changed(action, run, tmp_path):
    """A wrong path does not move or change a file."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all")
    path.chmod(0o644)
    assert run(path, action) == (
        2,
        [],
        f"infinium-otel spool: {path}: file is not a database\n",
    )
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
    assert path.stat().st_mode & 0o777 == 0o644
