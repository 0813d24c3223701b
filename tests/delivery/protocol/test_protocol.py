"""The exchange with Infinium, without the network."""

from __future__ import annotations

import gzip
import json
import math
from email.utils import formatdate
from importlib.metadata import version as installed

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel import errors
from infinium_otel.config import Config
from infinium_otel.delivery.protocol import (
    VERSION,
    AttemptResult,
    Response,
    RetryPolicy,
    Send,
    TransportFailure,
    Wait,
    backoff,
    build_prompt_request,
    build_result_request,
    build_trace_request,
    classify_response,
    encode,
    exchange,
    parse_retry_after,
    to_error,
)
from infinium_otel.errors import ConfigurationError, ValidationError
from infinium_otel.testing.contract import find_complaints
from support.tasks import full, small

AGENT = "11111111-2222-4333-8444-555555555555"
TRACE = "AAAAAAAA-2222-4333-8444-555555555555"
SECRET = "very-secret-key"
CONFIG = Config(agent_id=AGENT, agent_secret=SECRET, base_url="https://example.test/v1")
NOW_S = 1_800_000_000.0


def test_the_version_is_the_package_s():
    """The version we send is the installed one."""
    assert installed("infinium-otel") == VERSION


def test_a_body_keeps_the_contract():
    """`encode` writes what the service accepts."""
    assert find_complaints(encode(full())) == ()
    assert encode(small("ü")).startswith('{"name":"ü","desc'.encode())


def test_trace_request():
    """A task is sent to its agent, with the agent's credentials and the task's key."""
    request = build_trace_request(CONFIG, b"{}", "ab-cd")
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
    """With `gzip` the body is compressed, with the header for it."""
    request = build_trace_request(CONFIG.but(compression="gzip"), b"{}" * 100, "k")
    assert request.headers[-1] == ("Content-Encoding", "gzip")
    assert gzip.decompress(request.body) == b"{}" * 100


def test_result_request():
    """A result is requested by a trace id in any case; spaces are stripped."""
    request = build_result_request(CONFIG, f" {TRACE} ", "me/1")
    assert request.method == "GET"
    assert request.url.endswith(f"/agents/{AGENT}/interpreted-result/{TRACE}")
    assert request.headers[0] == ("User-Agent", "me/1")


def test_credentials_are_needed():
    """Without credentials no request is built."""
    with pytest.raises(ConfigurationError):
        build_result_request(Config(), TRACE)


@pytest.mark.parametrize(
    ("version", "part"), [("latest", "latest"), (3, "3"), ("12", "12")]
)
def test_prompt_request(version, part):
    """A prompt is requested with its own key and without an agent's."""
    request = build_prompt_request("https://x", TRACE, "pkey", version)
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
def test_invalid_arguments(arguments, field):
    """A value that is invalid in a request is refused, and the field is named."""
    with pytest.raises(ValidationError) as caught:
        build_prompt_request("https://x", *arguments)
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
    """Any 2xx is a success; a redirect is a failure; each error has its status."""
    outcome = classify_response(Response(status), NOW_S)
    assert (outcome.kind, outcome.status, outcome.reason) == (kind, status, str(status))
    if error:
        raised = to_error(outcome)
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
    """2xx decides; the body is only parsed if it can be."""
    outcome = classify_response(Response(200, body=body), NOW_S)
    assert (outcome.kind, outcome.data, outcome.message) == ("delivered", data, message)


@pytest.mark.parametrize(
    "request_",
    [
        build_trace_request(CONFIG, b"", "k"),
        build_prompt_request("https://x", TRACE, SECRET, 1),
    ],
    ids=["agent", "prompt"],
)
def test_a_server_that_repeats_the_secret(request_):
    """The secret is removed from the server's message."""
    body = b'{"error":"key %s is wrong"}' % SECRET.encode()
    error = to_error(classify_response(Response(401, body=body), NOW_S, request_))
    assert str(error) == "key *** is wrong"
    assert SECRET not in repr(vars(error))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(rb'{"error":"key Ab\/c+d== \"x is wrong"}', id="slash"),
        pytest.param(
            rb'{"error":"key Ab/c\u002bd\u003d\u003d \"x is wrong"}', id="unicode"
        ),
        pytest.param(
            '{"error":"key Ab/c+d== \\"x is wrong"}'.encode("utf-16"), id="utf-16"
        ),
    ],
)
def test_a_server_that_escapes_the_secret(body):
    """PHP writes a slash with a backslash, Gson `=` and `+` by their numbers.

    open-telemetry/opentelemetry-collector-contrib#46200,
    open-telemetry/opentelemetry-rust#3021: the token was in the server's error, and so in
    the log.
    """
    secret = 'Ab/c+d== "x'
    request = build_trace_request(CONFIG.but(agent_secret=secret), b"", "k")
    error = to_error(classify_response(Response(401, body=body), NOW_S, request))
    assert str(error) == "key *** is wrong"
    assert secret not in str(error.details)


