"""hypercorn and waitress: every run arrives, by the documented ways to stop them.

Run by `tox run -e servers`.
"""

from __future__ import annotations

import signal

import pytest

from support.servers import RUNS, check_arrival

FULL = pytest.mark.full


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        pytest.param(("--workers", "0"), {}, id="plain"),
        pytest.param(("--workers", "2"), {"SIGTERM": "flush"}, id="workers"),
        pytest.param(("--reload",), {"SIGTERM": "flush"}, id="reload", marks=FULL),
        pytest.param(
            ("--workers", "0", "--worker-class", "trio"), {}, id="trio", marks=FULL
        ),
    ],
)
@pytest.mark.parametrize(
    "stop",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=FULL)],
    ids=lambda number: signal.Signals(number).name,
)
def test_hypercorn(fake, serve, options, recipe, stop):
    """A single process needs nothing; of several, the first to end has the rest killed."""
    address = ("--bind", "127.0.0.1:{port}")
    with serve("hypercorn", *address, *options, "asgi_app:app", **recipe) as server:
        server.send(RUNS)
        assert server.stop(stop) == 0
    check_arrival(server, fake)


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        pytest.param(signal.SIGTERM, -signal.SIGTERM, id="SIGTERM"),
        pytest.param(signal.SIGINT, 0, id="SIGINT"),
    ],
)
def test_waitress(fake, serve, stop, code):
    """SIGTERM ends it like any program, so `flush_on_sigterm` is what it needs."""
    address = ("--listen", "127.0.0.1:{port}")
    with serve("waitress", *address, "wsgi_app:app", SIGTERM="flush") as server:
        server.send(RUNS)
        assert server.stop(stop) == code
    check_arrival(server, fake)
