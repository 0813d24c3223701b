"""uvicorn and hypercorn: every run arrives, by the documented ways to stop them.

Run by `tox run -e servers`. Without the lifespan recipe or `flush_on_sigterm`, a process
that SIGTERM ends delivers what is delivered before the signal, and no more.
"""

from __future__ import annotations

import signal

import pytest

from support.servers import RUNS, check_arrival, wait_until

FULL = pytest.mark.full
WORKERS = ("--workers", "2", "--timeout-worker-healthcheck", "60")
LIFESPAN, HANDLER = {"LIFESPAN": "flush"}, {"SIGTERM": "flush"}


def uvicorn(serve, *options, app="asgi_app:app", **environ):
    address = ("--host", "127.0.0.1", "--port", "{port}")
    return serve("uvicorn", *address, *options, app, **environ)


@pytest.mark.parametrize("recipe", [LIFESPAN, HANDLER], ids=["lifespan", "handler"])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="plain"),
        pytest.param(WORKERS, id="workers"),
        pytest.param(("--reload",), id="reload"),
    ],
)
@pytest.mark.parametrize(
    "stop",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=FULL)],
    ids=lambda number: signal.Signals(number).name,
)
def test_every_run_arrives(fake, serve, options, recipe, stop):
    """With either recipe nothing is lost, in any mode."""
    with uvicorn(serve, *options, **recipe) as server:
        server.send(RUNS)
        code = server.stop(stop)
    check_arrival(server, fake)
    assert code == (0 if options else -stop), server.output


def test_without_a_recipe(fake, serve, tmp_path):
    """What SIGTERM cuts off is in the spool, if there is one: the next start sends it."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "runs.db")}
    fake.always(503)
    with uvicorn(serve, **spool) as server:
        server.send(RUNS)
        assert server.stop() == -signal.SIGTERM
    fake.always(None)
    with uvicorn(serve, **spool) as another:
        wait_until(lambda: len(fake.tasks) >= len(server.sent), lambda: another.output)
        another.stop()
    check_arrival(server, fake)


def test_reloading(fake, serve, tmp_path):
    """A change of the source replaces the process; the one that ends delivers."""
    source = tmp_path / "reloaded_app.py"
    source.write_text("from asgi_app import app\n")
    options = ("--reload", "--reload-dir", str(tmp_path), "--reload-delay", "0.1")
    with uvicorn(serve, *options, app="reloaded_app:app", **LIFESPAN) as server:
        server.send(RUNS)
        source.write_text("from asgi_app import app\n\n")
        server.wait_for_output("Application startup complete", 2)
        server.wait_until_ready()
        server.send(RUNS)
        server.stop()
    check_arrival(server, fake)
