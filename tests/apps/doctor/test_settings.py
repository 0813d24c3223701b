"""What the doctor finds in the settings."""

from __future__ import annotations

import pytest

from infinium_otel.apps.doctor import (
    settings,
)
from support.doctor import level_and_fix

ID, SECRET = "11111111-2222-4333-8444-555555555555", "streng-geheim"
GOOD = {"INFINIUM_AGENT_ID": ID, "INFINIUM_AGENT_SECRET": SECRET}


def test_settings_are_listed_with_their_sources():
    """Each setting that is set, and the important ones, with where they come from."""
    environ = {**GOOD, "INFINIUM_TIMEOUT": "5", "INFINIUM_OTEL_SPOOL": "/tmp/x.db"}
    config, found = settings.check_settings(environ)
    assert config.timeout_s == 5
    assert [finding.message for finding in found] == [
        f"agent_id = {ID} (from INFINIUM_AGENT_ID)",
        "agent_secret = *** (from INFINIUM_AGENT_SECRET)",
        "base_url = https://platform.i42m.ai/api/v1 (default)",
        "timeout_s = 5.0 (from INFINIUM_TIMEOUT)",
        "spool = /tmp/x.db (from INFINIUM_OTEL_SPOOL)",
        "include = agents (default)",
    ]


@pytest.mark.parametrize(
    ("setting", "fixes"),
    [
        pytest.param(
            {"INFINIUM_BASE_URL": "http://example.org/api/v1"},
            ["export INFINIUM_BASE_URL=https://example.org/api/v1"],
            id="plain-http",
        ),
        pytest.param(
            {"INFINIUM_BASE_URL": "http://localhost:4318/api/v1"}, [], id="localhost"
        ),
        pytest.param(
            {"INFINIUM_BASE_URL": "http://127.0.0.2:4318/api/v1"}, [], id="loopback"
        ),
        pytest.param(
            {"INFINIUM_BASE_URL": "http://[::1]:4318/api/v1"}, [], id="loopback-6"
        ),
        pytest.param(
            {"INFINIUM_VERIFY_SSL": "false"},
            ["unset INFINIUM_VERIFY_SSL"],
            id="no-certificate",
        ),
    ],
)
def test_a_connection_that_others_can_read_is_a_warning(setting, fixes):
    """Plain HTTP is for this machine alone, and a certificate is to be checked."""
    _, found = settings.check_settings({**GOOD, **setting})
    warnings = [each for each in found if each.level == "warning"]
    assert [each.fix for each in warnings] == fixes


@pytest.mark.parametrize(
    ("environ", "message", "fix"),
    [
        pytest.param(
            {"INFINIUM_AGENT_SECRET": SECRET},
            "agent_id: missing",
            "export INFINIUM_AGENT_ID=00000000-0000-0000-0000-000000000000",
            id="no-id",
        ),
        pytest.param(
            {"INFINIUM_AGENT_ID": ID},
            "agent_secret: missing",
            "export INFINIUM_AGENT_SECRET=...",
            id="no-secret",
        ),
        pytest.param(
            {**GOOD, "INFINIUM_OTEL_BURST": "-1"},
            "burst: must be",
            "export INFINIUM_OTEL_BURST=20",
            id="bad-number",
        ),
        pytest.param(
            {**GOOD, "INFINIUM_OTEL_GATEWAY_TOKEN": "kurz"},
            "gateway_token: must have",
            "unset INFINIUM_OTEL_GATEWAY_TOKEN",
            id="no-default-to-offer",
        ),
    ],
)
def test_a_mistake_has_the_command_that_fixes_it(environ, message, fix):
    """Nothing can be sent with a mistake in the settings, so it is an error."""
    config, found = settings.check_settings(environ)
    assert config is None
    assert level_and_fix(found) == [("error", fix)]
    assert found[0].message.startswith(message)


def test_a_misspelled_setting_is_found():
    """An unknown variable with our prefix is reported, with a similar name if any."""
    environ = {**GOOD, "INFINIUM_OTEL_SPOL": "x", "INFINIUM_OTEL_ZZZZZZZZZZZZ": "x"}
    _, found = settings.check_settings(environ)
    assert level_and_fix(found)[0] == ("warning", "unset INFINIUM_OTEL_SPOL")
    assert [finding.message for finding in found[:2]] == [
        "unknown setting INFINIUM_OTEL_SPOL (did you mean INFINIUM_OTEL_SPOOL?)",
        "unknown setting INFINIUM_OTEL_ZZZZZZZZZZZZ",
    ]


def test_what_needs_no_account_is_named():
    """To those who have set neither id nor secret; a half is a mistake to correct."""
    _, found = settings.check_settings({})
    assert [finding.level for finding in found] == ["error", "error", "note"]
    assert "infinium-otel serve" in found[-1].message
    _, found = settings.check_settings({"INFINIUM_AGENT_ID": ID})
    assert [finding.level for finding in found] == ["error"]
