"""The doctor's command: its findings as lines and as JSON, and its exit codes."""

from __future__ import annotations

import json

import pytest

from infinium_otel.apps import cli, doctor
from infinium_otel.apps.doctor.findings import Finding, to_json, to_lines

FINDINGS = [
    Finding("One", "ok", "fine"),
    Finding("One", "error", "broken", "fix it"),
    Finding("Two", "warning", "odd"),
]


def test_findings_as_lines():
    """Under headings, each with the command that fixes it, and a summary."""
    assert "\n".join(to_lines(FINDINGS)) == (
        "One\n"
        "  ok      fine\n"
        "  error   broken\n"
        "          fix: fix it\n"
        "\nTwo\n"
        "  warning odd\n"
        "\n1 error, 1 warning"
    )


def test_findings_as_json():
    """The same as an object, with counts by level."""
    document = to_json(FINDINGS)
    assert document["counts"] == {"ok": 1, "note": 0, "warning": 1, "error": 1}
    assert document["findings"][1] == {
        "topic": "One",
        "level": "error",
        "message": "broken",
        "fix": "fix it",
    }


@pytest.fixture
def environ(monkeypatch, fake):
    """Set our variables for a working endpoint, and no others."""
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER", "INFINIUM_OTEL_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    return monkeypatch


def test_a_test_run_is_sent_on_request(environ, fake, capsys):
    """Only with `--send`, and only if nothing prevents runs from arriving."""
    assert cli.main(["doctor", "--send"]) == 0
    assert "the service accepted a test run" in capsys.readouterr().out
    assert len(fake.tasks) == 1
    environ.setenv("OTEL_SDK_DISABLED", "true")
    assert cli.main(["doctor", "--send"]) == 1
    assert "test run" not in capsys.readouterr().out
    assert len(fake.tasks) == 1


def test_a_healthy_setup_exits_0(environ, fake, capsys):
    """Everything is checked, and no secret is printed."""
    assert cli.main(["doctor"]) == 0
    output = capsys.readouterr().out
    for topic in ("Configuration", "Delivery", "Endpoint", "Instrumentations", "SDK"):
        assert topic in output
    assert "0 errors" in output
    assert fake.agent_secret not in output


def test_a_setup_that_cannot_send_exits_1(environ, capsys):
    """The exit code is 1 if runs cannot arrive; `--json` has the reason."""
    environ.delenv("INFINIUM_AGENT_ID")
    assert cli.main(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["error"] == 1


def test_offline_skips_the_network_check(environ, fake):
    """`--offline` sends no request."""
    assert cli.main(["doctor", "--offline"]) == 0
    assert fake.requests == []


def test_what_is_installed_is_read_from_the_environment():
    """Names are normalised as in the table."""
    installed = doctor.list_packages()
    assert installed["opentelemetry-sdk"]
    assert not [name for name in installed if "_" in name or name != name.lower()]
    assert doctor.list_entry_points("opentelemetry_traces_exporter")["infinium"]
