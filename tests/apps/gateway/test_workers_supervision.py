"""Workers as their parent sees them: started, started again, counted, shown, stopped."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from threading import Event
from types import SimpleNamespace

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.gateway.workers import fleet, process, supervisor
from infinium_otel.apps.gateway.workers.assignment import Assignment, divide
from infinium_otel.apps.gateway.workers.channel import Channel
from infinium_otel.apps.gateway.workers.fleet import FleetTelemetry
from infinium_otel.apps.gateway.workers.reports import (
    Report,
    add,
    merge_agents,
    retire,
    to_delivery,
    to_stats,
)
from infinium_otel.apps.gateway.workers.supervisor import (
    Supervisor,
    Worker,
    describe_code,
)
from infinium_otel.config import Config

pytest.importorskip("uvicorn")

WAITS = "import time; time.sleep(60)"
REPORTS = """
import json, signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = socket.socket(fileno=json.loads(sys.argv[1])["channel"])
end.recv(1000)
stats = {"received": 3, "open": 2, "delivered": 1, "tasks_open": 2}
report = {"numbers": {"stats": stats, "load": {"tasks_open": 2}}}
end.sendall(json.dumps(report).encode() + b"\\n")
"""


# -- what each gets --------------------------------------------------------------------


def test_the_bounds_of_all_workers_are_those_of_the_settings():
    """Rate and bounds are divided; the spool, which they share, is not."""
    share = divide(Config(requests_per_second=10, burst=2, max_queued_tasks=1000), 4)
    assert share.requests_per_second == 2.5
    assert share.burst == 1  # at least one
    assert share.max_queued_tasks == 250
    assert share.max_open_bytes * 4 == Config().max_open_bytes
    assert share.max_spool_bytes == Config().max_spool_bytes
    assert share.max_spans_per_trace == Config().max_spans_per_trace


def test_an_assignment_survives_the_command_line():
    """It is JSON there."""
    given = Assignment({"port": 1, "routes": None}, 2, "/tmp/x", 7, 4317)
    complete = given.for_worker(1, 8, 9)
    assert complete.descriptors == (7, 8, 9)
    assert Assignment.from_json(complete.to_json()) == complete


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--workers", "0"], "--workers must be 1-64, not 0", id="none"),
        pytest.param(["--workers", "65"], "--workers must be 1-64", id="too-many"),
    ],
)
def test_how_many_workers_there_may_be(arguments, message, capsys):
    """An error in one line, and 2."""
    assert cli.main(["gateway", "--port", "0", *arguments]) == 2
    assert message in capsys.readouterr().err


# -- starting --------------------------------------------------------------------------


@pytest.fixture
def environ(fake, monkeypatch):
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)


COMMAND = ["gateway", "--port", "0", "--workers", "2"]


@pytest.mark.usefixtures("environ")
def test_a_worker_that_cannot_start_ends_the_command(monkeypatch, capsys):
    """Not a loop of starts: Kludex/uvicorn#1115, Kludex/uvicorn#2987."""
    monkeypatch.setattr(process, "PROGRAM", "import sys; sys.exit(3)")
    assert cli.main(COMMAND) == 2
    assert "worker 0 ended with exit code 3 before it was ready" in (
        capsys.readouterr().err
    )


@pytest.mark.usefixtures("environ")
def test_a_worker_that_does_not_report_ends_the_command(monkeypatch, capsys):
    """There is a limit to a start."""
    monkeypatch.setattr(process, "PROGRAM", WAITS)
    monkeypatch.setattr(supervisor, "START_S", 0.2)
    assert cli.main(COMMAND) == 2
    assert "worker 0 did not start in time" in capsys.readouterr().err


def test_a_worker_with_wrong_settings_names_them():
    """In one line, with 2: the file of the routes may have changed since the start."""
    given = Assignment(
        {"log_format": "text", "log_level": "error", "routes": None}, 2, "", 0
    )
    command = [sys.executable, "-c", process.PROGRAM, given.to_json(), *sys.path]
    ended = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("infinium-otel gateway: agent_id: missing")
    assert ended.stderr.count("\n") == 1


