"""Bounds on connections: silent, slow and too many ones are closed, others are served."""

from __future__ import annotations

import json
import logging
import resource
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Thread

import httpx
import pytest

uvicorn = pytest.importorskip("uvicorn")
applications = pytest.importorskip("starlette.applications")

from starlette.responses import PlainTextResponse, StreamingResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

from infinium_otel.apps.http.body_limiter import BodyLimiter, BusyError  # noqa: E402
from infinium_otel.apps.http.connections import (  # noqa: E402
    ConnectionLimits,
    build_config,
    fit_limits,
)
from infinium_otel.apps.http.receiver import build  # noqa: E402
from infinium_otel.apps.http.repeated_logs import RepeatFilter  # noqa: E402
from support.gateway import running_gateway  # noqa: E402
from support.otlp_requests import agent_span, traces  # noqa: E402

TOKEN = "ein-geheimes-wort"
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GENEROUS = ConnectionLimits(headers_s=30, body_silence_s=30, response_silence_s=30)


async def _echo(request):
    return PlainTextResponse(str(len(await request.body())))


async def _stream(_request):
    async def write():
        for _ in range(1_000):
            yield b"x" * 100_000

    return StreamingResponse(write())


@contextmanager
def serving(**limits):
    """A server with these limits; gives its address, and its guard."""
    app = applications.Starlette(
        routes=[
            Route("/echo", _echo, methods=["GET", "POST"]),
            Route("/stream", _stream),
            *build(lambda _: None).routes(),
        ]
    )
    config = build_config(app, 1, replace(GENEROUS, **limits))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname(), config.http.guard
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def is_closed(connection, within_s=20):
    """Whether the server closes the connection in time."""
    connection.settimeout(within_s)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def receive(connection, end):
    """Read until what was read ends with *end*."""
    connection.settimeout(20)
    found = b""
    while not found.endswith(end):
        found += connection.recv(65_536)
    return found


