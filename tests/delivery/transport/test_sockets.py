"""The transports: one request, one response, one deadline; nothing raises."""

from __future__ import annotations

import _socket
import asyncio
import contextlib
import gc
import os
import select
import socket
import subprocess
import sys
import threading
import time

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery.protocol import Request, Send, TransportFailure
from infinium_otel.delivery.transport import network
from infinium_otel.delivery.transport.network import find_proxy, make_tls_context
from infinium_otel.delivery.transport.proxies import AsyncTransport, ProxyTransport
from infinium_otel.delivery.transport.sockets import SocketTransport, make_transport
from infinium_otel.testing import FakeInfinium, Fault
from support.loopback import CERTIFICATE, closed_port, server_context, serving


class Awaited:
    """The asyncio transport as a blocking one, in its own event loop."""

    def __init__(self, base_url, **settings):
        self.loop = asyncio.new_event_loop()
        self.transport = AsyncTransport(base_url, **settings)

    def perform(self, send):
        return self.loop.run_until_complete(self.transport.perform(send))

    def close(self):
        self.loop.run_until_complete(self.transport.aclose())
        self.loop.run_until_complete(self.transport.aclose())
        self.loop.close()


@pytest.fixture(params=[SocketTransport, Awaited], ids=["sockets", "asyncio"])
def kind(request):
    return request.param


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def post(url, timeout_s=5.0, body=b"{}"):
    return Send(Request("POST", url, (("User-Agent", "t"),), body), timeout_s)


def get(url, timeout_s=5.0):
    return Send(Request("GET", url, (("User-Agent", "t"),)), timeout_s)


def once(kind, send, **settings):
    transport = kind(send.request.url, **settings)
    try:
        return transport.perform(send)
    finally:
        transport.close()


def test_one_connection_serves_many_requests(kind):
    """A connection is kept and reused."""
    seen = []

    def talk(connection):
        seen.append(connection.fileno())
        for _ in range(3):
            received = b""
            while not received.endswith(b"{}"):
                received += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with serving(talk) as address:
        transport = kind(address)
        replies = [transport.perform(post(f"{address}/x")) for _ in range(3)]
        transport.close()
    assert [reply.body for reply in replies] == [b"ok"] * 3
    assert len(seen) == 1


def test_a_connection_the_server_ended_is_not_used(kind, fake):
    """The first request after a restart of the server works."""
    transport = kind(fake.base_url)
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    fake.close()
    fake.start()
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    transport.close()


def test_a_dropped_transport_closes_its_connections(fake):
    """One that nobody closed costs its host no warning about an open socket."""
    transport = SocketTransport(fake.base_url)
    transport.perform(get(f"{fake.base_url}/x"))
    (connection, *_), *_ = transport._idle
    del transport
    gc.collect()
    assert connection.fileno() == -1


def test_closing_during_a_request():
    """A connection that is in use while the transport is closed is closed afterwards."""

    def talk(connection):
        connection.recv(65536)
        transport.close()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert connection.recv(1) == b""

    with serving(talk) as address:
        transport = SocketTransport(address)
        assert transport.perform(get(f"{address}/x")).body == b"ok"
    assert transport._idle == []


def test_an_old_connection_is_not_trusted(fake):
    """A connection that was idle for long is not reused."""
    now = [0.0]
    transport = SocketTransport(fake.base_url, clock=lambda: now[0])
    transport.perform(get(f"{fake.base_url}/x"))
    (first, *_), *_ = transport._idle
    now[0] = 16.0
    transport.perform(get(f"{fake.base_url}/x"))
    assert first.fileno() == -1
    transport.close()


def test_connection_close(kind):
    """`Connection: close` ends a connection; a body may end with it."""

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")

    with serving(talk) as address:
        transport = kind(address)
        assert transport.perform(get(f"{address}/x")).body == b"all of it"
        assert transport.perform(get(f"{address}/x")).body == b"all of it"
        transport.close()


