"""Rules in place of the judge: `infinium-otel serve --rules FILE`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("starlette")

from infinium_otel.apps import cli
from infinium_otel.otlp import to_otlp
from support.local_server import HEADERS, serving
from support.programs import TESTS, WAIT_S
from support.records import agent, chat
from support.runs import AGENT_ID, research, run
from support.waiting import wait_until

RULES = "error\ntool:delete_*  # never\ncost>0.10\ntokens>20000\n"
AGENTS = """
from infinium_otel import register
from support.programs import AGENT
tracer = register().get_tracer("t")
for name in ("read", "delete_all"):
    with tracer.start_as_current_span(name, attributes=AGENT):
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        with tracer.start_as_current_span("tool", attributes=tool):
            pass
"""


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text(RULES, "utf-8")
    return str(path)


@pytest.fixture
def judging(tmp_path, rules):
    with serving(tmp_path / "tasks.db", "--rules", rules) as server:
        yield server


def interpretation(server, trace_id):
    path = f"/api/v1/agents/{AGENT_ID}/interpreted-result/{trace_id}"
    return server.http.get(path, headers=HEADERS).json()["interpretedTraceResult"]


def test_each_run_that_arrives_is_checked(judging):
    """The result has each rule, and says that nothing was learned or judged."""
    result = interpretation(judging, judging.keep(research()))
    assert result["rules"]["error"] == {
        "score": False,
        "label": "failed",
        "explanation": "error httpx.ReadTimeout",
    }
    assert result["rules"]["tool:delete_*"] == {"score": True, "label": "passed"}
    assert result["rules"]["tokens>20000"]["explanation"] == "tokens is 25,132"
    assert "nothing is learned or judged" in result["note"]
    result = interpretation(judging, judging.keep(run()))
    assert result["rules"]["cost>0.10"] == {
        "label": "unknown",
        "explanation": "cost is unknown",
    }


def test_the_list_and_the_run_have_what_was_found(judging):
    """The counts stand in each row, and `errors=rules` selects what failed."""
    failed, passed = judging.keep(research()), judging.keep(run())
    listed = {row["trace_id"]: row for row in judging.get("/api/tasks")["tasks"]}
    assert (listed[failed]["rules"], listed[failed]["rules_failed"]) == (4, 2)
    assert (listed[passed]["rules"], listed[passed]["rules_failed"]) == (4, 0)
    chosen = judging.get("/api/tasks", errors="rules")["tasks"]
    assert [row["trace_id"] for row in chosen] == [failed]
    shown = judging.get(f"/api/tasks/{failed}")
    assert shown["rules_found"]["error"]["label"] == "failed"
    exported = judging.http.get("/api/export").text.splitlines()
    assert sorted(json.loads(line)["name"] for line in exported) == sorted(
        [research()["name"], run()["name"]]
    )


def test_runs_keep_what_was_found_when_they_arrived(tmp_path, rules):
    """A run from before the rules has none, and none of a removed run stays."""
    db = tmp_path / "tasks.db"
    with serving(db) as server:
        before = server.keep(run("before"))
        assert "rules" not in interpretation(server, before)
        assert server.get(f"/api/tasks/{before}")["rules_found"] is None
    with serving(db, "--rules", rules) as server:
        after = server.keep(research())
        assert "rules" not in interpretation(server, before)
    with serving(db) as server:
        assert interpretation(server, after)["rules"]["error"]["label"] == "failed"
        server.http.delete(f"/api/tasks/{after}")
        assert server.keep(run("next"))
        assert server.get("/api/tasks", errors="rules")["total"] == 0


def test_an_open_run_is_checked_once_it_is_complete(judging):
    """A rule on a part of a run could be wrong about the whole.

    Source: DataDog/documentation#36450, which explains when a trace is judged.
    """
    call = chat("call", "planner", tokens=(30_000, 5))
    judging.http.post("/v1/traces", json=to_otlp([call]))
    wait_until(lambda: judging.get("/api/tasks", open=1)["open"], WAIT_S)
    (row,) = judging.get("/api/tasks", open=1)["open"]
    assert row["rules"] is None
    assert judging.get(f"/api/tasks/{row['trace_id']}")["rules_found"] is None
    judging.http.post("/v1/traces", json=to_otlp([agent("planner")]))
    (row,) = judging.get("/api/tasks", open=1)["tasks"]
    assert (row["rules"], row["rules_failed"]) == (4, 1)


@pytest.mark.parametrize("content", ["cots>1\n", None], ids=["no-rule", "no-file"])
def test_rules_that_cannot_be_read(tmp_path, capsys, content):
    """The server does not start; the message has the place."""
    path = tmp_path / "rules.txt"
    if content is not None:
        path.write_text(content, "utf-8")
    arguments = ["--port", "0", "--db", str(tmp_path / "t.db"), "--rules", str(path)]
    assert cli.main(["serve", *arguments]) == 2
    reason = "line 1: rule 'cots>1', character 1" if content else "No such file"
    assert f"{path}" in (message := capsys.readouterr().err)
    assert reason in message


def test_check_and_compare_on_a_laptop(judging, tmp_path, capsys, rules):
    """`check` awaits what the server's rules found; `compare` has their scores."""
    program = tmp_path / "agents.py"
    program.write_text(AGENTS, "utf-8")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("INFINIUM_")}
    environ |= {
        "PYTHONPATH": str(TESTS),
        "INFINIUM_BASE_URL": f"{judging.url}/api/v1",
        "INFINIUM_AGENT_ID": AGENT_ID,
        "INFINIUM_AGENT_SECRET": HEADERS["x-agent-key"],
    }
    command = [
        "check",
        "--fail-on",
        "score:tool:delete_*<1",
        "--fail-on",
        "label=failed",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "infinium_otel", *command, "--", sys.executable, program],
        env=environ, capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "verdict tool:delete_*: 0 (failed) - tool delete_all" in done.stdout
    assert "fails score:tool:delete_*<1: tool:delete_* is 0" in done.stdout
    assert "fails label=failed: tool:delete_* is failed" in done.stdout
    assert done.stderr.endswith("2 runs, 1 failed\n")
    ids = [row["trace_id"] for row in judging.get("/api/tasks", sort="oldest")["tasks"]]
    assert cli.main(["compare", *ids, "--url", judging.url, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labels"]["tool:delete_*"] == [{"passed": 1}, {"failed": 1}]
    assert cli.main(["check", "--rules", rules, "--allow-no-runs", "--", "true"]) == 0
