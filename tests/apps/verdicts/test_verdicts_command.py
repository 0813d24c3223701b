"""`infinium-otel verdicts`, as a process beside the application."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from support.programs import WAIT_S, environment, start
from support.waiting import wait_until

if not hasattr(os, "fork"):  # pragma: no cover - Windows
    pytest.skip("needs signals", allow_module_level=True)

APPLICATION = """
p = register()
for number in range(3):
    run_agent(p.get_tracer("t"), f"run{number}")
p.force_flush()
"""
QUICK = """
import sys
from infinium_otel.runtime import verdict_follower
from infinium_otel.apps import cli, verdicts
verdict_follower.POLLS_S, verdict_follower.LEASE_S = (0.0, 0.02), -29.0
verdicts.LOOK_S = 0.05
raise SystemExit(cli.main(["verdicts", *sys.argv[1:]]))
"""


def run_application(fake, spool):
    """Three runs of an application that ends, noted in its spool."""
    settings = {
        "INFINIUM_OTEL_VERDICTS": "true",
        "INFINIUM_OTEL_VERDICTS_IN_PROCESS": "false",
        "INFINIUM_OTEL_SPOOL": str(spool),
    }
    with start(fake, APPLICATION, **settings) as program:
        program.communicate(timeout=WAIT_S)
    assert program.returncode == 0


def deliver(fake, spool):
    """As `run_application`, with nobody that follows: nothing is fetched."""
    run_application(fake, spool)
    assert fake.wait_for_tasks(3, WAIT_S)
    assert [each.method for each in fake.requests] == ["POST"] * 3


@contextmanager
def command(fake, *arguments, **variables):
    """The command as a process, with quick polls."""
    environ = {**environment(fake), **variables}
    process = subprocess.Popen(
        [sys.executable, "-c", QUICK, *arguments],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_runs_of_a_program_that_has_ended(fake, tmp_path):
    """Each verdict is printed once, in its own trace; then no run is awaited."""
    spool = tmp_path / "spool.db"
    fake.pending_polls = 2
    fake.interpret = lambda _: {"score": 0.5}
    deliver(fake, spool)
    with command(fake, "--spool", str(spool), "--print") as process:
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert err.endswith("infinium-otel verdicts: 3 judged\n")
    found = [json.loads(line) for line in out.splitlines()]
    tags = [task["environment"]["custom_tags"] for task in fake.tasks]
    assert sorted((each["trace_id"], each["span_id"]) for each in found) == sorted(
        (each["otel.trace_id"], each["otel.root_span_id"]) for each in tags
    )
    assert {each["gen_ai.evaluation.score.value"] for each in found} == {0.5}
    with command(fake, "--spool", str(spool), "--print") as process:
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (0, "")


def test_it_follows_until_it_is_stopped(fake, tmp_path):
    """Started before the application, it takes each run as it is delivered."""
    spool = tmp_path / "spool.db"
    with command(
        fake, "--follow", "--print", INFINIUM_OTEL_SPOOL=str(spool)
    ) as process:
        assert str(spool) in process.stderr.readline()
        fake.interpret = lambda _: {"label": "good"}
        run_application(fake, spool)
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert len({line["trace_id"] for line in lines}) == 3
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert err == "infinium-otel verdicts: 3 judged\n"


@pytest.mark.slow
def test_runs_that_are_never_judged(fake, tmp_path):
    """They are given up in time; the exit code and the last line have it."""
    spool = tmp_path / "spool.db"
    fake.interpret = lambda _: None
    deliver(fake, spool)
    soon = {"INFINIUM_OTEL_VERDICTS_TIMEOUT_S": "0.01"}
    with command(fake, "--spool", str(spool), "--print", **soon) as process:
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert err.endswith("infinium-otel verdicts: 0 judged, 3 not_ready\n")


@pytest.mark.slow
def test_what_is_stopped_goes_on_later(fake, tmp_path):
    """What is awaited stays in the spool, also after a kill during an outage."""
    spool = tmp_path / "spool.db"
    fake.interpret = lambda _: None
    deliver(fake, spool)
    with command(fake, "--spool", str(spool), "--print") as process:
        wait_until(lambda: len(fake.requests) > 8, WAIT_S)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert err.endswith("0 judged, 3 still awaited, in the spool\n")
    fake.close()
    with command(fake, "--spool", str(spool), "--follow", "--print") as process:
        process.stderr.readline()
        process.kill()
    fake.start()
    fake.interpret = lambda _: {"score": 1}
    with command(fake, "--spool", str(spool), "--print") as process:
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert len(out.splitlines()) == 3


def test_another_file_is_not_changed(fake, tmp_path):
    """A wrong path moves no file away and changes no mode."""
    path = tmp_path / "agent.py"
    path.write_text("print()", "utf-8")
    path.chmod(0o644)
    for more in ([], ["--follow"]):
        with command(fake, "--spool", str(path), "--print", *more) as process:
            _, err = process.communicate(timeout=WAIT_S)
        assert process.returncode == 2
        assert err == f"infinium-otel verdicts: {path}: file is not a database\n"
    assert [each.name for each in tmp_path.iterdir()] == ["agent.py"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "no spool: name that of the application", id="no-spool"),
        pytest.param(["--spool", "none.db"], "no such spool; --follow waits", id="missing"),
    ],
)  # fmt: skip
def test_without_a_spool(fake, tmp_path, arguments, message):
    """The exit code is 2, and the line names the cure."""
    with command(fake, *arguments) as process:
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert message in err


def test_where_nothing_would_receive_them(fake, tmp_path):
    """Without an exporter and without --print, it says what to install."""
    spool = tmp_path / "spool.db"
    deliver(fake, spool)
    block = "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", block + QUICK, "--spool", str(spool)],
        env=environment(fake), capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install opentelemetry-exporter-otlp-proto-http" in done.stderr
