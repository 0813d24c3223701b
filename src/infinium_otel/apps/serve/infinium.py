"""The Infinium API on the local store: traces in, results and prompts back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from infinium_otel.apps.serve import checks
from infinium_otel.apps.serve.facts import facts_of
from infinium_otel.apps.serve.interpretation import interpret
from infinium_otel.apps.serve.store import Arrival

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from infinium_otel.apps.bodies import Bodies
    from infinium_otel.apps.serve.live import Live
    from infinium_otel.apps.serve.prompts import PromptFolder
    from infinium_otel.apps.serve.store import Store

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class InfiniumApi:
    """The endpoints under `/api/v1`.

    Args:
        bodies: the bounds of what is read.
    """

    store: Store
    live: Live
    prompts: PromptFolder
    bodies: Bodies

    def routes(self) -> list[Route]:
        """The endpoints, for a Starlette application."""
        agents = "/api/v1/agents/{agent_id}"
        return [
            Route(f"{agents}/trace", self.send, methods=["POST"]),
            Route(f"{agents}/interpreted-result/{{trace_id}}", self.result),
            Route("/api/v1/prompts/{prompt_id}/v/{version}", self.prompt),
        ]

    async def send(self, request: Request) -> Response:
        """Take one task."""
        agent_id = checks.agent_of(request.path_params["agent_id"], request.headers)
        key = checks.idempotency_key_of(request.headers)
        _require_json(request)
        with self.bodies.hold() as hold:
            raw = await hold.read(request)
            packing = request.headers.get("content-encoding", "").strip().lower()
            body = await run_in_threadpool(hold.decompressed, raw, packing)
            trace_id = await run_in_threadpool(self._keep, agent_id, key, body)
        return _answer({"success": True, "message": "Task kept", "traceId": trace_id})

    def _keep(self, agent_id: str, key: str | None, body: bytes) -> str:
        task = checks.task_of(body)
        now_ms = time.time_ns() // 1_000_000
        arrival = Arrival(task, body, agent_id, key, "api", now_ms)
        (trace_id,) = self.store.add([arrival])
        self.live.tell(self.store.last())
        return trace_id

    def result(self, request: Request) -> Response:
        """A summary of a task, computed from its facts."""
        agent_id = checks.agent_of(request.path_params["agent_id"], request.headers)
        trace_id = checks.trace_id_of(request.path_params["trace_id"])
        found = self.store.find(trace_id)
        if found is None or found.row["agent_id"] not in (agent_id, ""):
            raise checks.RefusedError(
                f"no trace {trace_id} of this agent", status_code=404
            )
        task = checks.task_of(found.body)
        interpreted = interpret(task, facts_of(task, agent_id))
        return _answer(
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
        return _answer(self.prompts.find(prompt_id, version))


def _require_json(request: Request) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0]
    if content_type.strip().lower() != JSON:
        raise checks.RefusedError(f"the Content-Type must be {JSON}", status_code=415)


def _answer(body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body)
