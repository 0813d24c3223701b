"""The Infinium API on the local store: traces in, results and prompts back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from infinium_otel.apps.serve import checks
from infinium_otel.apps.serve.interpretation import interpret
from infinium_otel.apps.serve.span_api import SPANS_PATH
from infinium_otel.apps.serve.store import Arrival
from infinium_otel.apps.serve.task_row import to_task_row

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from infinium_otel.apps.http.body_limiter import BodyLimiter
    from infinium_otel.apps.serve.event_stream import EventStream
    from infinium_otel.apps.serve.prompts import PromptFolder
    from infinium_otel.apps.serve.store import Store

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class InfiniumApi:
    """The endpoints under `/api/v1`.

    Args:
        limiter: bounds on request bodies.
    """

    store: Store
    events: EventStream
    prompts: PromptFolder
    limiter: BodyLimiter

    def routes(self) -> list[Route]:
        """The endpoints, for a Starlette application."""
        agents = "/api/v1/agents/{agent_id}"
        return [
            Route(f"{agents}/trace", self.send, methods=["POST"]),
            Route(f"{agents}/interpreted-result/{{trace_id}}", self.result),
            Route("/api/v1/prompts/{prompt_id}/v/{version}", self.prompt),
        ]

    async def send(self, request: Request) -> Response:
        """Store one task."""
        agent_id = checks.require_agent(
            request.path_params["agent_id"], request.headers
        )
        key = checks.read_idempotency_key(request.headers)
        _require_json(request)
        with self.limiter.reserve() as reservation:
            raw = await reservation.read(request)
            compression = request.headers.get("content-encoding", "").strip().lower()
            body = await run_in_threadpool(reservation.decompress, raw, compression)
            trace_id = await run_in_threadpool(self._store_task, agent_id, key, body)
        return _respond(
            {
                "success": True,
                "message": "Task stored",
                "traceId": trace_id,
                # The offer that `runtime.local_spans` accepts.
                "spansPath": SPANS_PATH,
            }
        )

    def _store_task(self, agent_id: str, key: str | None, body: bytes) -> str:
        task = checks.parse_task(body)
        now_ms = time.time_ns() // 1_000_000
        arrival = Arrival(task, body, agent_id, key, "api", now_ms)
        (trace_id,) = self.store.add([arrival])
        self.events.publish(self.store.last())
        return trace_id

    def result(self, request: Request) -> Response:
        """A summary of a task, computed from its facts."""
        agent_id = checks.require_agent(
            request.path_params["agent_id"], request.headers
        )
        trace_id = checks.parse_trace_id(request.path_params["trace_id"])
        stored = self.store.find(trace_id)
        if stored is None or stored.row["agent_id"] not in (agent_id, ""):
            raise checks.RejectedError(
                f"no trace {trace_id} of this agent", status_code=404
            )
        task = checks.parse_task(stored.body)
        interpreted = interpret(task, to_task_row(task, agent_id), stored.rules)
        return _respond(
            {
                "success": True,
                "message": "Interpreted on this machine",
                "traceId": trace_id,
                "interpretedTraceResult": interpreted,
            }
        )

    def prompt(self, request: Request) -> Response:
        """A prompt from the prompt folder."""
        prompt_id = request.path_params["prompt_id"]
        checks.check_prompt_reader(prompt_id, request.headers)
        version = request.path_params["version"]
        return _respond(self.prompts.find(prompt_id, version))


def _require_json(request: Request) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0]
    if content_type.strip().lower() != JSON:
        raise checks.RejectedError(f"the Content-Type must be {JSON}", status_code=415)


def _respond(body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body)
