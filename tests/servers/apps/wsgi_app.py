"""A WSGI application: each request makes an agent run, named by its query."""

from __future__ import annotations

import os
import time
from urllib.parse import parse_qs

from spans_by_hand import run_agent

from infinium_otel import register

if os.environ.get("REGISTER", "import") == "import":
    register(flush_on_sigterm=os.environ.get("SIGTERM") == "flush")


def app(environ, start_response):
    """Run the agent, for `/run`; respond at once otherwise."""
    query = parse_qs(environ["QUERY_STRING"])
    if environ["PATH_INFO"] == "/run":
        run_agent(query["name"][0])
    time.sleep(float(query.get("sleep", ["0"])[0]))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
