"""How much later do requests get their response with us, under gevent?

    python tests/servers/measure_gevent.py [ROUNDS]

Starts gunicorn with four gevent workers, twice without `register()` and once with it in
turn, keeps 200 requests in flight, each of which makes a run and sleeps for two seconds, and
prints the quantiles and their differences: of all requests, and of those behind the first
200, because with the first run of a worker a connection is opened. How far two servers
without us differ shows how far the other difference can be trusted.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.servers import serving

IN_FLIGHT, REQUESTS = 200, 1_000
FAKE = """
import time
from infinium_otel.testing import FakeInfinium
with FakeInfinium() as fake:
    print(fake.base_url, fake.agent_id, fake.agent_secret, flush=True)
    time.sleep(600)
"""
COMMAND = (
    *("gunicorn", "-k", "gevent", "-w", "4", "--no-control-socket"),
    *("--bind", "127.0.0.1:{port}", "--backlog", "512", "wsgi_app:app"),
)


def time_requests(url: str) -> list[float]:
    """Send `REQUESTS`, `IN_FLIGHT` at a time: the milliseconds of each, in order."""

    def send(number: int) -> float:
        began = time.perf_counter()
        query = f"name=run-{number}&sleep=2"
        with urllib.request.urlopen(f"{url}/run?{query}", timeout=120) as reply:
            assert reply.status == 200
        return (time.perf_counter() - began) * 1_000

    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        return list(threads.map(send, range(REQUESTS)))


@contextmanager
def faking():
    """Infinium in a process of its own, so that it takes no time from the requests."""
    command = [sys.executable, "-c", FAKE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        url, agent_id, secret = child.stdout.readline().split()
        try:
            yield SimpleNamespace(base_url=url, agent_id=agent_id, agent_secret=secret)
        finally:
            child.kill()


def measure(register: str) -> list[float]:
    """The requests to one server, which is started and stopped."""
    with tempfile.TemporaryDirectory() as folder, faking() as fake:
        environ = {"REGISTER": register}
        with serving(fake, Path(folder), *COMMAND, **environ) as server:
            took = time_requests(server.url)
            server.stop()
    return took


def main() -> None:
    """Print the figures of each round."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for _ in range(rounds):
        without, again, with_us = measure("none"), measure("none"), measure("import")
        for other, found in (("without", again), ("with", with_us)):
            show("all", other, without, found)
            show("later", other, without[IN_FLIGHT:], found[IN_FLIGHT:])


def show(which: str, other: str, without: list[float], found: list[float]) -> None:
    """Print the quantiles of the same requests without us and in the *other* server."""
    for name, share in (("median", 0.5), ("p99", 0.99), ("slowest", 1.0)):
        place = min(len(without) - 1, int(len(without) * share))
        before, after = sorted(without)[place], sorted(found)[place]
        print(
            f"{which:>5} {name:>8}: without {before:7.1f} ms, {other:>7} {after:7.1f} ms, "
            f"difference {after - before:+7.1f} ms"
        )


if __name__ == "__main__":
    main()
