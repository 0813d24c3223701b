"""The exchange with Infinium, without the network."""

from __future__ import annotations

import gzip
import math
from email.utils import formatdate
from importlib.metadata import version as installed

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel import errors
from infinium_otel.config import Config
from infinium_otel.errors import ConfigurationError, ValidationError
from infinium_otel.protocol import (
    VERSION,
    NoReply,
    Outcome,
    Patience,
    Reply,
    Send,
    Wait,
    backoff,
    encode,
    error_of,
    exchange,
    outcome_of,
    prompt_request,
    result_request,
    retry_after,
    trace_request,
)
from infinium_otel.testing.contract import complaints
from support.tasks import full, small

AGENT = "11111111-2222-4333-8444-555555555555"
TRACE = "AAAAAAAA-2222-4333-8444-555555555555"
SECRET = "very-secret-key"
CONFIG = Config(agent_id=AGENT, agent_secret=SECRET, base_url="https://example.test/v1")
NOW_S = 1_800_000_000.0


def test_the_version_is_the_package_s():
    """What we say we are is what is installed."""
    assert installed("infinium-otel") == VERSION


def test_a_body_keeps_the_contract():
    """`encode` writes what the service takes."""
    assert complaints(encode(full())) == ()
    assert encode(small("ü")).startswith('{"name":"ü","desc'.encode())


def test_trace_request():
    """A task goes to its agent, with the agent's credentials and its key."""
    request = trace_request(CONFIG, b"{}", "ab-cd")
    assert (request.method, request.body) == ("POST", b"{}")
    assert request.url == f"https://example.test/v1/agents/{AGENT}/trace"
    assert request.headers == (
        ("User-Agent", f"infinium-otel/{VERSION}"),
        ("x-agent-id", AGENT),
        ("x-agent-key", SECRET),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "ab-cd"),
    )
    assert SECRET not in repr(request)


def test_compression_by_choice():
    """With `gzip` the body is compressed and says so."""
    request = trace_request(CONFIG.but(compression="gzip"), b"{}" * 100, "k")
    assert request.headers[-1] == ("Content-Encoding", "gzip")
    assert gzip.decompress(request.body) == b"{}" * 100


def test_result_request():
    """A result is asked for by a trace id in any case, spaces cut."""
    request = result_request(CONFIG, f" {TRACE} ", "me/1")
    assert request.method == "GET"
    assert request.url.endswith(f"/agents/{AGENT}/interpreted-result/{TRACE}")
    assert request.headers[0] == ("User-Agent", "me/1")


def test_credentials_are_needed():
    """Without credentials nothing is built."""
    with pytest.raises(ConfigurationError):
        result_request(Config(), TRACE)


@pytest.mark.parametrize(
    ("version", "part"), [("latest", "latest"), (3, "3"), ("12", "12")]
)
def test_prompt_request(version, part):
    """A prompt is asked for with its own key and no agent's."""
    request = prompt_request("https://x", TRACE, "pkey", version)
    assert request.url == f"https://x/prompts/{TRACE}/v/{part}"
    names = [name for name, _ in request.headers]
    assert names == ["User-Agent", "x-prompt-id", "x-prompt-key"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        pytest.param(("../x", "k", 1), "prompt_id", id="path-traversal"),
        pytest.param((None, "k", 1), "prompt_id", id="no-id"),
        pytest.param((TRACE, " ", 1), "prompt_key", id="blank-key"),
        pytest.param((TRACE, None, 1), "prompt_key", id="no-key"),
        pytest.param((TRACE, "a\r\nb", 1), "prompt_key", id="header-injection"),
        pytest.param((TRACE, "ü", 1), "prompt_key", id="key-not-ascii"),
        pytest.param((TRACE, "k" * 2001, 1), "prompt_key", id="long-key"),
        pytest.param((TRACE, "k", 0), "version", id="zero"),
        pytest.param((TRACE, "k", -1), "version", id="negative"),
        pytest.param((TRACE, "k", "newest"), "version", id="word"),
        pytest.param((TRACE, "k", 1.5), "version", id="fraction"),
        pytest.param((TRACE, "k", True), "version", id="bool"),
    ],
)
def test_arguments_that_do_not_fit(arguments, field):
    """What cannot stand in a request is refused, naming the field."""
    with pytest.raises(ValidationError) as caught:
        prompt_request("https://x", *arguments)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        *[(status, "delivered", None) for status in (200, 201, 202, 204, 299)],
        *[
            (status, "refused", errors.InfiniumError)
            for status in (100, 301, 302, 307, 402, 405, 409, 410, 415, 451)
        ],
        (400, "refused", errors.ValidationError),
        (422, "refused", errors.ValidationError),
        (404, "refused", errors.NotFoundError),
        (401, "credentials", errors.AuthenticationError),
        (403, "credentials", errors.AuthenticationError),
        (413, "too_large", errors.ValidationError),
        (408, "unavailable", errors.InfiniumError),
        (425, "unavailable", errors.InfiniumError),
        (429, "unavailable", errors.RateLimitError),
        *[
            (status, "unavailable", errors.ServerError)
            for status in (500, 501, 502, 503, 504, 520, 599)
        ],
    ],
)
def test_each_status_has_one_meaning(status, kind, error):
    """A success is any 2xx; a redirect is a failure; each error keeps its status."""
    outcome = outcome_of(Reply(status), NOW_S)
    assert (outcome.kind, outcome.status, outcome.reason) == (kind, status, str(status))
    if error:
        raised = error_of(outcome)
        assert type(raised) is error
        assert raised.status_code == status


