"""What the local Infinium API requires of a request."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from infinium_otel.apps.serve import checks
from support.runs import AGENT_ID, run

UTC = timezone.utc
KEY = {"x-agent-key": "eight-or-more"}


@pytest.mark.parametrize(
    ("agent_id", "headers", "status"),
    [
        pytest.param(AGENT_ID, {"x-agent-id": AGENT_ID, **KEY}, None, id="taken"),
        pytest.param(
            AGENT_ID.upper(), {"x-agent-id": AGENT_ID, **KEY}, None, id="any-case"
        ),
        pytest.param("me", {"x-agent-id": "me", **KEY}, 400, id="no-uuid"),
        pytest.param(AGENT_ID, KEY, 401, id="no-agent-id"),
        pytest.param(
            AGENT_ID, {"x-agent-id": AGENT_ID[::-1], **KEY}, 401, id="another-agent"
        ),
        pytest.param(AGENT_ID, {"x-agent-id": "é", **KEY}, 401, id="not-ascii"),
        pytest.param(AGENT_ID, {"x-agent-id": AGENT_ID}, 401, id="no-key"),
        pytest.param(
            AGENT_ID,
            {"x-agent-id": AGENT_ID, "x-agent-key": "1234567"},
            401,
            id="short",
        ),
    ],
)
def test_agent(agent_id, headers, status):
    """A request has its agent in the URL and the headers, and has a key."""
    if status is None:
        assert checks.require_agent(agent_id, headers) == AGENT_ID
        return
    with pytest.raises(checks.RejectedError) as caught:
        checks.require_agent(agent_id, headers)
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"x-prompt-id": AGENT_ID, "x-prompt-key": "k"}, None, id="taken"),
        pytest.param({"x-prompt-key": "k"}, 401, id="no-id"),
        pytest.param({"x-prompt-id": AGENT_ID}, 401, id="no-key"),
        pytest.param(
            {"x-prompt-id": AGENT_ID, "x-prompt-key": "k" * 2001}, 401, id="long-key"
        ),
    ],
)
def test_prompt_reader(headers, status):
    """A prompt is read with its own id and key, of 2,000 characters at most."""
    if status is None:
        checks.check_prompt_reader(AGENT_ID, headers)
        return
    with pytest.raises(checks.RejectedError) as caught:
        checks.check_prompt_reader(AGENT_ID, headers)
    assert caught.value.status_code == status


def test_idempotency_key():
    """A key of up to 255 characters; optional."""
    assert checks.read_idempotency_key({}) is None
    assert checks.read_idempotency_key({"idempotency-key": " k "}) == "k"
    with pytest.raises(checks.RejectedError, match="255"):
        checks.read_idempotency_key({"idempotency-key": "k" * 256})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{", 400, id="cut"),
        pytest.param(b"[]", 400, id="list"),
        pytest.param(b'{"duration": NaN}', 400, id="nan"),
        pytest.param(b"[" * 200_000, 400, id="deep"),
        pytest.param(b"\xff\xfe{", 400, id="not-utf-8"),
        pytest.param(b'{"duration": ' + b"9" * 5000 + b"}", 400, id="huge-number"),
    ],
)
def test_body_is_not_a_json_object(body, status):
    """A body that is not a JSON object is rejected."""
    with pytest.raises(checks.RejectedError) as caught:
        checks.parse_task(body)
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("name", None, id="no-name"),
        pytest.param("name", " ", id="blank-name"),
        pytest.param("name", "n" * 501, id="long-name"),
        pytest.param("description", "", id="no-description"),
        pytest.param("description", "d" * 10_001, id="long-description"),
        pytest.param("duration", "1", id="duration-text"),
        pytest.param("duration", True, id="duration-flag"),
        pytest.param("duration", -1, id="negative"),
        pytest.param("duration", 86_401, id="over-a-day"),
        pytest.param("current_datetime", "yesterday", id="no-time"),
        pytest.param("current_datetime", 5, id="time-number"),
        pytest.param("current_datetime", "1899-12-31T00:00:00Z", id="too-early"),
        pytest.param("current_datetime", "2101-01-01T00:00:00Z", id="too-late"),
        pytest.param("steps", "many", id="steps-text"),
        pytest.param("steps", ["one"], id="step-text"),
        pytest.param("errors", 5, id="errors-number"),
        pytest.param("llm_usage", [1], id="usage-list"),
        pytest.param("environment", "here", id="environment-text"),
    ],
)
def test_invalid_field(field, value):
    """A field that the service would reject is named, with 422."""
    body = json.dumps(run() | {field: value}).encode()
    with pytest.raises(checks.RejectedError, match=field) as caught:
        checks.parse_task(body)
    assert (caught.value.status_code, caught.value.field) == (422, field)


def test_limits_are_inclusive():
    """A task at every limit is accepted."""
    task = run(name="n" * 500, description="d" * 10_000, duration=86_400, steps=None)
    assert checks.parse_task(json.dumps(task).encode()) == task


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), id="z"
        ),
        pytest.param(
            "2026-01-02T03:04:05.1234567+02:00",
            datetime(2026, 1, 2, 1, 4, 5, 123456, tzinfo=UTC),
            id="nanoseconds-and-offset",
        ),
        pytest.param(
            "2026-01-02T03:04:05.5",
            datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC),
            id="no-offset-is-utc",
        ),
        pytest.param("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC), id="date"),
        pytest.param("0001-01-01T00:00:00+14:00", None, id="before-time"),
        pytest.param("soon", None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
    ],
)
def test_parse_time(text, expected):
    """An ISO time is parsed in any of its usual forms, always as UTC."""
    found = checks.parse_time(text)
    assert found == expected
    assert found is None or found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("9" * 400, id="digits"),
        pytest.param("9" * 5_000, id="more-digits-than-python-reads"),
        pytest.param("-" + "9" * 400, id="negative"),
        pytest.param("1e999", id="exponent"),
        pytest.param("NaN", id="no-number"),
    ],
)
@pytest.mark.parametrize("place", ["duration", "llm_usage", "metadata"])
def test_numbers_that_no_reader_holds_are_rejected(number, place):
    """They are valid JSON, and would fail in whatever reads them later."""
    value = f'{{"estimated_cost_usd": {number}}}' if place == "llm_usage" else number
    body = json.dumps({**run(), place: "HERE"}).replace('"HERE"', value)
    with pytest.raises(checks.RejectedError, match=r"number|NaN") as caught:
        checks.parse_task(body.encode())
    assert caught.value.status_code == 400


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_body_in_another_encoding_is_rejected(encoding):
    """It would be stored as it is, and the page could never read it."""
    with pytest.raises(checks.RejectedError, match="not in UTF-8") as caught:
        checks.parse_task(json.dumps(run()).encode(encoding))
    assert caught.value.status_code == 400
