"""`infinium-otel convert --send`: history into Infinium; may be interrupted."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.convert import backfill
from infinium_otel.apps.convert.writing import TaskConverter
from infinium_otel.config import Config
from infinium_otel.delivery.storage.spool.backfill_log import BackfillLog
from infinium_otel.errors import SpoolError
from infinium_otel.otlp import from_json
from support.otlp_requests import traces

FAST = {"requests_per_second": 10_000.0, "burst": 10_000}


def request(number):
    """Build a request with an agent's run of one span."""
    kind = {"key": "gen_ai.operation.name", "value": {"stringValue": "invoke_agent"}}
    ids = {"traceId": f"{number:032x}", "spanId": f"{number:016x}"}
    times = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    return traces({"name": f"run {number}", "attributes": [kind], **ids, **times})


def tasks(*numbers):
    batches = (from_json(request(number)).records for number in numbers)
    return TaskConverter(Config()).convert(batches)


@pytest.fixture
def config(fake, tmp_path):
    return Config(**fake.settings, **FAST, spool=str(tmp_path / "spool.db"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text("\n".join(json.dumps(request(n)) for n in range(1, 51)))
    return path


@pytest.fixture
def environ(fake, tmp_path, monkeypatch):
    """Set the environment of a command that can send; gives it as a mapping too."""
    monkeypatch.chdir(tmp_path)
    settings = {f"INFINIUM_{k.upper()}": v for k, v in fake.settings.items()}
    settings |= {f"INFINIUM_OTEL_{k.upper()}": str(v) for k, v in FAST.items()}
    monkeypatch.delenv("INFINIUM_OTEL_SPOOL", raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return os.environ | settings


# -- what a backfill is ----------------------------------------------------------------


def test_every_task_arrives(fake, config):
    """Everything is delivered when it returns, each task under its own key."""
    sent = backfill.send(tasks(1, 2, 3), config)
    assert sent == backfill.SendResult(put=3, delivered=3)
    assert fake.wait_for_tasks(3)
    assert len(set(fake.keys)) == 3
    assert fake.complaints == []


def test_tasks_are_not_sent_again(fake, config):
    """A second run over the same input, or a longer one, sends only new tasks."""
    backfill.send(tasks(1, 2), config)
    sent = backfill.send(tasks(1, 2, 3), config)
    assert sent == backfill.SendResult(put=1, known=2, delivered=1)
    assert len(fake.requests) == 3


def test_sending_stops_while_the_endpoint_is_down(fake, config, monkeypatch):
    """Waiting tasks are in the spool, and a later run delivers them."""
    monkeypatch.setattr(backfill, "STALLED_S", 0.3)
    monkeypatch.setattr(backfill, "MOST_WAITING", 2)
    fake.always(503)
    sent = backfill.send(tasks(1, 2, 3, 4), config)
    assert sent == backfill.SendResult(put=2, waiting=2)
    fake.always(None)
    monkeypatch.setattr(backfill, "STALLED_S", 10.0)
    sent = backfill.send(tasks(1, 2, 3, 4), config)
    assert (sent.put, sent.known, sent.waiting) == (2, 2, 0)
    assert sorted(task["name"] for task in fake.tasks) == [
        "run 1",
        "run 2",
        "run 3",
        "run 4",
    ]


def test_a_task_that_is_refused_is_counted(fake, config):
    """It stays in the spool with its reason, and is not sent by the next run."""
    fake.script(422)
    assert backfill.send(tasks(1, 2), config).refused == 1
    assert backfill.send(tasks(1, 2), config).known == 2
    assert len(fake.tasks) == 1


def test_a_task_that_the_spool_did_not_take_is_sent_again(fake, config, monkeypatch):
    """Only what is on disk counts as sent before: memory may be lost with the process."""

    def fail(*_):
        raise SpoolError("busy")

    fake.always(503)
    monkeypatch.setattr(backfill, "STALLED_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr("infinium_otel.delivery.storage.spool.Spool.put", fail)
        assert backfill.send(tasks(1), config).lost == 1
    fake.always(None)
    sent = backfill.send(tasks(1), config)
    assert (sent.known, sent.delivered) == (0, 1)


def test_a_spool_that_cannot_be_used_stops_it(config, tmp_path):
    """Without one nothing could be resumed, so nothing is sent."""
    with pytest.raises(SpoolError):
        backfill.send(tasks(1), config.but(spool=str(tmp_path)))
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(SpoolError, match="another program's"):
        backfill.send(tasks(1), config.but(spool=str(other)))


def test_a_spool_that_fails_later_is_an_error(config):
    """The error is ours, and mentions the spool."""
    log = BackfillLog(str(config.spool))
    log.close()
    with pytest.raises(SpoolError, match="the spool: "):
        log.add("key")


# -- the command -----------------------------------------------------------------------


def test_the_command_reports_deliveries(fake, environ, file, capsys):
    """Nothing on stdout; the last line on stderr has the counts."""
    assert cli.main(["convert", "--send", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "documents: 50, records: 50, delivered: 50\n"
    assert len(fake.tasks) == 50
    assert cli.main(["convert", "--send", str(file)]) == 0
    assert capsys.readouterr().err.endswith("delivered: 0, sent before: 50\n")


def test_the_command_reports_what_was_not_delivered(
    fake, environ, file, capsys, monkeypatch
):
    """Exit code 1, and how to continue."""
    monkeypatch.setattr(backfill, "STALLED_S", 0.2)
    fake.script(422)
    fake.always(503)
    assert cli.main(["convert", "--send", "--spool", "mine.db", str(file)]) == 1
    stderr = capsys.readouterr().err
    assert "delivered: 0, refused: 1, waiting in mine.db: 49 (run again" in stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--to", "hud"], id="another-format"),
        pytest.param(["-o", "out"], id="a-file"),
    ],
)
def test_sent_tasks_are_not_written(arguments, environ, file, capsys):
    """`--send` delivers to Infinium only."""
    assert cli.main(["convert", "--send", *arguments, str(file)]) == 2
    assert "no --to, no --output" in capsys.readouterr().err


def test_sending_needs_credentials(environ, file, capsys, monkeypatch):
    """Every mistake in the settings is reported before anything is read."""
    monkeypatch.delenv("INFINIUM_AGENT_ID")
    assert cli.main(["convert", "--send", str(file)]) == 2
    assert "agent_id: missing" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_backfill_is_resumed(number, fake, environ, file):
    """Stopped in its middle and run again, it delivers every task, each key once."""
    slow = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "20", "INFINIUM_OTEL_BURST": "1"}
    command = [sys.executable, "-m", "infinium_otel", "convert", "--send", str(file)]
    with subprocess.Popen(command, env=environ | slow, stderr=subprocess.PIPE) as first:
        try:
            assert fake.wait_for_tasks(5)
            first.send_signal(number)
            first.communicate(timeout=30)
        finally:
            first.kill()
    assert first.returncode != 0
    assert len(fake.tasks) < 50
    done = subprocess.run(
        command, env=environ, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert len(fake.tasks) == 50
    sent = [received.key for received in fake.requests if received.status == 201]
    # a request that was in flight when the process was killed is sent once more
    assert len(sent) - len(set(sent)) <= 1