def test_chunked_responses(kind):
    """A chunked body is reassembled."""

    def talk(connection):
        connection.recv(65536)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")

    with serving(talk) as address:
        assert once(kind, get(f"{address}/x")).body == b"abc"


def test_headers_are_lower_case(kind, fake):
    """Header names are lower-case."""
    fake.script(Fault(503, {"Retry-After": "3"}))
    assert once(kind, get(f"{fake.base_url}/x")).headers["retry-after"] == "3"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(kind, fake, status):
    """A redirect is a response; the key is never sent elsewhere."""
    fake.script(Fault(status, {"Location": f"{fake.base_url}/elsewhere"}))
    assert once(kind, post(f"{fake.base_url}/x")).status == status
    assert len(fake.requests) == 1


def test_a_refused_connection(kind):
    """The error contains no more than the address."""
    response = once(kind, post(f"http://127.0.0.1:{closed_port()}/x"))
    assert response.reason == "connect"
    assert "cannot reach" in response.detail


def test_no_such_host(kind):
    """A name that does not resolve is an unreachable server."""
    assert once(kind, post("http://no-such-host.invalid/x")).reason == "connect"


def no_thread(*_, **__):
    raise RuntimeError("can't create new thread at interpreter shutdown")


def test_no_thread_to_resolve_names_in(fake, monkeypatch):
    """As gevent at exit: the name is resolved here, and every address is tried.

    open-telemetry/opentelemetry-python#4752
    """
    monkeypatch.setattr(socket, "create_connection", no_thread)
    url = fake.base_url.replace("127.0.0.1", "localhost")
    transport = SocketTransport(url)
    assert transport.perform(get(url + "/none")).status == 404
    transport.close()
    url = f"http://127.0.0.1:{closed_port()}"
    failure = SocketTransport(url).perform(get(url + "/"))
    assert isinstance(failure, TransportFailure)


def test_no_thread_at_all(fake, monkeypatch):
    """An error of the interpreter's end is a failure like any other."""
    monkeypatch.setattr(socket, "create_connection", no_thread)
    monkeypatch.setattr(_socket, "getaddrinfo", no_thread)
    response = once(SocketTransport, post(f"{fake.base_url}/x"))
    assert response.reason == "connect"
    assert "can't create new thread" in response.detail


def test_no_response_in_time(kind, fake):
    """The deadline ends the wait for a response."""
    fake.always(Fault(breaks="hang"))
    response = once(kind, post(f"{fake.base_url}/x", timeout_s=0.1))
    assert response == TransportFailure(
        "timeout", "no response within 0.1 seconds", 0.1
    )


def test_a_slow_response(kind):
    """The deadline covers everything from connecting to the end of the response."""
    stop = threading.Event()

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.02):
            connection.sendall(b"X-More: 1\r\n")

    with serving(talk) as address:
        response = once(kind, get(f"{address}/x", timeout_s=0.2))
        stop.set()
    assert response.reason == "timeout"


def test_no_time_at_all():
    """A deadline in the past is a timeout, without a connection."""
    assert once(SocketTransport, post("http://127.0.0.1:1/x", 0.0)).reason == "timeout"


def test_a_slow_connection():
    """Connecting counts too."""

    class Timed(SocketTransport):
        def _remaining(self, deadline):
            raise TimeoutError

    assert once(Timed, post("http://127.0.0.1:1/x")).reason == "timeout"


@pytest.mark.parametrize("breaks", ["before", "during", "after", "close"])
def test_a_broken_connection(kind, fake, breaks):
    """Any broken exchange is "broken": the server may have received the request."""
    fake.script(Fault(breaks=breaks))
    body = b"x" * 200_000
    assert once(kind, post(f"{fake.base_url}/x", body=body)).reason == "broken"