@pytest.mark.usefixtures("environ")
def test_a_path_that_is_too_long_is_an_error(monkeypatch, capsys, tmp_path):
    """Sockets have short names; the cure is in the message."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert cli.main(COMMAND) == 2
    assert "set TMPDIR to a short path" in capsys.readouterr().err


# -- ending ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param(2, "2", id="exit"),
        pytest.param(-9, "-9 (SIGKILL)", id="signal"),
        pytest.param(-99, "-99", id="no-such-signal"),
    ],
)
def test_how_a_process_ended(code, text):
    """The name of the signal says more than its number."""
    assert describe_code(code) == text


def test_a_worker_that_never_starts_does_not_fill_the_log(caplog):
    """A thousand ends of a kind are one line, and another kind is one more.

    Source: benoitc/gunicorn#2504 (the disk was filled with the log of workers that could
    not start), benoitc/gunicorn#1937 (nothing named the signal of those killed).
    """
    worker = Worker(0, lambda _: pytest.fail("it is not due"))
    now_s = 0.0
    for _ in range(1_000):
        worker.note_end(3, 0.1, now_s)
        now_s += 30.1
    for _ in range(1_000):
        worker.note_end(-9, 0.1, now_s)
        assert not worker.is_due(now_s + 29.9)
        now_s += 30.1
    first, second = caplog.messages
    assert "exit code 3 and is started again" in first
    assert "exit code -9 (SIGKILL)" in second


def test_a_worker_that_keeps_ending_is_started_ever_later(caplog):
    """Logged once for each exit code in a row; after a steady minute all begins anew."""
    worker = Worker(0, lambda _: None)
    dues = []
    for now_s in range(10):
        worker.note_end(-9, 1.0, now_s)
        dues.append(worker._due_s - now_s)
    assert dues == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert len(caplog.records) == 1
    assert not worker.is_due(9.0)
    assert worker.is_due(39.0)
    worker.note_end(1, 1.0, 40.0)
    assert "exit code 1 " in caplog.text
    worker.note_end(1, 61.0, 100.0)
    assert worker._due_s == 100.25
    assert len(caplog.records) == 3
    worker.process = SimpleNamespace(started_s=100.0)
    worker.note_report(120.0)
    assert worker.failing_since == 100.0
    worker.note_report(161.0)
    assert worker.failing_since is None


@pytest.fixture
def make_supervisor(monkeypatch):
    """Makes one of workers that run a program of their own."""
    sockets = [socket.socket(), *(socket.socket(socket.AF_UNIX) for _ in range(2))]
    made = []

    def make(program, *, has_spool=False):
        assignment = Assignment({}, 1, "", sockets[0].fileno())
        new = Supervisor(assignment, sockets[1:], has_spool=has_spool)
        monkeypatch.setattr(process, "PROGRAM", program)
        made.append(new)
        return new

    yield make
    for each in made:
        each.kill()
    for each in sockets:
        each.close()


@pytest.mark.parametrize("has_spool", [True, False], ids=["spool", "memory"])
def test_what_a_dead_worker_held(make_supervisor, has_spool):
    """Lost without a spool; its counters stay, its gauges do not."""
    made = make_supervisor(REPORTS + WAITS, has_spool=has_spool)
    (worker,) = made.workers
    made.start(Event())
    assert to_stats(made.total()).open == 2
    worker.process.kill()
    made._check(worker, 0.0)
    assert worker.process is None
    stats = to_stats(made.total())
    assert (stats.received, stats.delivered, stats.open) == (3, 1, 0)
    lost = 0 if has_spool else 2
    assert stats.refused == stats.tasks_refused == lost
    assert stats.reasons == ({} if has_spool else {"worker ended": 2})


def test_a_worker_that_does_not_stop_is_killed(make_supervisor, caplog):
    """Logged, and partial: what it held is not delivered."""
    made = make_supervisor(REPORTS + WAITS)
    made.start(Event())
    with caplog.at_level(logging.ERROR):
        assert made.stop(0.5) == 1
    assert "did not end in 0.5 s and are killed" in caplog.text
    assert made.stop(0.5) == 0  # nothing is left to stop


def test_the_exit_code_is_the_worst(make_supervisor):
    """And what a worker reported last is counted."""
    made = make_supervisor(REPORTS + "sys.exit(1)")
    made.start(Event())
    made.workers[0].process._process.wait()
    assert made.stop(5) == 1
    assert to_stats(made.total()).received == 3


def test_a_stop_while_workers_start(make_supervisor):
    """Nobody waits for the rest of the start."""
    made = make_supervisor(WAITS)
    stopped = Event()
    stopped.set()
    made.start(stopped)
    made.run(stopped)
    assert made.stop(30) == 1  # it ended by the signal


# -- the channel -----------------------------------------------------------------------


def test_messages_arrive_in_order():
    """However they are cut on their way."""
    ours, theirs = socket.socketpair()
    one, other = Channel(ours), Channel(theirs)
    one.send({"a": 1})
    one.send([2])
    assert other.receive() == {"a": 1}
    assert other.receive(1) == [2]
    with pytest.raises(TimeoutError):
        other.receive(0.01)
    with pytest.raises(TimeoutError):
        other.receive(0)
    one.close()
    with pytest.raises(EOFError):
        other.receive()
    with pytest.raises(BrokenPipeError):
        other.send({})
    other.close()
    with pytest.raises(EOFError):
        other.receive()


# -- sums ------------------------------------------------------------------------------


def make_report(**more):
    load = {"tasks_queued": 1, "bytes_queued": 50, "tasks_open": 2}
    load |= {"spans_open": 3, "bytes_open": 4}
    numbers = {"stats": {"received": 5}, "load": load}
    numbers |= {"attempts": {"by_outcome": {"201": 2}, "s": 0.5}}
    return Report(numbers=numbers, rate=2.0, **more)


def test_the_state_of_all_is_the_sum_or_the_worst():
    """Counts add up; a bound, an age and a state are the worst of all."""
    reports = [
        make_report(fullness=0.2, oldest_open_s=4.0),
        make_report(fullness=0.8, state="unavailable"),
    ]
    numbers = add(reports[0].numbers, reports[1].numbers)
    now = to_delivery(reports, numbers)
    assert now.stats.received == 10
    assert now.load.bytes_queued == 100
    assert now.attempts.by_outcome() == {"201": 4}
    assert now.attempts.total() == 4
    assert now.attempts.total_s() == 1.0
    assert (now.state, now.rate_allowed, now.fullness) == ("unavailable", 4.0, 0.8)
    assert now.oldest_open_s == 4.0
    spooled = to_delivery(reports, numbers, has_spool=True)
    assert spooled.load.bytes_queued == 50  # each reports the whole file
    assert to_delivery([], {}).oldest_open_s is None


def test_sums_of_the_agents():
    """An agent is accepted if each worker's tasks are."""
    delivered = {"name": "x.delivered", "kind": "counter", "unit": "", "meaning": ""}
    delivered |= {"label": "agent"}
    accepted = delivered | {"name": "x.accepted"}
    reports = [
        Report(
            agents=[
                delivered | {"values": {"a": 1, "b": 2}},
                accepted | {"values": {"a": 1.0, "b": 1.0}},
            ]
        ),
        Report(
            agents=[
                delivered | {"values": {"a": 4, "c": 1}},
                accepted | {"values": {"a": 0.0}},
            ]
        ),
    ]
    total, least = merge_agents(reports)
    assert total.values == {"a": 5, "b": 2, "c": 1}
    assert least.values == {"a": 0.0, "b": 1.0}


