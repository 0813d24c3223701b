"""An ASGI application: each request makes an agent run, named by its query.

`LIFESPAN=flush` flushes at the end of its lifespan, as the how-to shows; `SIGTERM=flush`
has `register()` flush on that signal.
"""

from __future__ import annotations

import asyncio
import os
from urllib.parse import parse_qs

from opentelemetry import trace
from spans_by_hand import run_agent

from infinium_otel import register

provider = trace.get_tracer_provider()
if os.environ.get("REGISTER", "import") == "import":
    provider = register(flush_on_sigterm=os.environ.get("SIGTERM") == "flush")


async def app(scope, receive, send):
    """Run the agent, for `/run`; respond at once otherwise."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    query = parse_qs(scope["query_string"].decode())
    if scope["path"] == "/run":
        run_agent(query["name"][0])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


async def _live(receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
            continue
        if os.environ.get("LIFESPAN") == "flush":
            await asyncio.to_thread(provider.force_flush)
        await send({"type": "lifespan.shutdown.complete"})
        return
