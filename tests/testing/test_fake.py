"""FakeInfinium: the API on loopback, strict and scriptable."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from infinium_otel.taskdata import PromptContent, task_to_dict
from infinium_otel.testing import FakeInfinium, Fault
from support.tasks import full

PROMPT_ID = "99999999-2222-4333-8444-555555555555"


@pytest.fixture
def fake():
    with FakeInfinium() as server:
        yield server


def headers(fake, **more):
    return {
        "User-Agent": "test",
        "x-agent-id": fake.agent_id,
        "x-agent-key": fake.agent_secret,
        "Content-Type": "application/json",
        "Idempotency-Key": "k1",
    } | more


def call(fake, method="POST", path=None, body=b"", sent=None):
    """Status, headers and body of the response."""
    host, port = fake.base_url.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request(
            method,
            path or f"/api/v1/agents/{fake.agent_id}/trace",
            body if method == "POST" else None,
            headers(fake) if sent is None else sent,
        )
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def body(**changes):
    return json.dumps(task_to_dict(full()) | changes).encode()


def test_a_valid_task_is_stored(fake):
    """A task that respects the contract is stored and gets a trace id."""
    status, _, response = call(fake, body=body())
    assert status == 201
    assert json.loads(response)["traceId"]
    assert fake.tasks == [task_to_dict(full())]
    assert fake.keys == ["k1"]
    assert (fake.complaints, fake.requests[0].status) == ([], 201)


def test_the_same_key_is_stored_once(fake):
    """A second delivery with the same key stores nothing and gets the same id."""
    first, second = call(fake, body=body()), call(fake, body=body())
    assert json.loads(first[2]) == json.loads(second[2])
    assert len(fake.tasks) == 1
    assert len(fake.requests) == 2


def test_a_task_without_key_is_stored_each_time(fake):
    """Without a key a repetition cannot be recognized."""
    sent = headers(fake)
    del sent["Idempotency-Key"]
    call(fake, body=body(), sent=sent)
    call(fake, body=body(), sent=sent)
    assert len(fake.tasks) == 2
    fake.require_key = True
    assert call(fake, body=body(), sent=sent)[0] == 422


def reordered():
    wire = task_to_dict(full())
    return json.dumps({"environment": wire.pop("environment"), **wire}).encode()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        pytest.param(b"[1]", "not an object", id="list"),
        pytest.param(b'{"a":NaN}', "NaN is not a valid number", id="nan"),
        pytest.param(b'{"a":1,"a":2}', "twice", id="duplicate-key"),
        pytest.param(b"\xff", "not strict JSON", id="not-utf8"),
        pytest.param(b'{"a":"\\ud800"}', "lone surrogate", id="surrogate"),
        pytest.param(body(name=" "), "name: missing or blank", id="blank-name"),
        pytest.param(body(name="x" * 501), "name: longer than 500", id="long-name"),
        pytest.param(body(description=1), "description: missing", id="description"),
        pytest.param(body(current_datetime="yesterday"), "current_dat", id="moment"),
        pytest.param(body(current_datetime=1), "current_datetime", id="moment-number"),
        pytest.param(
            body(current_datetime="1066-01-01T00:00:00Z"), "1900", id="moment-past"
        ),
        pytest.param(body(duration=-5), "duration: not a number", id="negative"),
        pytest.param(body(duration=True), "duration: not a number", id="bool-duration"),
        pytest.param(body(weather="fine"), "unknown key 'weather'", id="unknown-key"),
        pytest.param(body(steps=[{"step_number": 1}]), "missing", id="missing-field"),
        pytest.param(body(customer={}), "order of keys", id="empty-section"),
        pytest.param(body(output_summary=None), "order of keys", id="null"),
        pytest.param(reordered(), "order of keys", id="order"),
        pytest.param(
            body(steps=[{"step_number": True, "action": "a", "description": "d"}]),
            "task.steps[0].step_number: wrong type",
            id="bool-number",
        ),
        pytest.param(body(input_summary=7), "input_summary: wrong", id="wrong-type"),
        pytest.param(
            body(environment={"custom_tags": {"n": 1}}),
            "task.environment[0].custom_tags: wrong type",
            id="tags-are-texts",
        ),
    ],
)
def test_an_invalid_task_is_refused(fake, wrong, complaint):
    """A violation of the contract gets a 422 that names it; nothing is stored."""
    status, _, response = call(fake, body=wrong)
    assert status == 422
    assert complaint in json.loads(response)["error"]
    assert complaint in "\n".join(fake.complaints)
    assert fake.tasks == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"Content-Type": "text/plain"}, "Content-Type", id="type"),
        pytest.param({"Idempotency-Key": "a b"}, "Idempotency-Key", id="key"),
        pytest.param({"x-prompt-key": "x"}, "credentials", id="both-credentials"),
        pytest.param({"Content-Length": "007"}, "Content-Length", id="length"),
        pytest.param({"Content-Encoding": "gzip"}, "not strict JSON", id="not-gzip"),
    ],
)
def test_bad_headers_are_refused(fake, changes, complaint):
    """Headers are part of the contract."""
    assert call(fake, body=b"{}     ", sent=headers(fake, **changes))[0] == 422
    assert complaint in fake.complaints[0]


def test_a_missing_user_agent_is_refused(fake):
    """A client must send its name."""
    sent = headers(fake)
    del sent["User-Agent"]
    assert call(fake, body=body(), sent=sent)[0] == 422


def test_gzip_is_accepted(fake):
    """A compressed body is read like any other."""
    sent = headers(fake, **{"Content-Encoding": "gzip"})
    assert call(fake, body=gzip.compress(body()), sent=sent)[0] == 201
    assert fake.requests[0].wire_bytes < len(fake.requests[0].body)


def test_wrong_credentials(fake):
    """A wrong key gets a 401."""
    assert (
        call(fake, body=body(), sent=headers(fake, **{"x-agent-key": "no"}))[0] == 401
    )


def test_too_large(fake):
    """A body above the limit gets a 413."""
    fake.max_body_bytes = 10
    assert call(fake, body=body())[0] == 413


def test_unknown_endpoint(fake):
    """Any other path gets a 404."""
    assert call(fake, path="/api/v2")[0] == 404


def result_path(fake, trace_id):
    return f"/api/v1/agents/{fake.agent_id}/interpreted-result/{trace_id}"


def test_results(fake):
    """A result is pending at first, then ready; an unknown trace gets a 404."""
    fake.pending_polls = 1
    trace_id = json.loads(call(fake, body=body())[2])["traceId"]
    path = result_path(fake, trace_id)
    responses = [json.loads(call(fake, "GET", path)[2]) for _ in range(2)]
    assert responses[0]["status"] == "pending"
    assert "Answer a question" in responses[1]["interpretedTraceResult"]["summary"]
    assert call(fake, "GET", result_path(fake, PROMPT_ID))[0] == 404
    sent = headers(fake, **{"x-agent-key": "wrong"})
    assert call(fake, "GET", path, sent=sent)[0] == 401


def test_prompts(fake):
    """A prompt needs its own key and no agent's."""
    content = PromptContent(PROMPT_ID, "greeting", 2, "Hi {{name}}", "2026-01-01")
    fake.prompts[PROMPT_ID] = ("pkey", content)
    sent = {"User-Agent": "t", "x-prompt-id": PROMPT_ID, "x-prompt-key": "pkey"}

    def get(version, prompt=PROMPT_ID, **more):
        path = f"/api/v1/prompts/{prompt}/v/{version}"
        return call(fake, "GET", path, sent=sent | more)

    assert json.loads(get("latest")[2])["content"] == "Hi {{name}}"
    assert get("2")[0] == 200
    assert get("3")[0] == 404
    assert get("2", prompt="x")[0] == 404
    assert get("2", **{"x-prompt-key": "no"})[0] == 403
    assert get("2", **{"x-agent-key": "no"})[0] == 400