@pytest.mark.parametrize(
    ("body", "data", "message"),
    [
        pytest.param(b'{"message":"Stored"}', {"message": "Stored"}, "Stored", id="ok"),
        pytest.param(b'{"message":7}', {"message": 7}, "Success", id="odd-message"),
        pytest.param(b'{"success":false}', {"success": False}, "Success", id="false"),
        pytest.param(b"", None, "Success", id="empty"),
        pytest.param(b"<html>", None, "Success", id="html"),
        pytest.param(b"[1]", None, "Success", id="list"),
        pytest.param(b"\xff\xfe\xfd", None, "Success", id="undecodable"),
        pytest.param(b"[" * 100_000, None, "Success", id="deep"),
    ],
)
def test_a_success_with_an_odd_body_is_a_success(body, data, message):
    """2xx decides; the body is only read where it can be."""
    outcome = outcome_of(Reply(200, body=body), NOW_S)
    assert (outcome.kind, outcome.data, outcome.message) == ("delivered", data, message)


@pytest.mark.parametrize(
    "request_",
    [trace_request(CONFIG, b"", "k"), prompt_request("https://x", TRACE, SECRET, 1)],
    ids=["agent", "prompt"],
)
def test_a_server_that_repeats_the_secret(request_):
    """The secret is cut out of whatever the server says."""
    body = b'{"error":"key %s is wrong"}' % SECRET.encode()
    error = error_of(outcome_of(Reply(401, body=body), NOW_S, request_))
    assert str(error) == "key *** is wrong"
    assert SECRET not in repr(vars(error))


def test_an_error_says_what_the_server_said():
    """The server's own words are the message, cut; its answer is in the details."""
    reply = Reply(422, {"retry-after": "3"}, b'{"error":"%s"}' % (b"x" * 600))
    error = error_of(outcome_of(reply, NOW_S))
    assert error.message == "x" * 500
    assert error.retry_after == 3.0
    assert error.details["response_data"] == {"error": "x" * 600}
    assert str(error_of(outcome_of(Reply(409), NOW_S))) == "the service answered 409"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param("120", 120.0, id="seconds"),
        pytest.param("1.5", 1.5, id="fraction"),
        pytest.param("-3", 0.0, id="negative"),
        pytest.param("3600", 900.0, id="capped"),
        pytest.param("inf", 900.0, id="infinite"),
        pytest.param("nan", None, id="nan"),
        pytest.param("soon", None, id="garbage"),
        pytest.param("", None, id="empty"),
        pytest.param(formatdate(NOW_S + 30, usegmt=True), 30.0, id="date"),
        pytest.param(formatdate(NOW_S - 30, usegmt=True), 0.0, id="past"),
        pytest.param("Fri, 99 Zzz 99999 99:99:99 GMT", None, id="bad-date"),
    ],
)
def test_retry_after(value, expected):
    """Both forms are understood, nonsense is no answer, and nobody waits for ever."""
    assert retry_after(value, NOW_S) == expected


