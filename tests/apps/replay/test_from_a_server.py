"""`infinium-otel replay` reads the runs of a local server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

pytest.importorskip("starlette")

from infinium_otel.apps import cli
from infinium_otel.apps.runs.server import Server
from infinium_otel.errors import InfiniumError
from infinium_otel.otlp import to_otlp
from support.local_server import serving
from support.records import agent, chat, log_event
from support.runs import research
from support.spans import TRACE

LONG = "word " * 400


def records():
    answer = json.dumps([{"role": "assistant", "content": LONG}])
    return [
        agent(name="writer"),
        chat("c", "agent", attributes={"gen_ai.output.messages": answer}),
    ]


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "tasks.db") as found:
        yield found


def replay(capsys, server, *arguments, code=0):
    assert cli.main(["replay", *arguments, "--url", server.url]) == code
    return capsys.readouterr()


def test_whole_spans(capsys, server):
    """A server that keeps whole spans has the whole texts."""
    document = to_otlp(records())
    httpx.post(f"{server.url}/v1/traces", json=document, trust_env=False)
    found = replay(capsys, server, "writer")
    assert LONG.strip() in found.out
    assert "written from a task" not in found.err


def test_a_task(capsys, server):
    """Of a run without spans the task is all there is."""
    server.keep(research())
    found = replay(capsys, server)
    assert "SCRIPT = Script(" in found.out
    assert "written from a task" in found.err


def test_logs_without_spans(capsys, server):
    """Of a run of which only log records are kept the task is all there is."""
    task = research()
    task["environment"]["custom_tags"]["otel.trace_id"] = TRACE
    server.keep(task)
    document = to_otlp([log_event("gen_ai.choice", "nobody", body="hello")])
    httpx.post(f"{server.url}/api/spans/logs", json=document, trust_env=False)
    found = replay(capsys, server)
    assert "written from a task" in found.err


def test_no_run(capsys, server):
    """One line says that there is none."""
    found = replay(capsys, server, code=2)
    assert found.out == ""
    assert "there is no run yet" in found.err


class _Other(BaseHTTPRequestHandler):
    """A web server of another kind."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_):
        pass


def test_another_server():
    """A response that is no JSON is an error, not a run without spans."""
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        source = Server(f"http://127.0.0.1:{other.server_port}")
        with pytest.raises(InfiniumError, match="is not `infinium-otel serve`"):
            source.read_spans("0" * 32)
        source.close()
        thread.join()
