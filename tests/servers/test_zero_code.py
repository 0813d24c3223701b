"""Servers under `opentelemetry-instrument`, as the how-to on zero code shows.

Run by `tox run -e servers`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.servers import RUNS, check_arrival, wait_until

FULL = pytest.mark.full
SCRIPTS = Path(sys.executable).parent
ENVIRON = {
    "OTEL_TRACES_EXPORTER": "infinium",
    "OTEL_LOGS_EXPORTER": "infinium",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "REGISTER": "none",
}
WORKERS = ("--workers", "2")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")
UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")
PATIENT = ("--timeout-worker-healthcheck", "60")
HYPERCORN = ("hypercorn", "--bind", "127.0.0.1:{port}")


def launch(serve, *command, **environ):
    path = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")])
    launcher = str(SCRIPTS / "opentelemetry-instrument")
    return serve(launcher, *command, python=(), PATH=path, **{**ENVIRON, **environ})


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((*GUNICORN, *WORKERS, "wsgi_app:app"), id="gunicorn"),
        pytest.param(
            (*GUNICORN, *WORKERS, "--preload", "wsgi_app:app"),
            id="gunicorn-preload",
            marks=FULL,
        ),
        pytest.param((*HYPERCORN, "--workers", "0", "asgi_app:app"), id="hypercorn"),
    ],
)
def test_every_run_arrives(fake, serve, command):
    """Where workers run their exit hooks, nothing else is needed."""
    with launch(serve, *command) as server:
        server.send(RUNS)
        server.stop()
    check_arrival(server, fake)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((*UVICORN, "asgi_app:app"), id="uvicorn"),
        pytest.param(
            (*UVICORN, *WORKERS, *PATIENT, "asgi_app:app"),
            id="uvicorn-workers",
            marks=FULL,
        ),
        pytest.param(
            (*HYPERCORN, *WORKERS, "asgi_app:app"), id="hypercorn-workers", marks=FULL
        ),
    ],
)
def test_processes_ended_by_the_signal(fake, serve, command):
    """They record and send as well, in processes started anew too.

    open-telemetry/opentelemetry-python-contrib#385,
    open-telemetry/opentelemetry-python#4110, open-telemetry/opentelemetry-python#4927
    """
    with launch(serve, *command) as server:
        server.send(RUNS)
        # A batch that the SDK has not handed over when the signal comes is lost.
        wait_until(lambda: len(fake.tasks) == RUNS, lambda: server.output)
        server.stop()
    check_arrival(server, fake)
