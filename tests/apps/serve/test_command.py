"""`infinium-otel serve` as a process."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

pytest.importorskip("starlette")

from infinium_otel.apps import serve
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError, MissingExtraError
from support.local_server import HEADERS
from support.runs import AGENT_ID, run


def find_url(output: str) -> str:
    return re.search(r"http://\S+?(?=/$)", output, re.MULTILINE)[0]


@contextmanager
def start_server(*arguments: str, **environment: str):
    """Start a server as a process; gives it and its first output."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infinium_otel", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        output = "".join(process.stdout.readline() for _ in range(4))
        yield process, output
    finally:
        process.kill()
        process.communicate()


def test_serves_and_stores(tmp_path):
    """It prints its URLs, accepts tasks, and exits with 0 when it is interrupted."""
    db = str(tmp_path / "t.db")
    with start_server("--db", db) as (process, output):
        url = find_url(output)
        response = httpx.post(
            f"{url}/api/v1/agents/{AGENT_ID}/trace", json=run(), headers=HEADERS
        )
        assert response.status_code == 200
        with httpx.stream("GET", f"{url}/api/live") as news:
            assert next(news.iter_lines()) == "retry: 1000"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"{url}/v1/traces" in output
    assert f"INFINIUM_BASE_URL={url}/api/v1" in output
    assert err == ""
    with start_server("--db", db) as (_, output):
        assert httpx.get(f"{find_url(output)}/healthz").json() == {
            "status": "ok",
            "tasks": 1,
        }


def test_warns_if_others_can_connect(tmp_path):
    """Bound to more than loopback it warns that there are no accounts."""
    db = str(tmp_path / "t.db")
    with start_server("--db", db, "--host", "0.0.0.0") as (process, output):
        assert httpx.get(f"{find_url(output)}/healthz").status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert "there are no accounts" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--port", "70000"], "not 70000", id="no-port"),
        pytest.param(["--host", "256.1.1.1"], "cannot listen on", id="no-address"),
        pytest.param(
            ["--db", "/nowhere/t.db"], "cannot open /nowhere/t.db", id="no-db"
        ),
        pytest.param(
            ["--prompts", "none"],
            "--prompts none: the folder does not exist",
            id="no-prompts",
        ),
        pytest.param(["--port", "many"], "invalid int value", id="no-number"),
    ],
)
def test_an_error_at_the_start_is_one_line(arguments, message, tmp_path):
    """The line has the reason, and the exit code is 2."""
    done = subprocess.run(
        [sys.executable, "-m", "infinium_otel", "serve", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_unusable_database(tmp_path):
    """A path that cannot be opened as a database is reported."""
    args = argparse.Namespace(db=str(tmp_path), rules=None)
    with pytest.raises(InfiniumError, match="cannot open"):
        serve.build_application(args, Config())


@pytest.mark.parametrize(
    ("host", "warned"), [pytest.param("::1", False), pytest.param("::", True)]
)
def test_warns_only_beyond_loopback(host, warned, capsys):
    """On loopback there is no warning, in IPv6 as well."""
    args = argparse.Namespace(host=host, db="t.db", rules=None)
    serve.announce(args, "http://[::]:4318")
    output = capsys.readouterr()
    assert "http://[::]:4318/\n" in output.out
    assert ("no accounts" in output.err) == warned


def test_without_the_extra(monkeypatch, tmp_path):
    """Without starlette the error names the extra."""
    monkeypatch.setitem(sys.modules, "infinium_otel.apps.serve.app", None)
    args = argparse.Namespace(db=str(tmp_path / "t.db"))
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[server\]"):
        serve.build_application(args, Config())
