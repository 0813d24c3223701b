"""The local server on loopback, in a thread of the test's own process."""

from __future__ import annotations

import argparse
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from infinium_otel.apps.http.bind import listen
from support.runs import AGENT_ID

NO_REUSE = httpx.Limits(max_keepalive_connections=0)
"""Each request has a connection of its own: the server may be closing an idle one."""
HEADERS = {"x-agent-id": AGENT_ID, "x-agent-key": "a-secret-of-mine"}


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    http: httpx.Client

    def send(self, task: dict, **headers: str) -> httpx.Response:
        """Send one task as Infinium's clients do."""
        path = f"/api/v1/agents/{AGENT_ID}/trace"
        return self.http.post(path, json=task, headers={**HEADERS, **headers})

    def keep(self, task: dict, **headers: str) -> str:
        """Send one task that is taken; returns its id."""
        reply = self.send(task, **headers)
        assert reply.status_code == 200, reply.text
        return reply.json()["traceId"]

    def get(self, path: str, **params: object) -> dict:
        """A GET that works, as JSON."""
        reply = self.http.get(path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()


@contextmanager
def serving(db, *arguments: str):
    """A server with its tasks in *db*; *arguments* are the command line's."""
    from infinium_otel.apps import serve  # noqa: PLC0415 - needs an extra
    from infinium_otel.apps.serve.server import Server  # noqa: PLC0415 - likewise
    from infinium_otel.config import Config  # noqa: PLC0415 - beside the others

    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    args = parser.parse_args(["--port", "0", "--db", str(db), *arguments])
    app, live = serve.build_application(args, Config())
    with listen(args.host, args.port) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = Server(app, live.close)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with httpx.Client(base_url=url, timeout=30, limits=NO_REUSE) as http:
                _wait_for(server)
                yield Served(url, http)
        finally:
            server.handle_exit(15, None)
            thread.join()


def _wait_for(server) -> None:
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