def test_scripted_statuses(fake):
    """First the script, in order, then `always`, then the regular responses."""
    fake.script(500, Fault.unavailable(retry_after=2), Fault(204))
    fake.always(429)
    found = [call(fake, body=body()) for _ in range(4)]
    assert [status for status, _, _ in found] == [500, 503, 204, 429]
    assert found[1][1]["Retry-After"] == "2"
    assert len(fake.tasks) == 1
    fake.always(None)
    assert call(fake, body=body())[0] == 201


def test_retry_after_as_a_date(fake):
    """Retry-After may be a date."""
    fake.script(Fault.unavailable_until(1_800_000_000))
    date = call(fake, body=body())[1]["Retry-After"]
    assert parsedate_to_datetime(date).timestamp() == 1_800_000_000


def test_a_plain_refusal():
    """Without a delay there is no Retry-After."""
    assert Fault.unavailable(502) == Fault(502)


def test_a_scripted_body_and_type(fake):
    """A response can be anything."""
    fake.script(Fault(200, {"Content-Type": "text/html"}, b"<html>"))
    status, found, response = call(fake, body=body())
    assert (status, found["Content-Type"], response) == (200, "text/html", b"<html>")


@pytest.mark.parametrize(
    ("breaks", "error"),
    [
        pytest.param("before", ConnectionError, id="reset-before"),
        pytest.param("during", ConnectionError, id="reset-during"),
        pytest.param("after", ConnectionError, id="reset-after"),
        pytest.param("close", http.client.RemoteDisconnected, id="close"),
        pytest.param("truncate", http.client.IncompleteRead, id="truncate"),
        pytest.param("raw", http.client.BadStatusLine, id="garbage"),
    ],
)
def test_broken_exchanges(fake, breaks, error):
    """A connection can break anywhere; nothing is stored unless scripted."""
    fake.script(Fault(breaks=breaks, body=b"garbage\r\n" if breaks == "raw" else None))
    with pytest.raises(error):
        call(fake, body=body() * 3 if breaks == "during" else body())
    assert fake.tasks == []
    assert len(fake.requests) == 1