def test_garbage(kind, fake):
    """A response that is not HTTP is "broken"."""
    fake.script(Fault(breaks="raw", body=b"\0\0\0\r\n\r\n"))
    assert once(kind, post(f"{fake.base_url}/x")).reason == "broken"


CUT_SHORT = [
    pytest.param(b"Content-Length: 9\r\n\r\nab", id="length"),
    pytest.param(b"Transfer-Encoding: chunked\r\n\r\n9\r\nab", id="chunked"),
]


@pytest.mark.parametrize("rest", CUT_SHORT)
def test_half_a_response(kind, rest):
    """After a POST the status decides; after a GET the body is needed."""

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 201 Created\r\n" + rest)

    with serving(talk) as address:
        assert once(kind, post(f"{address}/x")).status == 201
        assert once(kind, get(f"{address}/x")).reason == "broken"


def test_an_untrusted_certificate(kind):
    """Nothing is sent to a server with an untrusted certificate."""
    with FakeInfinium(ssl_context=server_context()) as fake:
        response = once(kind, post(f"{fake.base_url}/x"))
        assert response.reason == "tls"
        assert fake.requests == []


def test_a_certificate_can_be_trusted(kind, monkeypatch):
    """`SSL_CERT_FILE` sets the trusted certificates; `verify_ssl` off trusts all."""
    with FakeInfinium(ssl_context=server_context()) as fake:
        send = get(f"{fake.base_url}/x")
        assert once(kind, send, verify_ssl=False).status == 404
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert once(kind, send).status == 404


def test_a_second_secure_connection(kind):
    """Certificates are read once for all connections."""
    with FakeInfinium(ssl_context=server_context()) as fake:
        transport = kind(fake.base_url, verify_ssl=False)
        assert transport.perform(get(f"{fake.base_url}/x")).status == 404
        fake.close()
        fake.start()
        assert transport.perform(get(f"{fake.base_url}/x")).status == 404
        transport.close()


def test_https_to_an_http_server(kind, fake):
    """No fallback to plain HTTP."""
    url = fake.base_url.replace("http:", "https:")
    assert once(kind, post(f"{url}/x")).reason == "tls"
    assert fake.requests == []


def test_certificates_come_from_certifi_too(monkeypatch):
    """Without `SSL_CERT_FILE` the certificates of certifi are trusted."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert make_tls_context(verify=True).cert_store_stats()["x509_ca"] > 50


def test_a_fork_leaves_connections_to_the_parent(fake):
    """After a fork the child opens its own connections."""
    transport = SocketTransport(fake.base_url)
    transport.perform(get(f"{fake.base_url}/x"))
    transport.after_fork_in_child()
    assert transport._idle == []
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    transport.close()


def test_a_fork_without_a_hook(fake):
    """A child without a fork hook opens its own connection too."""
    transport = SocketTransport(fake.base_url)
    transport.perform(get(f"{fake.base_url}/x"))
    pid = os.fork()
    if pid == 0:
        before = transport._idle[0][0].getsockname()
        transport.perform(get(f"{fake.base_url}/x"))
        os._exit(transport._idle[0][0].getsockname() == before)
    assert os.waitpid(pid, 0)[1] == 0
    transport._process = 0
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    transport.close()


def test_without_poll(fake, monkeypatch):
    """On systems without `poll`, such as Windows, `select` is used."""
    monkeypatch.delattr(select, "poll")
    transport = SocketTransport(fake.base_url)
    for _ in range(2):
        assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    transport.close()


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        pytest.param({}, "https://a.example/v1", None, id="none"),
        pytest.param({"HTTPS_PROXY": PROXY}, "https://a.example/v1", PROXY, id="https"),
        pytest.param({"HTTPS_PROXY": PROXY}, "http://a.example/v1", None, id="other"),
        pytest.param({"all_proxy": PROXY}, "http://a.example/v1", PROXY, id="all"),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.example"},
            "https://a.example/v1",
            None,
            id="no-proxy",
        ),
        pytest.param({"HTTP_PROXY": PROXY}, "http://127.0.0.1:1/", None, id="loopback"),
    ],
)
def test_proxies_of_the_environment(monkeypatch, environ, url, proxy):
    """The usual variables set a proxy; loopback never uses one."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(url) == proxy
    transport = make_transport(Config(base_url=url))
    assert isinstance(transport, ProxyTransport if proxy else SocketTransport)
    transport.close()


