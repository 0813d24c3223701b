"""One attempt to send one queued task: over our transport, or by a client passed in."""

from __future__ import annotations

import inspect
import json
import time
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.delivery.foreign_code import is_interruption
from infinium_otel.delivery.protocol import (
    AttemptResult,
    Response,
    Send,
    TransportFailure,
    build_result_request,
    build_trace_request,
    classify_response,
)
from infinium_otel.delivery.transport.sockets import make_transport
from infinium_otel.delivery.transport.suppression import suppress_instrumentation
from infinium_otel.errors import ValidationError
from infinium_otel.taskdata import task_from_dict

if TYPE_CHECKING:
    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import Request
    from infinium_otel.delivery.queue import Item
    from infinium_otel.delivery.transport.proxies import ProxyTransport
    from infinium_otel.delivery.transport.sockets import SocketTransport


class Backend(Protocol):
    """Makes attempts to send tasks; never raises."""

    def deliver(self, item: Item, timeout_s: float) -> AttemptResult:
        """Make one attempt."""
        ...

    def fetch_result(self, result_id: str, timeout_s: float) -> AttemptResult:
        """Request an interpreted result once."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...

    def after_fork_in_child(self) -> None:
        """Drop the connections, which belong to the parent."""
        ...


class TransportBackend:
    """Sends over our own transport; nothing is opened before the first attempt."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._transport: SocketTransport | ProxyTransport | None = None

    def deliver(self, item: Item, timeout_s: float) -> AttemptResult:
        """Make one attempt."""
        request = build_trace_request(self._config, item.body, item.key)
        return self._perform(request, timeout_s)

    def fetch_result(self, result_id: str, timeout_s: float) -> AttemptResult:
        """Request an interpreted result once."""
        try:
            request = build_result_request(self._config, result_id)
        except ValidationError as error:  # the service's own id is not a UUID
            return AttemptResult("refused", None, message=str(error))
        return self._perform(request, timeout_s)

    def _perform(self, request: Request, timeout_s: float) -> AttemptResult:
        if self._transport is None:
            self._transport = make_transport(self._config)
        with suppress_instrumentation():
            response = self._transport.perform(Send(request, timeout_s))
        return classify_response(response, time.time(), request)

    def close(self) -> None:
        """Close idle connections."""
        if self._transport is not None:
            self._transport.close()

    def after_fork_in_child(self) -> None:
        """Drop the connections, which belong to the parent."""
        if self._transport is not None:
            self._transport.after_fork_in_child()


class ClientBackend:
    """Sends by anything with `send_task_data(task)`: our client, the vendor's, a test's.

    Args:
        client: an exception from its `send_task_data` is classified by `status_code`
            if it has one. The caller has to close it.
    """

    def __init__(self, client: Any) -> None:
        # Imported here: it imports the search for credentials, which takes 100 ms.
        from infinium_otel.delivery.client.base import Client  # noqa: PLC0415

        self._client = client
        self._takes_key = isinstance(client, Client)

    def deliver(self, item: Item, timeout_s: float) -> AttemptResult:  # noqa: ARG002 - a client has its own timeout
        """Make one attempt; the client may retry within it."""
        try:
            with suppress_instrumentation():
                result = self._send(item)
        except BaseException as error:
            if is_interruption(error):
                raise
            return _classify_exception(error)
        return _to_result(result)

    def fetch_result(self, result_id: str, timeout_s: float) -> AttemptResult:  # noqa: ARG002 - as above
        """Request an interpreted result once, if the client can."""
        fetch = getattr(self._client, "get_interpreted_task_result", None)
        if fetch is None:
            return AttemptResult("refused", message="the client cannot fetch results")
        try:
            with suppress_instrumentation():
                return _to_result(_wait_for(fetch(result_id)))
        except BaseException as error:
            if is_interruption(error):
                raise
            return _classify_exception(error)

    def _send(self, item: Item) -> Any:
        task = task_from_dict(json.loads(item.body))
        options = {"idempotency_key": item.key} if self._takes_key else {}
        return _wait_for(self._client.send_task_data(task, **options))

    def close(self) -> None:
        """Do nothing: the client belongs to the caller."""

    def after_fork_in_child(self) -> None:
        """Do nothing: the client belongs to the caller."""


def _to_result(response: Any) -> AttemptResult:
    status = getattr(response, "status_code", None)
    data = getattr(response, "data", None)
    return AttemptResult(
        "delivered",
        status if isinstance(status, int) else None,
        data=data if isinstance(data, dict) else None,
    )


def _wait_for(result: Any) -> Any:
    """The result of a call, which may be a coroutine's."""
    if inspect.isawaitable(result):
        import asyncio  # noqa: PLC0415 - costs 30 ms, needed by few

        return asyncio.run(_await(result))
    return result


async def _await(result: Any) -> Any:
    return await result


def _classify_exception(error: BaseException) -> AttemptResult:
    """The result for a client's exception, whose text may contain secrets: not used."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        delay = getattr(error, "retry_after", None)
        headers = {"retry-after": str(delay)} if delay is not None else {}
        return classify_response(Response(status, headers), time.time())
    name = type(error).__name__
    if name == "ValidationError":
        return AttemptResult("refused", None, message=name)
    return classify_response(
        TransportFailure("client", f"the client raised {name}"), time.time()
    )
