"""Fixtures of the programs with workers."""

from __future__ import annotations

import shutil
import socket
import subprocess

import pytest

from support.workers import Programs, wait_for_port


@pytest.fixture
def programs(fake, tmp_path):
    """See `Programs`."""
    return Programs(fake, tmp_path)


@pytest.fixture
def redis_port(tmp_path):
    """A real Redis on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = shutil.which("redis-server")
    assert server, "redis-server is not installed; .ci/run installs it"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir"]
    with subprocess.Popen(
        [server, *options, str(tmp_path)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_for_port(port)
            yield port
        finally:
            process.terminate()