def test_an_error_has_the_servers_message():
    """The server's message is the error's, cut; its response is in the details."""
    reply = Response(422, {"retry-after": "3"}, b'{"error":"%s"}' % (b"x" * 600))
    error = to_error(classify_response(reply, NOW_S))
    assert error.message == "x" * 500
    assert error.retry_after == 3.0
    assert error.details["response_data"] == {"error": "x" * 600}
    assert (
        str(to_error(classify_response(Response(409), NOW_S)))
        == "the service responded with 409"
    )


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
    """Both forms are supported, invalid ones ignored, and long delays limited."""
    assert parse_retry_after(value, NOW_S) == expected


@given(st.text())
def test_retry_after_is_total(value):
    """No header makes it raise, and every result is within bounds."""
    seconds = parse_retry_after(value, NOW_S)
    assert seconds is None or 0 <= seconds <= 900


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (10_000, 60.0)]
)
def test_backoff(failures, most):
    """Full jitter: from zero to a ceiling that doubles, up to a minute."""
    assert backoff(failures, 0.0) == 0.0
    assert backoff(failures, 1.0) == most
    assert math.isclose(backoff(failures, 0.5), most / 2)


def perform(responses, policy=None, rate_limit=lambda: 0.0):
    """Runs an exchange with scripted responses; returns its steps and its result."""
    request = build_trace_request(CONFIG, b"{}", "k")
    steps, response = [], None
    flow = exchange(
        request,
        policy or RetryPolicy(),
        rate_limit=rate_limit,
        draw=lambda: 0.5,
        epoch=lambda: NOW_S,
    )
    responses = iter(responses)
    while True:
        try:
            step = flow.send(response)
        except StopIteration as stop:
            return steps, stop.value
        if isinstance(step, Send):
            assert step.request is request
            response = next(responses)
            steps.append("send")
        else:
            response = None
            steps.append(step.seconds)


def test_success_needs_one_step():
    """A success is one step."""
    steps, outcome = perform([Response(201)])
    assert (steps, outcome.kind) == (["send"], "delivered")


def test_failures_are_retried_with_growing_pauses():
    """Three retries, each with the same request and a higher ceiling."""
    steps, outcome = perform([Response(503)] * 4)
    assert steps == ["send", 0.5, "send", 1.0, "send", 2.0, "send"]
    assert outcome.status == 503


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 302])
def test_a_refusal_is_not_retried(status):
    """A refusal is final."""
    assert perform([Response(status)])[0] == ["send"]


def test_the_server_s_delay_is_obeyed():
    """Retry-After replaces the backoff, for any status that is retried."""
    steps, _ = perform(
        [Response(429, {"retry-after": "7"}), Response(500), Response(200)]
    )
    assert steps == ["send", 7.0, "send", 1.0, "send"]


def test_a_delay_beyond_the_policy():
    """A delay longer than the policy allows ends the exchange at once."""
    steps, outcome = perform([Response(429, {"retry-after": "600"})])
    assert (steps, outcome.delay_s) == (["send"], 600.0)


@pytest.mark.parametrize(
    ("reason", "retried"),
    [("timeout", True), ("connect", True), ("broken", True), ("tls", False)],
)
def test_no_response(reason, retried):
    """A missing response is retried, except after a TLS failure."""
    steps, outcome = perform([TransportFailure(reason, "gone"), Response(200)])
    assert (len(steps) > 1) is retried
    assert outcome.kind == ("delivered" if retried else "unavailable")
    assert outcome.reason == ("200" if retried else "tls")


def test_errors_without_response():
    """A timeout has the seconds waited; both are network errors."""
    timeout = to_error(
        classify_response(TransportFailure("timeout", "no response", 3.0), NOW_S)
    )
    assert isinstance(timeout, errors.InfiniumTimeoutError)
    assert timeout.timeout_duration == 3.0
    reset = to_error(classify_response(TransportFailure("broken", "reset"), NOW_S))
    assert type(reset) is errors.NetworkError


def test_the_rate_limit_is_kept_before_every_attempt():
    """Each attempt reserves its own slot in the rate limit."""
    pauses = iter([0.25, 0.0])
    steps, _ = perform([Response(500), Response(200)], rate_limit=lambda: next(pauses))
    assert steps == [0.25, "send", 0.5, "send"]


def test_a_transport_that_returns_nothing():
    """A step without a result counts as a missing response."""
    steps, outcome = perform([None, Response(200)])
    assert len(steps) == 3
    assert outcome.kind == "delivered"


def test_no_retries():
    """Without retries the first result is final."""
    steps, outcome = perform([Response(500)], RetryPolicy(max_retries=0))
    assert (steps, outcome) == (
        ["send"],
        AttemptResult("unavailable", 500, None, "the service responded with 500"),
    )
    assert Wait(1.0).seconds == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("\x1b[2J\x1b]0;owned\x07no", "[2J ]0;owned no", id="escape"),
        pytest.param("no\r\nINFO: all is well", "no  INFO: all is well", id="line-end"),
        pytest.param("user\u202egnp.exe", "user gnp.exe", id="direction"),
        pytest.param("zu groß: 5 °C", "zu groß: 5 °C", id="letters"),
    ],
)
def test_the_service_s_texts_cannot_command_a_terminal(text, expected):
    """Error texts reach logs and terminals: what is not printable is a space."""
    body = json.dumps({"error": text}).encode()
    assert classify_response(Response(422, body=body), NOW_S).message == expected