def drip(connection, data, seconds=20):
    """Send *data* over and over, until the connection is closed or time is up."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            connection.sendall(data)
            time.sleep(0.1)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /v1/tra", id="part-of-the-headers"),
        pytest.param(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\nG", id="after-one-request"),
    ],
)
def test_a_connection_without_a_request_is_closed(sent):
    """The headers must be complete within a time."""
    with (
        serving(headers_s=0.5) as (address, guard),
        socket.create_connection(address) as connection,
    ):
        connection.sendall(sent)
        assert is_closed(connection)
        assert guard.closed == {"no request was sent": 1}


def test_headers_cannot_be_stretched():
    """A byte now and then does not extend the time."""
    with (
        serving(headers_s=0.5) as (address, _),
        socket.create_connection(address) as connection,
    ):
        connection.sendall(HEAD)
        assert drip(connection, b"X-A: b\r\n")


@pytest.mark.parametrize("path", ["/echo", "/v1/traces"])
def test_a_body_that_stalls_is_closed(path):
    """The memory that it holds is free again."""
    with (
        serving(body_silence_s=0.5) as (address, guard),
        socket.create_connection(address) as connection,
    ):
        head = HEAD.replace(b"/v1/traces", path.encode())
        connection.sendall(head + b"Content-Length: 1000\r\n\r\n{")
        assert is_closed(connection)
        assert guard.closed == {"a request's body was not sent": 1}


def test_a_body_that_trickles_is_closed():
    """A byte now and then does not extend the time much."""
    with (
        serving(body_s=0.5) as (address, guard),
        socket.create_connection(address) as connection,
    ):
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        assert drip(connection, b" ")
        assert guard.closed == {"a request's body was sent too slowly": 1}


def test_a_response_that_is_not_read_is_closed():
    """A client that never reads would hold the response in memory."""
    with (
        serving(response_silence_s=0.5) as (address, guard),
        socket.create_connection(address) as connection,
    ):
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 20
        while not guard.closed and time.monotonic() < deadline:
            time.sleep(0.05)
        assert guard.closed == {"the response was not read": 1}


def test_a_slow_sender_within_the_limits_is_served():
    """Limits are for those who do nothing."""
    with (
        serving(headers_s=5, body_silence_s=5) as (address, guard),
        socket.create_connection(address) as connection,
    ):
        head = HEAD.replace(b"/v1/traces", b"/echo") + b"Content-Length: 30\r\n\r\n"
        for at in range(0, len(head), 20):
            connection.sendall(head[at : at + 20])
            time.sleep(0.05)
        for _ in range(3):
            connection.sendall(b"x" * 10)
            time.sleep(0.3)
        assert receive(connection, b"\r\n\r\n30")
        assert not guard.closed


@pytest.mark.parametrize("bound", ["connections", "per_client"])
def test_the_longest_silent_connection_makes_room(bound):
    """The newest are kept, and a request in progress is."""
    with serving(**{bound: 5}) as (address, guard), ExitStack() as stack:
        busy = stack.enter_context(socket.create_connection(address))
        head = HEAD.replace(b"/v1/traces", b"/echo")
        busy.sendall(head + b"Content-Length: 2\r\n\r\nx")
        time.sleep(0.2)
        silent = [
            stack.enter_context(socket.create_connection(address)) for _ in range(20)
        ]
        with httpx.Client() as client:
            assert client.get("http://{}:{}/echo".format(*address)).text == "0"
        assert is_closed(silent[0])
        assert not is_closed(silent[-1], 0.2)
        busy.sendall(b"y")
        assert receive(busy, b"\r\n\r\n2")
        assert guard.closed["too many connections"] == 17


def test_the_newest_is_closed_if_all_others_are_busy():
    """Nothing that is in progress is ended for a new connection."""
    with serving(connections=3) as (address, guard), ExitStack() as stack:
        busy = [
            stack.enter_context(socket.create_connection(address)) for _ in range(3)
        ]
        head = HEAD.replace(b"/v1/traces", b"/echo") + b"Content-Length: 2\r\n\r\n"
        for connection in busy:
            connection.sendall(head + b"x")
        time.sleep(0.3)
        late = stack.enter_context(socket.create_connection(address))
        assert is_closed(late)
        for connection in busy:
            connection.sendall(b"y")
            assert receive(connection, b"\r\n\r\n2")
        assert guard.closed == {"too many connections": 1}


def test_large_bodies_do_not_take_the_memory_of_small_ones():
    """Four that stall hold three quarters at most; a small one still finds room."""
    limiter = BodyLimiter(max_body_bytes=4 << 20, max_held_bytes=8 << 20)
    with limiter.reserve() as first, limiter.reserve() as second:
        assert first._reserve(3 << 20) is None
        assert second._reserve((3 << 20) - 1) is None
        with limiter.reserve() as third:
            assert isinstance(third._reserve(2 << 20), BusyError)
        with limiter.reserve() as small:
            assert small._reserve(1 << 20) is None


def test_the_bounds_fit_the_descriptors(monkeypatch):
    """A process with few descriptors keeps some for its other work."""
    for soft, expected in ((1024, 512), (256, 64), (100, 16), (-1, 512)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert fit_limits().connections == expected


@pytest.mark.slow
def test_a_thousand_silent_connections_do_not_keep_a_sender_out(fake):
    """A sender with the token is served at once, and few lines are logged.

    Nothing is waited for: the limits of the silent ones are longer than its own. The
    gateway may have fewer descriptors than there are connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < 1_400:
        pytest.skip("this process may not open a thousand connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        stack = ExitStack()
        running = stack.enter_context(
            running_gateway(fake, INFINIUM_OTEL_GATEWAY_TOKEN=TOKEN)
        )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_400), hard))
    try:
        with stack:
            host, _, port = running.url.removeprefix("http://").partition(":")
            for _ in range(1_000):
                stack.enter_context(socket.create_connection((host, int(port))))
            answer = httpx.post(
                running.url + "/v1/traces",
                content=json.dumps(traces(agent_span(1))),
                headers={
                    "content-type": "application/json",
                    "authorization": f"Bearer {TOKEN}",
                },
            )
            assert answer.is_success
            assert fake.wait_for_tasks(1, 40)
            running.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert running.stderr.splitlines() == [
        "infinium-otel: closed a connection: too many connections; further ones are "
        "only counted"
    ]


# -- log lines -------------------------------------------------------------------------


def make_record(text, *arguments):
    return logging.LogRecord("x", logging.WARNING, "", 0, text, arguments, None)


def test_a_repeated_line_is_logged_once_a_minute():
    """The next one contains how many there were."""
    now_s = 0.0
    repeats = RepeatFilter(lambda: now_s)
    assert repeats.filter(make_record("a %s", 1))
    assert not any(repeats.filter(make_record("a %s", n)) for n in range(9))
    assert repeats.filter(make_record("b"))
    now_s = 61.0
    record = make_record("a %s", 5)
    assert repeats.filter(record)
    assert record.getMessage() == "a 5 (and 9 more like it)"


def test_the_memory_of_lines_is_bounded():
    """Lines may have no kind in common."""
    repeats = RepeatFilter()
    assert all(repeats.filter(make_record(f"line {n}")) for n in range(1_000))
    assert len(repeats._seen) <= 100


def test_malformed_requests_are_logged_once(caplog):
    """Whoever can connect must not be able to fill the disk."""
    logging.getLogger("uvicorn.error").filters.clear()
    with serving() as (address, _):
        for _ in range(50):
            with socket.create_connection(address) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                assert is_closed(connection)
    lines = [each for each in caplog.records if "Invalid HTTP" in each.getMessage()]
    assert len(lines) <= 1
