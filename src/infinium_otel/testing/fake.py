"""FakeInfinium: a real HTTP server on loopback, in threads of the test's process."""

from __future__ import annotations

import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.testing.book import Book
from infinium_otel.testing.connection import Server
from infinium_otel.testing.contract import MAX_BODY_BYTES
from infinium_otel.testing.faults import Fault, Received

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from infinium_otel.taskdata import PromptContent

AGENT_ID = "11111111-2222-4333-8444-555555555555"
AGENT_SECRET = "fake-agent-secret"  # noqa: S105 - the fake's own, known to all

Answer = tuple[int, dict[str, Any]]


@dataclass
class FakeInfinium:
    """The Infinium API on loopback: strict, scriptable, remembering all it saw.

    Use it as a context manager, or call `start` and `close`.

    Args:
        agent_id: the only agent it knows; likewise *agent_secret*.
        max_body_bytes: larger bodies are answered 413.
        pending_polls: how often a result is "not ready yet" before it is.
        ssl_context: serves https with it; None serves http.
        require_key: complain of a task without an `Idempotency-Key`.
        prompts: key and content by prompt id.
    """

    agent_id: str = AGENT_ID
    agent_secret: str = field(default=AGENT_SECRET, repr=False)
    max_body_bytes: int = MAX_BODY_BYTES
    pending_polls: int = 0
    ssl_context: ssl.SSLContext | None = None
    require_key: bool = False
    prompts: dict[str, tuple[str, PromptContent]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        self._book = Book()
        self._server: Server | None = None
        self._port = 0

    def start(self) -> None:
        """Listens; on the port it had before, if it had one."""
        self._book.closing.clear()
        self._server = Server(self._port, self._book, self.answer_to, self.ssl_context)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()

    def close(self) -> None:
        """Stops listening and ends every open connection. `start` brings it back."""
        server, self._server = self._server, None
        if server is not None:
            self._book.closing.set()
            server.shutdown()
            server.end_connections()
            server.server_close()

    def __enter__(self) -> FakeInfinium:  # noqa: PYI034 - Self is Python 3.11's
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """The address to give to a client."""
        scheme = "https" if self.ssl_context else "http"
        return f"{scheme}://127.0.0.1:{self._port}/api/v1"

    @property
    def settings(self) -> dict[str, Any]:
        """`agent_id`, `agent_secret` and `base_url`, for a client or a Config."""
        return {
            "agent_id": self.agent_id,
            "agent_secret": self.agent_secret,
            "base_url": self.base_url,
        }

    def script(self, *faults: Fault | int) -> None:
        """What the next requests are answered with, one each; an int is a status."""
        with self._book.changed:
            self._book.script += [_fault(fault) for fault in faults]

    def always(self, fault: Fault | int | None) -> None:
        """What every request after the script is answered with; None: the truth."""
        with self._book.changed:
            self._book.always = None if fault is None else _fault(fault)

    @property
    def requests(self) -> list[Received]:
        """Every request that was read whole or in part, in order."""
        with self._book.changed:
            return list(self._book.requests)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """Bodies of the tasks stored, each key once, in order."""
        with self._book.changed:
            return [task for _, task in self._book.stored.values()]

    @property
    def keys(self) -> list[str]:
        """Idempotency keys of the tasks stored, in order."""
        with self._book.changed:
            return list(self._book.stored)

    @property
    def complaints(self) -> list[str]:
        """Every breach of the contract so far."""
        return [text for each in self.requests for text in each.complaints]

    def wait_for(
        self, enough: Callable[[FakeInfinium], bool], timeout_s: float = 10.0
    ) -> bool:
        """Waits until `enough(fake)`; False if that took longer than *timeout_s*."""
        return self._book.wait_for(lambda: enough(self), timeout_s)

    def wait_for_tasks(self, count: int, timeout_s: float = 10.0) -> bool:
        """Waits until *count* tasks are stored and their requests on record.

        Returns:
            False if that took longer than *timeout_s*.
        """
        return self._book.wait_for(
            lambda: len(self.tasks) >= count and not self._book.busy, timeout_s
        )

    def answer_to(self, received: Received, store: bool) -> Answer:  # noqa: FBT001 - the server's callback
        """The truthful answer to a request: status and JSON object.

        Args:
            received: the request, checked.
            store: whether a good task is kept.
        """
        for method, pattern, answer in self._routes():
            match = re.fullmatch(pattern, received.path)
            if match and method == received.method:
                if received.complaints and method == "GET":
                    return 400, _problem("; ".join(received.complaints))
                return answer(received, store, *match.groups())
        return 404, _problem("no such endpoint")

    def _routes(self) -> tuple[tuple[str, str, Callable[..., Answer]], ...]:
        agent = r"/api/v1/agents/([^/]+)"
        return (
            ("POST", rf"{agent}/trace", self._trace),
            ("GET", rf"{agent}/interpreted-result/([^/]+)", self._result),
            ("GET", r"/api/v1/prompts/([^/]+)/v/([^/]+)", self._prompt),
        )

    def _trace(self, received: Received, store: bool, agent: str) -> Answer:  # noqa: FBT001 - a row of the table
        refusal = self._refused_agent(received, agent)
        if refusal:
            return refusal
        if max(received.wire_bytes, len(received.body)) > self.max_body_bytes:
            return 413, _problem("payload too large")
        found = received.complaints
        if received.key is None and self.require_key:
            found = (*found, "Idempotency-Key: missing")
        if found:
            return 422, _problem("; ".join(found))
        trace_id = self._book.store(received) if store else str(uuid.uuid4())
        return 201, {"success": True, "message": "Trace stored", "traceId": trace_id}

    def _refused_agent(self, received: Received, agent: str) -> Answer | None:
        given = [received.headers.get(name) for name in ("x-agent-id", "x-agent-key")]
        if agent == self.agent_id and given == [agent, self.agent_secret]:
            return None
        return 401, _problem("unknown agent or wrong key")

    def _result(self, received: Received, _: bool, agent: str, trace: str) -> Answer:  # noqa: FBT001 - a row of the table
        refusal = self._refused_agent(received, agent)
        if refusal:
            return refusal
        task, polls = self._book.poll(trace)
        if task is None:
            return 404, _problem("no such trace")
        if polls <= self.pending_polls:
            return 200, {"success": True, "status": "pending"}
        result = {"summary": f"{task['name']}: well done"}
        return 200, {"success": True, "interpretedTraceResult": result}

    def _prompt(self, received: Received, _: bool, prompt: str, version: str) -> Answer:  # noqa: FBT001 - a row of the table
        if prompt not in self.prompts:
            return 404, _problem("no such prompt")
        key, content = self.prompts[prompt]
        if received.headers.get("x-prompt-key") != key:
            return 403, _problem("wrong prompt key")
        if version not in ("latest", str(content.version)):
            return 404, _problem("no such version")
        return 200, {
            "promptId": content.prompt_id,
            "name": content.name,
            "version": content.version,
            "content": content.content,
            "createdAt": content.created_at,
        }


def _problem(text: str) -> dict[str, Any]:
    return {"success": False, "error": text}


def _fault(fault: Fault | int) -> Fault:
    return Fault(fault) if isinstance(fault, int) else fault
