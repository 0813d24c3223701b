"""Runs that a local server is still receiving, in the terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from select import select

import pytest

pytest.importorskip("uvicorn")

from infinium_otel.apps import cli
from infinium_otel.apps.runs.server import Server, _add
from infinium_otel.otlp import to_otlp
from support.local_server import serving
from support.records import chat, make_span
from support.runs import run
from support.spans import TRACE


@pytest.fixture
def served(tmp_path):
    with serving(tmp_path / "tasks.db") as server:
        yield server


def send(server, *records):
    assert server.http.post("/v1/traces", json=to_otlp(records)).status_code == 200


@pytest.fixture
def spans():
    """A model call, which has ended, and its root, which ends later."""
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    return chat("call", "planner"), make_span("planner", attributes=agent, end=9)


def test_open_runs_are_listed_and_shown(served, spans, capsys):
    """They come first, as running; once complete they are runs like others."""
    call, root = spans
    url = ("--url", served.url)
    assert cli.main(["show", *url]) == 2
    capsys.readouterr()
    send(served, call)
    assert cli.main(["show", *url]) == 0
    assert "not complete yet" in capsys.readouterr().err
    served.keep(run("before"))
    assert cli.main(["runs", *url]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert "running" in first
    assert "before" in second
    assert cli.main(["runs", *url, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("open") for row in rows] == [True, None]
    assert cli.main(["show", TRACE, *url, "--json"]) == 0
    out, err = capsys.readouterr()
    assert (len(json.loads(out)["steps"]), err) == (1, "this run is not complete yet\n")
    send(served, root)
    assert cli.main(["runs", *url]) == 0
    assert "running" not in capsys.readouterr().out
    assert cli.main(["show", TRACE, *url]) == 0
    assert capsys.readouterr().err == ""


def start(command, url):
    """The command as a process that follows, and ends at SIGINT as in a terminal."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "infinium_otel", command, "-f", "--url", url, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - short
    )  # fmt: skip


def test_show_waits_until_a_run_is_complete(served, spans):
    """Followed, a run is shown once, whole."""
    call, root = spans
    with start("show", served.url) as child:
        try:
            for number in count():  # the child subscribes some time after its start
                if child.stdout in select([child.stdout], [], [], 0.2)[0]:
                    break
                trace = f"{number + 1:032x}"
                send(served, replace(call, trace_id=trace))
                send(served, replace(root, trace_id=trace))
            assert len(json.loads(child.stdout.readline())["steps"]) == 1
        finally:
            child.kill()


@pytest.mark.parametrize(("states", "requests"), [("011", 2), ("0" * 9, 5)])
def test_open_runs_that_are_not_made_yet(monkeypatch, states, requests):
    """The request is repeated, some times."""
    monkeypatch.setattr("infinium_otel.apps.runs.server.OPEN_PAUSE_S", 0)
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            is_current = states[len(asked)] == "1"
            asked.append(self.path)
            body = json.dumps({"open": [{"seq": 1}], "open_is_current": is_current})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        server = Server(f"http://127.0.0.1:{http.server_port}")
        assert server.list_open({}) == [{"seq": 1, "open": True}]
        server.close()
        http.shutdown()
    assert len(asked) == requests


def test_what_was_shown_is_forgotten(monkeypatch):
    """The memory of shown runs is bounded."""
    monkeypatch.setattr("infinium_otel.apps.runs.server.MAX_SHOWN", 2)
    shown = {}
    assert [_add(shown, key) for key in "abbca"] == [True, True, False, True, True]
    assert len(shown) == 2


def test_an_open_run_is_followed(served, spans):
    """It is printed once when it begins, and again when it is complete."""
    call, root = spans
    child = start("runs", served.url)
    try:
        send(served, call)
        begun = json.loads(child.stdout.readline())
        assert begun["open"] is True
        send(served, chat("again", "planner", start=2))
        send(served, root)
        ended = json.loads(child.stdout.readline())
        assert ended.get("open") is None
        assert begun["otel_trace_id"] == ended["otel_trace_id"] == TRACE
        assert ended["steps"] == 2
        child.send_signal(signal.SIGINT)
        rest, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, rest, err) == (0, "", "")
