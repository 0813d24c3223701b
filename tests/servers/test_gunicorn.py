"""gunicorn with each kind of worker: every run arrives, however it is stopped.

Run by `tox run -e servers`.
"""

from __future__ import annotations

import os
import signal

import pytest

from support.servers import (
    APPS,
    RUNS,
    check_arrival,
    check_silence,
    wait_until,
)

FULL = pytest.mark.full
STOPS = [
    signal.SIGTERM,
    pytest.param(signal.SIGINT, marks=FULL),
    pytest.param(signal.SIGQUIT, marks=FULL),
]
BOOTED = "Booting worker"
PRELOAD = ("--preload",)
POST_FORK, LATER = ("--config", str(APPS / "post_fork.py")), {"REGISTER": "post_fork"}
HANDLER = {"SIGTERM": "flush"}
SYNC, GEVENT = ("-k", "sync"), ("-k", "gevent")
GTHREAD = ("-k", "gthread", "--threads", "4")
EACH_WORKER = [
    pytest.param(SYNC, id="sync"),
    pytest.param(GTHREAD, id="gthread"),
    pytest.param(GEVENT, id="gevent"),
]


def gunicorn(serve, *options, app="wsgi_app:app", **environ):
    return serve(
        "gunicorn",
        *("--bind", "127.0.0.1:{port}", "--workers", "2", "--graceful-timeout", "10"),
        *("--no-control-socket", *options, app),
        **environ,
    )


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        pytest.param(SYNC, {}, id="sync"),
        pytest.param(GTHREAD, {}, id="gthread"),
        pytest.param(GEVENT, {}, id="gevent"),
        pytest.param((*SYNC, *PRELOAD), {}, id="sync-preload"),
        pytest.param((*GTHREAD, *PRELOAD), {}, id="gthread-preload", marks=FULL),
        pytest.param((*GEVENT, *PRELOAD), {}, id="gevent-preload"),
        pytest.param((*SYNC, *POST_FORK), LATER, id="sync-post_fork", marks=FULL),
        pytest.param((*GTHREAD, *POST_FORK), LATER, id="gthread-post_fork"),
        pytest.param((*GEVENT, *POST_FORK), LATER, id="gevent-post_fork", marks=FULL),
        pytest.param(
            (*GEVENT, *PRELOAD, *POST_FORK), LATER, id="gevent-preload-post_fork"
        ),
        pytest.param(SYNC, HANDLER, id="sync-handler", marks=FULL),
        pytest.param(GTHREAD, HANDLER, id="gthread-handler", marks=FULL),
        pytest.param(GEVENT, HANDLER, id="gevent-handler"),
    ],
)
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: signal.Signals(stop).name)
def test_every_run_arrives(fake, serve, options, environ, stop):
    """Runs arrive from every worker, and the exit code is gunicorn's own."""
    with gunicorn(serve, *options, **environ) as server:
        server.send(RUNS)
        assert server.stop(stop) == 0
    check_arrival(server, fake)


@pytest.mark.parametrize("options", EACH_WORKER)
def test_recycled_workers(fake, serve, options):
    """A worker that ends after its number of requests delivers its last runs."""
    options = (*options, "--max-requests", "8", "--max-requests-jitter", "3")
    with gunicorn(serve, *options) as server:
        server.send(RUNS)
        server.wait_for_output(BOOTED, 3)
        assert server.stop() == 0
    check_arrival(server, fake)


@pytest.mark.parametrize("options", EACH_WORKER)
def test_reloading(fake, serve, options):
    """SIGHUP replaces the workers: those that end deliver, those that start send."""
    with gunicorn(serve, *options) as server:
        server.send(RUNS)
        server.send_signal(signal.SIGHUP)
        server.wait_for_output(BOOTED, 4)
        server.wait_until_ready()
        server.send(RUNS)
        assert server.stop() == 0
    check_arrival(server, fake)


def test_its_asgi_worker(fake, serve):
    """Gunicorn's own ASGI worker ends in an orderly way: nothing is needed."""
    with gunicorn(serve, "-k", "asgi", app="asgi_app:app") as server:
        server.send(RUNS)
        assert server.stop() == 0
    check_arrival(server, fake)


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({"LIFESPAN": "flush"}, id="lifespan"),
        pytest.param({"SIGTERM": "flush"}, id="handler"),
    ],
)
def test_the_worker_of_uvicorn(fake, serve, recipe):
    """Uvicorn's worker ends by the signal, as uvicorn does, and needs its recipes."""
    worker = ("-k", "uvicorn_worker.UvicornWorker")
    with gunicorn(serve, *worker, app="asgi_app:app", **recipe) as server:
        server.send(RUNS)
        assert server.stop() == 0
    check_arrival(server, fake)


@pytest.mark.parametrize("options", EACH_WORKER)
def test_an_endpoint_that_is_gone(fake, serve, options):
    """It holds up no request and no stop; what is lost is logged."""
    fake.close()
    with gunicorn(serve, *options) as server:
        server.send(8)
        assert server.stop() == 0
    check_silence(server)
    assert "Tasks not delivered before shutdown, and lost" in server.output


@pytest.mark.parametrize("options", EACH_WORKER)
def test_a_worker_that_is_killed(fake, serve, tmp_path, options):
    """With a spool, SIGKILL loses nothing: the next worker sends what it had."""
    spool = str(tmp_path / "runs.db")
    with gunicorn(serve, *options, INFINIUM_OTEL_SPOOL=spool) as server:
        server.send(16)
        for pid in server.workers:
            os.kill(pid, signal.SIGKILL)
        server.wait_for_output(BOOTED, 2 + len(server.workers))
        wait_until(lambda: len(fake.tasks) == len(server.sent))
        assert server.stop() == 0
    check_arrival(server, fake)


def test_two_hundred_requests_in_flight(fake, serve):
    """Four gevent workers respond to all of them; `measure_gevent.py` prints how fast."""
    with gunicorn(serve, *GEVENT, "--workers", "4", "--backlog", "512") as server:
        server.send(400, at_once=200)
        assert server.stop() == 0
    check_arrival(server, fake)