def test_stored_although_broken(fake):
    """A server may store a task although the response is lost."""
    fake.script(Fault(breaks="after", store=True))
    with pytest.raises(ConnectionError):
        call(fake, body=body())
    assert len(fake.tasks) == 1


def test_a_hang_ends_with_the_server():
    """A response that never comes ends when the server closes."""
    fake = FakeInfinium()
    fake.start()
    fake.script(Fault(breaks="hang"))
    host, port = fake.base_url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert fake.wait_for(lambda f: len(f.requests) == 1)
        fake.close()
        assert connection.recv(10) == b""
    fake.close()


def test_a_delay(fake):
    """A response can be late."""
    fake.script(Fault(delay_s=0.05))
    begin = time.monotonic()
    assert call(fake, body=body())[0] == 201
    assert time.monotonic() - begin >= 0.05


def test_down_and_up_again():
    """The server can stop and restart on its port, with its data."""
    fake = FakeInfinium()
    fake.start()
    call(fake, body=body())
    address = fake.base_url
    fake.close()
    with pytest.raises(ConnectionRefusedError):
        call(fake, body=body())
    with fake:
        assert fake.base_url == address
        call(fake, body=body())
    assert len(fake.requests) == 2


def test_going_down_ends_idle_connections(fake):
    """A keep-alive connection ends with the server."""
    host, port = fake.base_url.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("GET", "/x")
    connection.getresponse().read()
    fake.close()
    connection.sock.settimeout(5)
    assert connection.sock.recv(10) == b""
    connection.close()


def test_https():
    """With a context the fake serves https."""
    path = Path(__file__).parents[1] / "data" / "loopback.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with FakeInfinium(ssl_context=context) as fake:
        assert fake.base_url.startswith("https://127.0.0.1:")
        port = int(fake.base_url.split("/")[2].split(":")[1])
        trust = ssl.create_default_context(cafile=path)
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust)
        connection.request("GET", "/x")
        assert connection.getresponse().status == 404
        connection.close()


def test_waiting(fake):
    """Tests wait for a state of the server, not for a time."""
    assert not fake.wait_for_tasks(1, timeout_s=0.01)
    call(fake, body=body())
    assert fake.wait_for_tasks(1)


def test_an_unknown_break():
    """A misspelled value in a script is an error at once."""
    with pytest.raises(ValueError, match="breaks: must be one of"):
        Fault(breaks="sideways")


def test_the_secret_is_not_shown():
    """The fake's repr contains no secret."""
    assert "fake-agent-secret" not in repr(FakeInfinium())


def test_settings(fake):
    """The settings that a client needs for the fake."""
    assert fake.settings == {
        "agent_id": fake.agent_id,
        "agent_secret": "fake-agent-secret",
        "base_url": fake.base_url,
    }


@pytest.mark.timeout(600)
def test_what_is_waited_for_may_be_elsewhere(fake):
    """A condition that becomes true without a request ends the wait."""
    done = threading.Event()
    timer = threading.Timer(0.1, done.set)
    timer.start()
    assert fake.wait_for(lambda _: done.is_set(), 3_600)
    timer.join()
