"""uWSGI, which forks in C, where no hook of Python runs: every run arrives.

Run by `tox run -e servers`. open-telemetry/opentelemetry-python#2266
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from infinium_otel.delivery.storage.spool import count_tasks
from infinium_otel.testing import FakeInfinium
from support.programs import WAIT_S, processing, run_agent
from support.servers import RUNS, check_arrival, check_silence

pytest.importorskip("pyuwsgi")

FULL = pytest.mark.full
THREADS, LAZY = "--enable-threads", "--lazy-apps"


def uwsgi(serve, *options, app="wsgi_app:app", **environ):
    return serve(
        *("--http-socket", "127.0.0.1:{port}", "--master", "--processes", "2"),
        *("--die-on-term", "--need-app", "--module", app, *options),
        python=(str(Path(sys.executable).with_name("uwsgi")),),
        **environ,
    )


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((THREADS,), id="threads"),
        pytest.param((), id="no-threads"),
        pytest.param((THREADS, LAZY), id="lazy", marks=FULL),
        pytest.param((LAZY,), id="lazy-no-threads", marks=FULL),
        # open-telemetry/opentelemetry-python#3640: it hung at the ninth request
        pytest.param(("--threads", "2"), id="threaded"),
        pytest.param((THREADS, "--py-call-osafterfork"), id="hooks", marks=FULL),
    ],
)
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_every_run_arrives(fake, serve, options, stop):
    """Runs arrive from every worker, however it is set up and stopped."""
    with uwsgi(serve, *options) as server:
        server.send(RUNS)
        assert server.stop(stop) == 0
    check_arrival(server, fake)


def test_a_spool_that_exists(fake, serve, tmp_path):
    """The master starts no thread for it: a worker would lack it, and wait for ever."""
    spool = str(tmp_path / "spool" / "s.db")
    with FakeInfinium() as down:
        down.always(503)
        with processing(down, spool=spool) as (_, provider, tracer):
            run_agent(tracer, "earlier")
            provider.force_flush(5_000)
    assert count_tasks(spool)[0] == 1
    with uwsgi(serve, THREADS, INFINIUM_OTEL_SPOOL=spool) as server:
        server.send(RUNS)
        assert fake.wait_for_tasks(RUNS + 1, WAIT_S)
        assert server.stop() == 0
    check_silence(server)
    assert len(set(fake.keys)) == RUNS + 1
