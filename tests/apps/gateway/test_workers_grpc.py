"""Several workers on one port of gRPC."""

from __future__ import annotations

import socket

import pytest

from infinium_otel.apps import cli
from support.gateway import running_gateway
from support.gateway_workers import whole_run
from support.otlp_requests import protobuf, traces

grpc = pytest.importorskip("grpc")
pytest.importorskip("uvicorn")

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CHANNELS = 8


@pytest.mark.slow
def test_runs_over_grpc_arrive_whole(fake):
    """Each connection goes to one worker, each run to the one that holds it."""
    spans = [span for number in range(1, 41) for span in whole_run(number)]
    with running_gateway(fake, "--workers", "2", "--grpc-port", "0") as gateway:
        address = gateway.addresses["OTLP/gRPC"]
        for first in range(CHANNELS):
            with grpc.insecure_channel(
                address, [("grpc.use_local_subchannel_pool", 1)]
            ) as channel:
                export = channel.unary_unary(METHOD)
                export(protobuf(traces(*spans[first::CHANNELS])), timeout=30)
        assert fake.wait_for_tasks(40, 60)
        assert gateway.stop() == 0, gateway.stderr
    assert len(fake.tasks) == 40
    assert {len(task["steps"]) for task in fake.tasks} == {2}


def test_a_port_in_use_is_an_error(fake, monkeypatch, capsys):
    """Not a port that two gateways share without a word.

    Reports of gRPC servers that did: grpc/grpc#16920, grpc/grpc#19773.
    """
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["--port", "0", "--workers", "2", "--grpc-port", port]
        assert cli.main(["gateway", *arguments]) == 2
    assert "another program uses that port" in capsys.readouterr().err


def test_a_system_without_shared_ports_gets_an_error(fake, monkeypatch, capsys):
    """It names what is missing, and what works instead."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    arguments = ["--port", "0", "--workers", "2", "--grpc-port", "0"]
    assert cli.main(["gateway", *arguments]) == 2
    assert "needs SO_REUSEPORT" in capsys.readouterr().err
