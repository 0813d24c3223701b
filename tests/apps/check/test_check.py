"""`infinium-otel check`, with real commands and an endpoint on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from xml.etree import ElementTree as ET

import pytest

from infinium_otel.apps import check as command
from support.programs import TESTS, WAIT_S, environment

AGENTS = """
import sys
from infinium_otel import register
from support.programs import AGENT
tracer = register().get_tracer("t")
for name in sys.argv[1:]:
    with tracer.start_as_current_span(name, attributes=AGENT):
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": f"use_{name}"}
        with tracer.start_as_current_span("tool", attributes=tool):
            pass
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "agents.py"
    path.write_text(textwrap.dedent(AGENTS), "utf-8")
    return str(path)


def check(environ, *arguments):
    """The command in a process of its own: (exit code, output, messages)."""
    done = subprocess.run(
        [sys.executable, "-m", "infinium_otel", "check", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def alone():
    """An environment without credentials."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INFINIUM_")}
    return {**kept, "PYTHONPATH": str(TESTS)}


@pytest.mark.slow
def test_rules_that_need_no_judge(program):
    """Without an account the runs stay here, and rules on what happened still hold."""
    argv = ["--", sys.executable, program, "read", "delete"]
    code, out, messages = check(alone(), "--fail-on", "tool:use_delete", *argv)
    assert code == 1
    assert out.splitlines()[0].startswith("pass  helper")
    assert "fails tool:use_delete: tool use_delete" in out
    assert "no credentials, so the runs stay on this machine" in messages
    assert messages.endswith("2 runs, 1 failed\n")
    code, out, messages = check(alone(), "--fail-on", "tool:use_send*", *argv)
    assert code == 0
    assert messages.endswith("2 runs, 0 failed\n")


def test_verdicts_decide(fake, program, tmp_path):
    """They are awaited, shown, and written for the CI system and the pull request."""
    fake.pending_polls = 1
    scores = {"use_good": 0.9, "use_bad": 0.2}
    fake.interpret = lambda task: {
        "score": scores[task["steps"][0]["tool_call"]["tool_name"]],
        "summary": "As <b>expected</b> | or not.",
    }
    junit, markdown = tmp_path / "junit.xml", tmp_path / "check.md"
    code, out, messages = check(
        environment(fake),
        *("--fail-on", "score<0.7", "--junit", str(junit), "--markdown", str(markdown)),
        *("--", sys.executable, program, "good", "bad"),
    )
    assert code == 1, messages
    assert "verdict interpretation: 0.9 - As <b>expected</b> | or not." in out
    assert "fails score<0.7: interpretation is 0.2" in out
    assert len(fake.tasks) == 2
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failure,) = suite.findall("testcase/failure")
    assert failure.get("message") == "score<0.7: interpretation is 0.2"
    table = markdown.read_text("utf-8")
    assert table.startswith("**2 runs, 1 failed**\n")
    assert "As \\<b>expected\\</b> \\| or not." in table
    assert "secret" not in out + messages + table + junit.read_text("utf-8")


def test_runs_that_are_never_judged(fake, program):
    """A gate on scores does not pass without a score; the wait has an end."""
    fake.interpret = lambda _: None
    argv = ["--", sys.executable, program, "one"]
    rule = ["--fail-on", "score<0.7", "--timeout", "0.1"]
    code, out, messages = check(environment(fake), *rule, *argv)
    assert code == 1
    assert "nothing gave it a score to check" in out
    assert "1 of the runs had no verdict after 0.1 seconds" in messages


def test_a_service_that_refuses(fake, program):
    """It is said, and not waited for."""
    fake.script(201, 403)
    fake.script(403)
    rule = ["--fail-on", "label=failed"]
    code, _, messages = check(
        environment(fake), *rule, "--", sys.executable, program, "one"
    )
    assert code == 1
    assert "the service refused the verdict (403)" in messages


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            ["--fail-on", "cost>0.1"], 0, "not decided: cost>0.1", id="unknown"
        ),
        pytest.param(["--fail-on", "cost>0.1", "--strict"], 1, "1 failed", id="strict"),
        pytest.param([], 0, "1 run, 0 failed", id="default-rule"),
    ],
)
def test_figures_that_are_unknown(program, arguments, code, message):
    """They fail nothing, which is said, unless `--strict`."""
    found, _, messages = check(
        alone(), *arguments, "--", sys.executable, program, "one"
    )
    assert found == code
    assert message in messages


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--", sys.executable, "-c", "pass"], 1, "sent nothing", id="no-runs"),
        pytest.param(["--allow-no-runs", "--", sys.executable, "-c", "pass"], 0,
                     "0 runs, 0 failed", id="no-runs-allowed"),
        pytest.param(["--", sys.executable, "-c", "raise SystemExit(7)"], 7,
                     "exit code 7", id="the-command-fails"),
        pytest.param(["--", "no-such-program-here"], 2, "no-such-program-here", id="no-program"),
        pytest.param([], 2, "no command", id="no-command"),
        pytest.param(["--fail-on", "scor<1", "--", "true"], 2, "character 1", id="no-rule"),
        pytest.param(["--timeout", "-1", "--", "true"], 2, "between 0 and", id="no-time"),
        pytest.param(["--timeout", "1m", "--", "true"], 2, "86400, not '1m'", id="a-unit"),
        pytest.param(["--allow-no-runs", "--", "sh", "-c", "kill -9 $$"], 137,
                     "ended by SIGKILL", id="a-signal"),
    ],
)  # fmt: skip
def test_what_goes_wrong(arguments, code, message):
    """The command's own failure is the exit code; a mistake is 2."""
    found, _, messages = check(alone(), *arguments)
    assert found == code
    assert message in messages
    assert "Traceback" not in messages


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_a_report_that_cannot_be_written(option, tmp_path):
    """It is refused before the command runs, which may take an hour and cost money."""
    made = tmp_path / "made"
    code, _, messages = check(
        alone(), option, str(tmp_path / "none" / "x"), "--", "touch", str(made)
    )
    assert code == 2
    assert "No such file or directory" in messages
    assert not made.exists()


def test_the_local_server_judges_nothing(program, tmp_path):
    """Against `serve` the rules that need no judge hold, and its summary is no verdict."""
    pytest.importorskip("starlette")
    from support.local_server import serving  # noqa: PLC0415 - needs the extra

    with serving(tmp_path / "tasks.db") as server:
        environ = {
            **alone(),
            **command.LOCAL,
            "INFINIUM_BASE_URL": f"{server.url}/api/v1",
        }
        argv = ["--", sys.executable, program, "one"]
        code, _, messages = check(environ, "--fail-on", "steps>3", *argv)
        assert code == 0, messages
        assert "does not show" not in messages
        (row,) = server.get("/api/tasks")["tasks"]
        spans = server.get(f"/api/tasks/{row['trace_id']}/otlp")
        assert len(spans["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 2
        rule = ["--fail-on", "score<1", "--timeout", "5"]
        code, out, _ = check(environ, *rule, *argv)
        assert code == 1
        assert "nothing gave it a score" in out
    assert json.dumps(command.LOCAL) not in out
