"""Silent connections to the port of gRPC, which its library neither counts nor closes.

Source: grpc/grpc#16058, grpc/grpc#20418: without a bound a server is out of descriptors.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from support.gateway import running_gateway
from support.otlp_requests import agent_span, protobuf, traces

grpc = pytest.importorskip("grpc")
pytest.importorskip("uvicorn")
resource = pytest.importorskip("resource")
pytest.importorskip("google.protobuf")

from infinium_otel.apps.http import descriptors  # noqa: E402

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SILENT = 1_000


@contextmanager
def limiting(arguments, fake, limit):
    """A gateway whose descriptors are limited, and a test that may open many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < 2 * SILENT:
        pytest.skip("this process may not open a thousand connections")
    launcher = ("sh", "-c", f'ulimit {limit}; exec "$@"', "sh")
    with running_gateway(fake, *arguments, launcher=launcher) as running:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * SILENT), hard))
        try:
            yield running
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def get_port(text):
    return int(re.search(r":(\d+)", text.removeprefix("http://"))[1])


def open_silent(stack, port):
    for _ in range(SILENT):
        stack.enter_context(socket.create_connection(("127.0.0.1", port)))


def export_grpc(port, number):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        message = protobuf(traces(agent_span(number)))
        return channel.unary_unary(TRACES)(message, timeout=10)


def export_http(url, number):
    headers = {"content-type": "application/json"}
    body = json.dumps(traces(agent_span(number)))
    return httpx.post(f"{url}/v1/traces", content=body, headers=headers).status_code


def test_a_thousand_silent_connections_to_each_port_keep_no_sender_out(fake):
    """The soft limit that Linux sets, 1024, is raised to what three ports need."""
    arguments = ("--grpc-port", "0", "--listen", "127.0.0.1:0")
    with (
        limiting(arguments, fake, "-S -n 1024") as running,
        ExitStack() as stack,
    ):
        grpc_port = get_port(running.addresses["OTLP/gRPC"])
        probes = get_port(running.addresses["Probes"])
        for port in (probes, get_port(running.url), grpc_port):
            open_silent(stack, port)
        assert export_grpc(grpc_port, 1) == b""
        assert export_http(running.url, 2) == 200
        assert httpx.get(f"http://127.0.0.1:{probes}/livez").is_success
        running.stop()
    assert "descriptor limit" not in running.stderr
    assert "out of system resource" not in running.stderr


def test_grpc_does_not_take_the_descriptors_of_http(fake):
    """Where no more than 512 files may be open, a part of them stays for HTTP."""
    with (
        limiting(("--grpc-port", "0"), fake, "-n 512") as running,
        ExitStack() as stack,
    ):
        open_silent(stack, get_port(running.addresses["OTLP/gRPC"]))
        assert export_http(running.url, 1) == 200
        running.stop()
    assert "descriptor limit" not in running.stderr


PREFACE, SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\4\0\0\0\0\0"


def wait_until_closed(connections):
    """Wait until the server has closed all of them; returns how many it has not."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map() and (ready := selector.select(timeout=60)):
            for key, _ in ready:
                if not read(key.fileobj):
                    selector.unregister(key.fileobj)
        return len(selector.get_map())


def read(connection):
    with suppress(ConnectionResetError):
        return connection.recv(65_536)
    return b""


def test_a_thousand_silent_connections_are_closed(fake):
    """Each has five seconds for its first settings: grpc/grpc#16058, grpc/grpc#20418."""
    with (
        limiting(("--grpc-port", "0"), fake, "-S -n 1024") as running,
        ExitStack() as stack,
    ):
        port = get_port(running.addresses["OTLP/gRPC"])
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            for _ in range(SILENT)
        ]
        for number, connection in enumerate(silent):
            connection.sendall(PREFACE[: number % (len(PREFACE) + 1)])
        assert wait_until_closed(silent) == 0
        assert export_grpc(port, 1) == b""


def test_a_connection_without_calls_is_closed(monkeypatch):
    """One that speaks HTTP/2 and then nothing is closed after `IDLE_S`."""
    receiver = pytest.importorskip("infinium_otel.apps.gateway.grpc_receiver")
    options = dict(receiver.OPTIONS)
    assert options["grpc.max_connection_idle_ms"] == receiver.IDLE_S * 1000
    options["grpc.max_connection_idle_ms"] = 500
    monkeypatch.setattr(receiver, "OPTIONS", tuple(options.items()))
    with (
        receiver.receiving("127.0.0.1", 0, lambda: None) as server,
        ExitStack() as stack,
    ):
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            for _ in range(20)
        ]
        for connection in idle:
            connection.sendall(PREFACE + SETTINGS)
        assert wait_until_closed(idle) == 0


@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        pytest.param((1024, 1 << 20), (4288, 1 << 20), id="a-higher-hard-one"),
        pytest.param((1024, 2048), (2048, 2048), id="up-to-the-hard-one"),
        pytest.param((256, -1), (4288, -1), id="no-hard-one"),
        pytest.param((8192, 8192), None, id="high-enough"),
        pytest.param((-1, -1), None, id="none"),
    ],
)
def test_the_soft_limit_is_raised(limits, raised, monkeypatch):
    """It is never lowered."""
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted))
    descriptors.raise_limit(4096)
    assert asked == ([raised] if raised else [])


def test_the_bounds_of_all_ports_fit_together(monkeypatch):
    """Whatever the limit is, the ports' connections and the reserve are no more."""
    receiver = pytest.importorskip("infinium_otel.apps.gateway.grpc_receiver")
    server = pytest.importorskip("infinium_otel.apps.gateway.server")
    probes = pytest.importorskip("infinium_otel.apps.observe.probe_server")
    parts = (
        (receiver.MAX_CONNECTIONS, receiver.DESCRIPTORS),
        (512, server.DESCRIPTORS_BESIDE_GRPC),
        (probes.MAX_CONNECTIONS, probes.DESCRIPTORS),
    )
    for soft in (320, 512, 1024, 4288, 20_000):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        total = sum(descriptors.share(*each) for each in parts)
        assert total + descriptors.RESERVED_DESCRIPTORS <= soft
    assert total == 1536 + 512 + 64
