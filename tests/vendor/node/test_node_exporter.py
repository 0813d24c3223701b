"""OpenTelemetry's exporters for Node deliver to the gateway."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infinium_otel.testing import FakeInfinium
from support.gateway import running_gateway

HERE = Path(__file__).parent
NODE, NPM = shutil.which("node"), shutil.which("npm")

pytestmark = pytest.mark.skipif(
    not (NODE and NPM), reason="node and npm are not installed"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program beside its packages, installed from the registry."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "run.js"):
        shutil.copy(HERE / name, folder)
    command = [NPM, "install", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    return folder / "run.js"


@pytest.mark.parametrize("encoding", ["http", "proto"], ids=["json", "protobuf"])
@pytest.mark.parametrize(
    ("compression", "variable", "path"),
    [
        ("none", "OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ("gzip", "OTEL_EXPORTER_OTLP_ENDPOINT", "/"),
        # open-telemetry/opentelemetry-js#3269
        ("none", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces/"),
    ],
    ids=["none", "gzip", "slash"],
)
def test_a_run_in_node_becomes_a_task(program, encoding, compression, variable, path):
    """JSON and protobuf, plain and gzip: one run of three spans arrives as one task."""
    with FakeInfinium() as fake, running_gateway(fake) as gateway:
        environ = os.environ | {
            variable: gateway.url + path,
            "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
        }
        done = subprocess.run(
            [NODE, program, encoding],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert gateway.stop() == 0
        (task,) = fake.tasks
        (key,) = fake.keys
    assert key.startswith(done.stdout.strip())
    assert task["name"] == "Weather"
    # Node's clock has milliseconds: spans within one have no defined order
    assert {step["action"] for step in task["steps"]} == {"llm_inference", "tool_use"}
    assert task["llm_usage"]["total_tokens"] == 130
    assert task["errors"][0]["message"] == "no such city"