def test_a_worker_that_has_drained_leaves_no_loss():
    """Only what it still held is lost."""
    stats = {"received": 3, "delivered": 3, "open": 0, "queued": 0}
    assert to_stats(retire({"stats": stats}, has_spool=False)).refused == 0


# -- probes ----------------------------------------------------------------------------


def make_fleet(*workers):
    shown = SimpleNamespace(workers=list(workers), is_stopping=False)
    return FleetTelemetry(shown, clock=lambda: 100.0)


def running(report=None, heard_s=100.0, index=0):
    shown = SimpleNamespace(report=report, heard_s=heard_s)
    return SimpleNamespace(index=index, process=shown, failing_since=None)


def ended(since_s=None):
    return SimpleNamespace(index=1, process=None, failing_since=since_s)


@pytest.mark.parametrize(
    ("worker", "unready", "stalled"),
    [
        pytest.param(running(Report()), "", "", id="well"),
        pytest.param(running(), "does not run yet", "", id="starts"),
        pytest.param(ended(99.0), "does not run yet", "", id="ended"),
        pytest.param(
            ended(0.0), "does not run yet", "has not run for 100 s", id="keeps-ending"
        ),
        pytest.param(
            running(Report(unready="full", stalled="stuck")), "full", "stuck", id="full"
        ),
        pytest.param(running(Report(), 90.0), "does not report", "", id="silent"),
        pytest.param(
            running(Report(), 0.0),
            "does not report",
            "has not reported for 100 s",
            id="stopped",
        ),
    ],
)
def test_ready_only_if_every_worker_is(worker, unready, stalled):
    """And the problem names the worker."""
    shown = make_fleet(running(Report(), index=7), worker)
    name = f"worker {worker.index}: "
    assert shown.find_unready() == (unready and name + unready)
    assert shown.find_stalled() == (stalled and name + stalled)


def test_a_gateway_that_stops_is_not_ready():
    """Whatever its workers report."""
    shown = make_fleet(running(Report()))
    shown._supervisor.is_stopping = True
    assert shown.find_unready() == "shutting down"
    assert fleet.SILENT_S > supervisor.REPORT_S