def test_through_a_proxy(fake):
    """A request through a proxy has the full URL."""
    transport = ProxyTransport(fake.base_url.removesuffix("/api/v1"))
    assert transport.perform(post("http://infinium.invalid/v1/x")).status == 404
    fake.script(Fault(breaks="close"), Fault(201, breaks="truncate"))
    assert transport.perform(post("http://infinium.invalid/v1/x")).reason == "broken"
    assert transport.perform(post("http://infinium.invalid/v1/x")).status == 201
    fake.script(Fault(breaks="hang"))
    send = get("http://infinium.invalid/v1/x", timeout_s=0.1)
    assert transport.perform(send).reason == "timeout"
    transport.after_fork_in_child()
    assert transport.perform(post("http://infinium.invalid/v1/x")).status == 404
    transport.close()
    assert fake.requests[0].path == "http://infinium.invalid/v1/x"


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        ("proxy.corp:3128", "http://proxy.corp:3128"),
        (" user:word@proxy.corp:3128 ", "http://user:word@proxy.corp:3128"),
        ("ftp://proxy.corp", None),
        ("socks5://proxy.corp:1080", None),
        ("http://proxy.corp:port", None),
        ("http://", None),
        ("http://[::1", None),
        ("http://a b", None),
    ],
)
def test_unusual_proxies(monkeypatch, caplog, value, proxy):
    """Without a scheme it is http; what cannot be used is logged once, without itself."""
    monkeypatch.setattr(network, "_warned", set())
    monkeypatch.setattr(network, "find_spec", lambda _: None)
    monkeypatch.setenv("HTTPS_PROXY", value)
    for _ in range(2):
        assert find_proxy("https://a.example/v1") == proxy
        make_transport(Config(base_url="https://a.example/v1")).close()
        AsyncTransport("https://a.example/v1")
    assert len(caplog.records) == (proxy is None)
    assert "proxy.corp" not in caplog.text


@pytest.mark.parametrize("make_request", [get, post])
@pytest.mark.parametrize("kind", [ProxyTransport, Awaited], ids=["proxy", "asyncio"])
@pytest.mark.parametrize("pause_s", [0, 0.1], ids=["fast", "slow"])
@pytest.mark.timeout(600)  # without a limit the slow one goes on for a day
def test_an_endless_response(kind, make_request, pause_s):
    """What is read of a response is limited, and so is the time."""
    sent = []

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 201 Created\r\n\r\n")
        with contextlib.suppress(OSError):
            while sum(sent) < 100_000_000:
                sent.append(connection.send(b"x" * (100 if pause_s else 65536)))
                time.sleep(pause_s)

    with serving(talk) as url:
        result = once(kind, make_request(url, timeout_s=2.0 if pause_s else 20.0))
    if make_request is post and (kind is ProxyTransport or not pause_s):
        assert result.status == 201
    else:
        assert isinstance(result, TransportFailure)
    assert sum(sent) < 50_000_000


def test_an_unreachable_proxy():
    """An unreachable proxy is an unreachable server."""
    transport = ProxyTransport(f"http://127.0.0.1:{closed_port()}")
    assert transport.perform(post("http://infinium.invalid/v1/x")).reason == "connect"
    transport.close()


def test_connecting_imports_nothing():
    """Connecting imports no module, as a fork could leave its import lock behind."""
    program = (
        "import sys; from infinium_otel.delivery.transport import sockets; "
        "print('encodings.idna' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
