"""Sets of runs from the local server: by tag, and by id."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytest.importorskip("starlette")

from infinium_otel.apps.run_sets import load_runs
from infinium_otel.errors import InfiniumError
from support.local_server import serving
from support.runs import research, run


def test_runs_of_the_local_server(tmp_path):
    """`tag:NAME=VALUE` selects many, an id selects one."""
    with serving(tmp_path / "tasks.db") as server:
        for release in ("1", "1", "2"):
            task = research()
            task["environment"]["custom_tags"]["release"] = release
            server.keep(task)
        trace_id = server.keep(run("The only one"))
        assert len(load_runs("tag:release=1", server.url)) == 2
        (found,) = load_runs(trace_id, server.url)
        assert found.name == "The only one"
        with pytest.raises(InfiniumError, match="contains no run"):
            load_runs("tag:release=3", server.url)
        with pytest.raises(InfiniumError, match="/nowhere: Not Found"):
            load_runs("tag:release=3", f"{server.url}/nowhere")


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"task": {}}', b'{"name": "a"}'])
def test_what_is_no_run_of_a_server(body):
    """A server that is another, or an older one, is named."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(InfiniumError, match="not the runs of a local server"):
            load_runs("tag:a=b", url)
        thread.join()
