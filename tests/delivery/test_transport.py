"""The ways to the network: one request, one answer, one deadline; nothing raises."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import threading

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery import network
from infinium_otel.delivery.httpx_transport import AsyncTransport, ProxyTransport
from infinium_otel.delivery.network import proxy_of, tls_context, untraced
from infinium_otel.delivery.transport import SocketTransport, transport_for
from infinium_otel.protocol import NoReply, Request, Send
from infinium_otel.testing import FakeInfinium, Fault
from support.loopback import CERTIFICATE, closed_port, server_context, serving


class Awaited:
    """The asynchronous transport as a blocking one, in one loop of its own."""

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
    """A connection is kept and used again."""
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
    """After a restart of the server the first request works."""
    transport = kind(fake.base_url)
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    fake.close()
    fake.start()
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    transport.close()


def test_an_old_connection_is_not_trusted(fake):
    """A connection idle for long is opened anew."""
    now = [0.0]
    transport = SocketTransport(fake.base_url, clock=lambda: now[0])
    transport.perform(get(f"{fake.base_url}/x"))
    (first, _), *_ = transport._idle
    now[0] = 16.0
    transport.perform(get(f"{fake.base_url}/x"))
    assert first.fileno() == -1
    transport.close()


def test_a_server_that_closes_is_believed(kind):
    """`Connection: close` ends a connection; a body may end with it."""

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")

    with serving(talk) as address:
        transport = kind(address)
        assert transport.perform(get(f"{address}/x")).body == b"all of it"
        assert transport.perform(get(f"{address}/x")).body == b"all of it"
        transport.close()


def test_chunked_replies(kind):
    """A chunked body is put together."""

    def talk(connection):
        connection.recv(65536)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")

    with serving(talk) as address:
        assert once(kind, get(f"{address}/x")).body == b"abc"


def test_headers_are_lower_case(kind, fake):
    """Values are found by lower-case name."""
    fake.script(Fault(503, {"Retry-After": "3"}))
    assert once(kind, get(f"{fake.base_url}/x")).headers["retry-after"] == "3"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(kind, fake, status):
    """A redirect is an answer; the key never travels elsewhere."""
    fake.script(Fault(status, {"Location": f"{fake.base_url}/elsewhere"}))
    assert once(kind, post(f"{fake.base_url}/x")).status == status
    assert len(fake.requests) == 1


def test_nobody_listens(kind):
    """A refused connection says so and holds no more than the address."""
    answer = once(kind, post(f"http://127.0.0.1:{closed_port()}/x"))
    assert answer.reason == "connect"
    assert "cannot reach" in answer.detail


def test_no_such_host(kind):
    """A name that does not resolve is a server that cannot be reached."""
    assert once(kind, post("http://no-such-host.invalid/x")).reason == "connect"


def test_no_answer_in_time(kind, fake):
    """The deadline ends the wait for an answer."""
    fake.always(Fault(breaks="hang"))
    answer = once(kind, post(f"{fake.base_url}/x", timeout_s=0.1))
    assert answer == NoReply("timeout", "no reply within 0.1 seconds", 0.1)


def test_an_answer_by_drops(kind):
    """The deadline counts from connecting to the end, however the reply trickles."""
    stop = threading.Event()

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.02):
            connection.sendall(b"X-More: 1\r\n")

    with serving(talk) as address:
        answer = once(kind, get(f"{address}/x", timeout_s=0.2))
        stop.set()
    assert answer.reason == "timeout"


def test_no_time_at_all():
    """A deadline that is over is a timeout, without a connection."""
    assert once(SocketTransport, post("http://127.0.0.1:1/x", 0.0)).reason == "timeout"


def test_a_slow_connection():
    """Connecting counts too."""

    class Timed(SocketTransport):
        def _left(self, deadline):
            raise TimeoutError

    assert once(Timed, post("http://127.0.0.1:1/x")).reason == "timeout"


@pytest.mark.parametrize("breaks", ["before", "during", "after", "close"])
def test_a_broken_connection(kind, fake, breaks):
    """Whatever breaks is told as broken: the server may have taken the request."""
    fake.script(Fault(breaks=breaks))
    body = b"x" * 200_000
    assert once(kind, post(f"{fake.base_url}/x", body=body)).reason == "broken"


def test_garbage(kind, fake):
    """What is no HTTP is told as broken."""
    fake.script(Fault(breaks="raw", body=b"\0\0\0\r\n\r\n"))
    assert once(kind, post(f"{fake.base_url}/x")).reason == "broken"


CUT_SHORT = [
    pytest.param(b"Content-Length: 9\r\n\r\nab", id="length"),
    pytest.param(b"Transfer-Encoding: chunked\r\n\r\n9\r\nab", id="chunked"),
]


@pytest.mark.parametrize("rest", CUT_SHORT)
def test_half_a_reply(kind, rest):
    """After a POST the status decides; of a GET the body is what was asked for."""

    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 201 Created\r\n" + rest)

    with serving(talk) as address:
        assert once(kind, post(f"{address}/x")).status == 201
        assert once(kind, get(f"{address}/x")).reason == "broken"


def test_a_certificate_nobody_signed(kind):
    """A server that is not who it should be gets nothing, and TLS is named."""
    with FakeInfinium(ssl_context=server_context()) as fake:
        answer = once(kind, post(f"{fake.base_url}/x"))
        assert answer.reason == "tls"
        assert fake.requests == []


def test_a_certificate_can_be_trusted(kind, monkeypatch):
    """`SSL_CERT_FILE` names whom to trust; `verify_ssl` off trusts everybody."""
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


def test_https_to_a_server_that_speaks_http(kind, fake):
    """No fallback to plain HTTP."""
    url = fake.base_url.replace("http:", "https:")
    assert once(kind, post(f"{url}/x")).reason == "tls"
    assert fake.requests == []


def test_certificates_come_from_certifi_too(monkeypatch):
    """Without `SSL_CERT_FILE` the certificates of certifi are trusted."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert tls_context(verify=True).cert_store_stats()["x509_ca"] > 50


def test_a_fork_leaves_connections_to_the_parent(fake):
    """After a fork the child opens connections of its own."""
    transport = SocketTransport(fake.base_url)
    transport.perform(get(f"{fake.base_url}/x"))
    transport.after_fork_in_child()
    assert transport._idle == []
    assert transport.perform(get(f"{fake.base_url}/x")).status == 404
    transport.close()


def test_a_fork_nobody_told_of(fake):
    """A child that just goes on opens a connection of its own too."""
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
    """Where there is no `poll`, as on Windows, `select` serves."""
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
    """The usual variables choose a proxy; loopback never goes through one."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy
    transport = transport_for(Config(base_url=url))
    assert isinstance(transport, ProxyTransport if proxy else SocketTransport)
    transport.close()


def test_through_a_proxy(fake):
    """A request through a proxy names the whole address."""
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


def test_a_proxy_that_is_away():
    """A proxy that cannot be reached is a server that cannot be reached."""
    transport = ProxyTransport(f"http://127.0.0.1:{closed_port()}")
    assert transport.perform(post("http://infinium.invalid/v1/x")).reason == "connect"
    transport.close()


def test_delivery_is_not_traced():
    """Every key that instrumentations look at is set, and only inside."""
    values = network.otel_context.get_value
    with untraced():
        assert all(values(key) for key in network.SUPPRESS_KEYS)
    assert not any(values(key) for key in network.SUPPRESS_KEYS)


def test_connecting_imports_nothing():
    """A thread that connects imports no module, whose lock a fork could leave behind."""
    program = (
        "import sys; from infinium_otel.delivery import transport; "
        "print('encodings.idna' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
