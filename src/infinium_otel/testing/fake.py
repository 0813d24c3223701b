"""FakeInfinium: an HTTP server on loopback, in threads of the test's process."""

from __future__ import annotations

import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata import PromptContent
from infinium_otel.testing.connection import Server
from infinium_otel.testing.contract import MAX_BODY_BYTES
from infinium_otel.testing.faults import Fault, Received
from infinium_otel.testing.server_state import ServerState

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

AGENT_ID = "11111111-2222-4333-8444-555555555555"
AGENT_SECRET = "fake-agent-secret"  # noqa: S105 - not a secret
PROMPT_KEY = "fake-prompt-key"
CREATED_AT = "2026-01-01T00:00:00Z"


def praise(task: dict[str, Any]) -> dict[str, Any]:
    """The interpretation of every task, if no other is set."""
    return {"summary": f"{task['name']}: well done"}


StatusAndBody = tuple[int, dict[str, Any]]


@dataclass
class FakeInfinium:
    """The Infinium API on loopback: strict, scriptable, and it records every request.

    Use it as a context manager, or call `start` and `close`.

    Args:
        agent_id: the agent it accepts.
        agent_secret: the secret of that agent.
        more_agents: further ones: secrets by agent id.
        max_body_bytes: larger bodies get a 413.
        pending_polls: how many requests for a result get "pending" before it is ready.
        interpret: the `interpretedTraceResult` of a task, given its JSON object; None or
            anything empty is "pending" for ever.
        ssl_context: for https; None serves http.
        require_key: report a task without an `Idempotency-Key` as a violation.
        prompts: stored prompts: their key and content, or the contents of several
            versions, by prompt id; see `add_prompt`.
    """

    agent_id: str = AGENT_ID
    agent_secret: str = field(default=AGENT_SECRET, repr=False)
    max_body_bytes: int = MAX_BODY_BYTES
    pending_polls: int = 0
    interpret: Callable[[dict[str, Any]], Any] = field(default=praise, repr=False)
    ssl_context: ssl.SSLContext | None = None
    require_key: bool = False
    more_agents: dict[str, str] = field(default_factory=dict, repr=False)
    prompts: dict[str, tuple[str, PromptContent | Sequence[PromptContent]]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        self._state = ServerState()
        self._server: Server | None = None
        self._port = 0

    def start(self) -> None:
        """Start listening; after a restart on the same port."""
        self._state.closing.clear()
        self._server = Server(self._port, self._state, self.respond, self.ssl_context)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()

    def close(self) -> None:
        """Stop listening and end every open connection; `start` restarts it."""
        server, self._server = self._server, None
        if server is not None:
            self._state.closing.set()
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
        """The base URL for a client."""
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
        """Set the responses to the next requests, one each; an int is a status."""
        with self._state.changed:
            self._state.script += [_to_fault(fault) for fault in faults]

    def always(self, fault: Fault | int | None) -> None:
        """Set the response to every request after the script; None: the regular one."""
        with self._state.changed:
            self._state.always = None if fault is None else _to_fault(fault)

    @property
    def requests(self) -> list[Received]:
        """Every request that was read completely or in part, in order."""
        with self._state.changed:
            return list(self._state.requests)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """Bodies of the stored tasks, one per key, in order."""
        with self._state.changed:
            return [task for _, task in self._state.stored.values()]

    @property
    def trace_ids(self) -> list[str]:
        """The service's ids of the stored tasks, in order."""
        with self._state.changed:
            return [trace_id for trace_id, _ in self._state.stored.values()]

    @property
    def keys(self) -> list[str]:
        """Idempotency keys of the stored tasks, in order."""
        with self._state.changed:
            return list(self._state.stored)

    @property
    def complaints(self) -> list[str]:
        """Every violation of the contract so far."""
        return [text for each in self.requests for text in each.complaints]

    def wait_for(
        self, is_done: Callable[[FakeInfinium], bool], timeout_s: float = 30.0
    ) -> bool:
        """Wait until `is_done(fake)`; False if that takes longer than *timeout_s*.

        *is_done* may depend on more than the fake, a file or a counter for example.
        """
        return self._state.wait_for(lambda: is_done(self), timeout_s)

    def wait_for_tasks(self, count: int, timeout_s: float = 30.0) -> bool:
        """Wait until *count* tasks are stored and their requests are recorded.

        Returns:
            False if that takes longer than *timeout_s*.
        """
        return self._state.wait_for(
            lambda: len(self.tasks) >= count and not self._state.busy, timeout_s
        )

    def add_prompt(self, name: str, *texts: str, key: str = PROMPT_KEY) -> str:
        """Store a prompt of which *texts* are the versions, from 1 on.

        Args:
            name: its display name.
            texts: templates; `{{name}}` is a variable.
            key: the prompt's own key, which `get_prompt` needs.

        Returns:
            The prompt's id.
        """
        prompt_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        versions = [
            PromptContent(prompt_id, name, number, text, CREATED_AT)
            for number, text in enumerate(texts, 1)
        ]
        self.prompts[prompt_id] = (key, versions)
        return prompt_id

    def respond(self, received: Received, store: bool) -> StatusAndBody:  # noqa: FBT001 - the server's callback
        """The regular response to a request: status and JSON object.

        Args:
            received: the request, with its violations.
            store: whether to store a valid task.
        """
        for method, pattern, handler in self._get_routes():
            match = re.fullmatch(pattern, received.path)
            if match and method == received.method:
                if received.complaints and method == "GET":
                    return 400, _make_error("; ".join(received.complaints))
                return handler(received, store, *match.groups())
        return 404, _make_error("no such endpoint")

    def _get_routes(self) -> tuple[tuple[str, str, Callable[..., StatusAndBody]], ...]:
        agent = r"/api/v1/agents/([^/]+)"
        return (
            ("POST", rf"{agent}/trace", self._handle_trace),
            ("GET", rf"{agent}/interpreted-result/([^/]+)", self._handle_result),
            ("GET", r"/api/v1/prompts/([^/]+)/v/([^/]+)", self._handle_prompt),
        )

    def _handle_trace(
        self,
        received: Received,
        store: bool,  # noqa: FBT001 - a row of the table
        agent: str,
    ) -> StatusAndBody:
        refusal = self._check_credentials(received, agent)
        if refusal:
            return refusal
        if max(received.wire_bytes, len(received.body)) > self.max_body_bytes:
            return 413, _make_error("payload too large")
        complaints = received.complaints
        if received.key is None and self.require_key:
            complaints = (*complaints, "Idempotency-Key: missing")
        if complaints:
            return 422, _make_error("; ".join(complaints))
        trace_id = self._state.store(received) if store else str(uuid.uuid4())
        return 201, {"success": True, "message": "Trace stored", "traceId": trace_id}

    def _check_credentials(
        self, received: Received, agent: str
    ) -> StatusAndBody | None:
        given = [received.headers.get(name) for name in ("x-agent-id", "x-agent-key")]
        secrets = self.more_agents | {self.agent_id: self.agent_secret}
        if agent in secrets and given == [agent, secrets[agent]]:
            return None
        return 401, _make_error("unknown agent or wrong key")

    def _handle_result(
        self,
        received: Received,
        _: bool,  # noqa: FBT001 - a row of the table
        agent: str,
        trace: str,
    ) -> StatusAndBody:
        refusal = self._check_credentials(received, agent)
        if refusal:
            return refusal
        task, polls = self._state.poll(trace)
        if task is None:
            return 404, _make_error("no such trace")
        result = self.interpret(task) if polls > self.pending_polls else None
        if not result:
            return 200, {"success": True, "status": "pending"}
        return 200, {"success": True, "interpretedTraceResult": result}

    def _handle_prompt(
        self,
        received: Received,
        _: bool,  # noqa: FBT001 - a row of the table
        prompt: str,
        version: str,
    ) -> StatusAndBody:
        if prompt not in self.prompts:
            return 404, _make_error("no such prompt")
        key, stored = self.prompts[prompt]
        if received.headers.get("x-prompt-key") != key:
            return 403, _make_error("wrong prompt key")
        contents = [stored] if isinstance(stored, PromptContent) else stored
        by_version = {str(each.version): each for each in contents}
        newest = max(contents, key=lambda each: each.version, default=None)
        content = newest if version == "latest" else by_version.get(version)
        if content is None:
            return 404, _make_error("no such version")
        return 200, {
            "promptId": content.prompt_id,
            "name": content.name,
            "version": content.version,
            "content": content.content,
            "createdAt": content.created_at,
        }


def _make_error(text: str) -> dict[str, Any]:
    return {"success": False, "error": text}


def _to_fault(fault: Fault | int) -> Fault:
    return Fault(fault) if isinstance(fault, int) else fault
