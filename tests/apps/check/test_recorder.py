"""What the recorder passes on, and what it counts instead of recording it."""

from __future__ import annotations

import json
import socket
import struct

import httpx
import pytest

from infinium_otel.apps.check import recorder
from infinium_otel.apps.check.recorder import Recorder
from infinium_otel.taskdata.limits import encode_task
from infinium_otel.testing import FakeInfinium, Fault
from support.loopback import server_context
from support.tasks import small

AGENT = "11111111-2222-4333-8444-555555555555"
TASK = encode_task(small()).body


def send(url, content, key):
    headers = {"idempotency-key": key, "content-type": "application/json"}
    return httpx.post(f"{url}/agents/{AGENT}/trace", content=content, headers=headers)


def test_what_is_not_recorded_is_counted(monkeypatch):
    """A task that was accepted and cannot be checked is counted with the reason."""
    monkeypatch.setattr(recorder, "MAX_RUNS", 1)
    with Recorder(None) as recording:
        for key, content in (("a", TASK), ("b", b"{}"), ("c", TASK)):
            assert send(recording.base_url, content, key).status_code == 200
        assert [run.key for run in recording.runs] == ["a"]
        assert recording.unchecked == {"no valid task": 1, "after the first 1": 1}


def test_the_certificate_is_checked_unless_the_settings_say_otherwise():
    """As with the exporter, `verify_ssl` decides."""
    with FakeInfinium(ssl_context=server_context()) as fake:
        for verify_ssl, status in ((True, 502), (False, 401)):
            with Recorder(fake.base_url, verify_ssl=verify_ssl) as recording:
                assert send(recording.base_url, TASK, "a").status_code == status


def test_no_proxy_is_asked_for_this_machine(fake, monkeypatch):
    """A proxy of a company cannot reach a local server.

    Source: encode/httpx#3195, NousResearch/hermes-agent#5834 (502 for each request).
    """
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fake.script(201)
    with Recorder(fake.base_url) as recording:
        url = f"{recording.base_url}/agents/{AGENT}/trace"
        response = httpx.post(url, content=TASK, trust_env=False)
    assert response.status_code == 201


def test_the_pause_that_the_service_requests(fake):
    """Retry-After reaches the command, which retries after it."""
    fake.script(Fault.unavailable(429, retry_after=7))
    with Recorder(fake.base_url) as recording:
        response = send(recording.base_url, TASK, "a")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("is_local", "status"), [(True, 201), (False, 404)], ids=["local", "remote"]
)
def test_whole_spans_stay_on_this_machine(is_local, status, fake, monkeypatch):
    """An offer to keep spans is passed on, and they are, only if a local server makes it.

    To the command every service is on loopback, so the recorder has to tell them apart.
    """
    offer = {"success": True, "traceId": "t", "spansPath": "/api/v1/agents/a/trace"}
    fake.script(Fault(200, body=json.dumps(offer).encode()), *([201] * is_local))
    monkeypatch.setattr(recorder, "LOOPBACK", ("127.0.0.1",) if is_local else ())
    with Recorder(fake.base_url) as recording:
        given = send(recording.base_url, TASK, "a").json()
        assert ("spansPath" in given) is is_local
        assert len(recording.runs) == 1
        root = recording.base_url.removesuffix("/api/v1")
        path = offer["spansPath"] if is_local else "/api/spans"
        assert httpx.post(root + path, content=b"{}").status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param("Content-Length: 99999999999", b"413", id="too-long"),
        pytest.param("Content-Length: -1", b"411", id="negative"),
        pytest.param("Content-Length: ten", b"411", id="a-word"),
        pytest.param("Transfer-Encoding: chunked", b"411", id="chunked"),
    ],
)
def test_a_body_without_a_usable_length(headers, status):
    """It is refused with the reason, not read as empty, and nothing is printed."""
    with Recorder(None) as recording:
        port = httpx.URL(recording.base_url).port
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
            assert client.recv(100).split()[1] == status


def test_a_command_that_ends_within_its_request(fake, capfd):
    """No traceback of ours is between the lines of the command.

    `socketserver` prints one for each connection that was reset.
    """
    fake.always = Fault(404, delay_s=0.3)
    with Recorder(fake.base_url) as recording:
        port = httpx.URL(recording.base_url).port
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        client.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert httpx.get(f"{recording.base_url}/y").status_code == 404
    assert capfd.readouterr().err == ""
