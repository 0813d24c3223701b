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


def url_in(said: str) -> str:
    return re.search(r"http://\S+?(?=/$)", said, re.MULTILINE)[0]


@contextmanager
def started(*arguments: str, **environment: str):
    """A server as a process, and what it says at first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infinium_otel", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        said = "".join(process.stdout.readline() for _ in range(4))
        yield process, said
    finally:
        process.kill()
        process.communicate()


def test_serves_and_keeps(tmp_path):
    """It says its addresses, takes tasks, and stops with 0 when it is interrupted."""
    db = str(tmp_path / "t.db")
    with started("--db", db) as (process, said):
        url = url_in(said)
        reply = httpx.post(
            f"{url}/api/v1/agents/{AGENT_ID}/trace", json=run(), headers=HEADERS
        )
        assert reply.status_code == 200
        with httpx.stream("GET", f"{url}/api/live") as news:
            assert next(news.iter_lines()) == "retry: 1000"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"{url}/v1/traces" in said
    assert f"INFINIUM_BASE_URL={url}/api/v1" in said
    assert err == ""
    with started("--db", db) as (_, said):
        assert httpx.get(f"{url_in(said)}/healthz").json() == {
            "status": "ok",
            "tasks": 1,
        }


def test_warns_when_others_can_reach_it(tmp_path):
    """Bound to more than loopback it says that there are no accounts."""
    db = str(tmp_path / "t.db")
    with started("--db", db, "--host", "0.0.0.0") as (process, said):
        assert httpx.get(f"{url_in(said)}/healthz").status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert "there are no accounts" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--port", "70000"], "port 70000", id="no-port"),
        pytest.param(["--host", "256.1.1.1"], "cannot listen on", id="no-address"),
        pytest.param(
            ["--db", "/nowhere/t.db"], "cannot open /nowhere/t.db", id="no-db"
        ),
        pytest.param(
            ["--prompts", "none"], "--prompts none: there is no such", id="no-prompts"
        ),
        pytest.param(["--port", "many"], "invalid int value", id="no-number"),
    ],
)
def test_says_why_it_cannot(arguments, complaint, tmp_path):
    """A server that cannot start says why in one line and exits 2."""
    done = subprocess.run(
        [sys.executable, "-m", "infinium_otel", "serve", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_database_that_is_none(tmp_path):
    """A file that is no database of ours is told, and left as it was."""
    args = argparse.Namespace(db=str(tmp_path), host="127.0.0.1", allow_host=[])
    with pytest.raises(InfiniumError, match="cannot open"):
        serve.application(args, Config())


@pytest.mark.parametrize(
    ("host", "warned"), [pytest.param("::1", False), pytest.param("::", True)]
)
def test_says_who_can_reach_it(host, warned, capsys):
    """Nothing of it on loopback, in IPv6 as well."""
    args = argparse.Namespace(host=host, db="t.db")
    serve.announce(args, "http://[::]:4318")
    said = capsys.readouterr()
    assert "http://[::]:4318/\n" in said.out
    assert ("no accounts" in said.err) == warned


def test_without_the_extra(monkeypatch, tmp_path):
    """Without starlette it says which extra brings it."""
    monkeypatch.setitem(sys.modules, "infinium_otel.apps.serve.app", None)
    args = argparse.Namespace(db=str(tmp_path / "t.db"))
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[server\]"):
        serve.application(args, Config())