@given(st.text())
def test_retry_after_is_total(value):
    """No header makes it raise, and every answer is within bounds."""
    seconds = retry_after(value, NOW_S)
    assert seconds is None or 0 <= seconds <= 900


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (10_000, 60.0)]
)
def test_backoff(failures, most):
    """Full jitter: from nothing to a ceiling that doubles, up to a minute."""
    assert backoff(failures, 0.0) == 0.0
    assert backoff(failures, 1.0) == most
    assert math.isclose(backoff(failures, 0.5), most / 2)


def perform(answers, patience=None, pace=lambda: 0.0):
    """Drives an exchange with scripted answers; its steps and its outcome."""
    request = trace_request(CONFIG, b"{}", "k")
    steps, answer = [], None
    flow = exchange(
        request,
        patience or Patience(),
        pace=pace,
        draw=lambda: 0.5,
        epoch=lambda: NOW_S,
    )
    answers = iter(answers)
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return steps, stop.value
        if isinstance(step, Send):
            assert step.request is request
            answer = next(answers)
            steps.append("send")
        else:
            answer = None
            steps.append(step.seconds)


def test_success_needs_one_step():
    """What works is done once."""
    steps, outcome = perform([Reply(201)])
    assert (steps, outcome.kind) == (["send"], "delivered")


def test_failures_are_retried_with_growing_pauses():
    """Three retries, each with the same request and a longer ceiling."""
    steps, outcome = perform([Reply(503)] * 4)
    assert steps == ["send", 0.5, "send", 1.0, "send", 2.0, "send"]
    assert outcome.status == 503


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 302])
def test_what_a_retry_cannot_mend_is_sent_once(status):
    """A refusal is final."""
    assert perform([Reply(status)])[0] == ["send"]


def test_the_server_s_delay_is_obeyed():
    """Retry-After takes the place of the backoff, on any status that is retried."""
    steps, _ = perform([Reply(429, {"retry-after": "7"}), Reply(500), Reply(200)])
    assert steps == ["send", 7.0, "send", 1.0, "send"]


def test_nobody_waits_longer_than_they_can():
    """A delay beyond one's patience ends the exchange at once, and is told."""
    steps, outcome = perform([Reply(429, {"retry-after": "600"})])
    assert (steps, outcome.delay_s) == (["send"], 600.0)


@pytest.mark.parametrize(
    ("reason", "retried"),
    [("timeout", True), ("connect", True), ("broken", True), ("tls", False)],
)
def test_no_reply(reason, retried):
    """No reply is retried, but a server that is not who it should be."""
    steps, outcome = perform([NoReply(reason, "gone"), Reply(200)])
    assert (len(steps) > 1) is retried
    assert outcome.kind == ("delivered" if retried else "unavailable")
    assert outcome.reason == ("200" if retried else "tls")


def test_errors_without_reply():
    """A timeout says how long it waited; both are network errors."""
    timeout = error_of(outcome_of(NoReply("timeout", "no answer", 3.0), NOW_S))
    assert isinstance(timeout, errors.InfiniumTimeoutError)
    assert timeout.timeout_duration == 3.0
    reset = error_of(outcome_of(NoReply("broken", "reset"), NOW_S))
    assert type(reset) is errors.NetworkError


def test_the_rate_limit_is_kept_before_every_attempt():
    """Each attempt takes its own place in the rate limit."""
    pauses = iter([0.25, 0.0])
    steps, _ = perform([Reply(500), Reply(200)], pace=lambda: next(pauses))
    assert steps == [0.25, "send", 0.5, "send"]


def test_a_transport_that_says_nothing():
    """A step that was not answered counts as no reply."""
    steps, outcome = perform([None, Reply(200)])
    assert len(steps) == 3
    assert outcome.kind == "delivered"


def test_no_patience():
    """Without retries the first answer is the outcome."""
    steps, outcome = perform([Reply(500)], Patience(max_retries=0))
    assert (steps, outcome) == (
        ["send"],
        Outcome("unavailable", 500, None, "the service answered 500"),
    )
    assert Wait(1.0).seconds == 1.0
