"""Commands that write a file where there is no space: `/dev/full` says so at each write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infinium_otel.apps import cli
from support.otlp_requests import agent_span, traces

FULL = Path("/dev/full")
if not FULL.exists():  # pragma: no cover - not Linux
    pytest.skip("needs /dev/full", allow_module_level=True)

REASON = "/dev/full: No space left on device\n"


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "spans.json"
    path.write_text(json.dumps(traces(agent_span(1))), "utf-8")
    return str(path)


def test_convert(recorded, capsys):
    """The file is named, which an error of a write does not do by itself."""
    assert cli.main(["convert", recorded, "-o", str(FULL)]) == 2
    assert capsys.readouterr().err == f"infinium-otel convert: {REASON}"


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_check(option, capsys, monkeypatch):
    """What was found is printed and concluded all the same; the exit code is 2, or 1."""
    for name in ("INFINIUM_AGENT_ID", "INFINIUM_AGENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    arguments = ["check", "--allow-no-runs", option, str(FULL), "--"]
    assert cli.main([*arguments, "true"]) == 2
    messages = capsys.readouterr().err
    assert messages.endswith(f"check: {REASON}infinium-otel check: 0 runs, 0 failed\n")
    assert cli.main([*arguments, "false"]) == 1


def test_replay(recorded, tmp_path, capsys):
    """Nothing half-written stays, which `--force` would be needed to overwrite."""
    link = tmp_path / "test_it.py"
    link.symlink_to(FULL)
    spans = tmp_path / "spans.json"
    call = agent_span(1)
    call["attributes"] = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    ]
    spans.write_text(json.dumps(traces(call)), "utf-8")
    code = cli.main(["replay", "last", str(spans), "-o", str(link), "--force"])
    assert code == 2
    assert capsys.readouterr().err.endswith(f"{link}: No space left on device\n")
