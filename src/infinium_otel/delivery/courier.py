"""One delivery of one queued body: over our own transport, or by a client given to us."""

from __future__ import annotations

import inspect
import json
import time
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.delivery.client.settings import Client
from infinium_otel.delivery.network import untraced
from infinium_otel.delivery.transport import transport_for
from infinium_otel.protocol import (
    NoReply,
    Outcome,
    Reply,
    Send,
    outcome_of,
    trace_request,
)
from infinium_otel.taskdata import task_from_dict

if TYPE_CHECKING:
    from infinium_otel.config import Config
    from infinium_otel.delivery.httpx_transport import ProxyTransport
    from infinium_otel.delivery.queue import Item
    from infinium_otel.delivery.transport import SocketTransport


class Courier(Protocol):
    """Delivers; never raises."""

    def deliver(self, item: Item, timeout_s: float) -> Outcome:
        """Makes one attempt."""
        ...

    def close(self) -> None:
        """Closes connections."""
        ...

    def after_fork_in_child(self) -> None:
        """Leaves the parent's connections to the parent."""
        ...


class TransportCourier:
    """Over our own transport, untraced. Nothing is opened before the first delivery."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._transport: SocketTransport | ProxyTransport | None = None

    def deliver(self, item: Item, timeout_s: float) -> Outcome:
        """Makes one attempt."""
        if self._transport is None:
            self._transport = transport_for(self._config)
        request = trace_request(self._config, item.body, item.key)
        with untraced():
            answer = self._transport.perform(Send(request, timeout_s))
        return outcome_of(answer, time.time(), request)

    def close(self) -> None:
        """Closes idle connections."""
        if self._transport is not None:
            self._transport.close()

    def after_fork_in_child(self) -> None:
        """Leaves the parent's connections to the parent."""
        if self._transport is not None:
            self._transport.after_fork_in_child()


class ClientCourier:
    """By anything with `send_task_data(task)`: our clients, the vendor's, a test's.

    Args:
        client: what its `send_task_data` raises is judged by `status_code` where it
            has one; it stays the caller's to close.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def deliver(self, item: Item, timeout_s: float) -> Outcome:  # noqa: ARG002 - a client has its own timeout
        """Makes one attempt; the client may make more of it."""
        try:
            with untraced():
                result = self._send(item)
        except Exception as error:  # noqa: BLE001 - a stranger's client may raise anything
            return _judged(error)
        status = getattr(result, "status_code", None)
        return Outcome("delivered", status if isinstance(status, int) else None)

    def _send(self, item: Item) -> Any:
        task = task_from_dict(json.loads(item.body))
        named = (
            {"idempotency_key": item.key} if isinstance(self._client, Client) else {}
        )
        result = self._client.send_task_data(task, **named)
        if inspect.isawaitable(result):
            import asyncio  # noqa: PLC0415 - costs 30 ms, needed by few

            return asyncio.run(_awaited(result))
        return result

    def close(self) -> None:
        """Does nothing: the client is the caller's."""

    def after_fork_in_child(self) -> None:
        """Does nothing: the client is the caller's."""


async def _awaited(result: Any) -> Any:
    return await result


def _judged(error: Exception) -> Outcome:
    """What a client's exception means; its text may hold anything and is not used."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        delay = getattr(error, "retry_after", None)
        headers = {"retry-after": str(delay)} if delay is not None else {}
        return outcome_of(Reply(status, headers), time.time())
    name = type(error).__name__
    if name == "ValidationError":
        return Outcome("refused", None, message=name)
    return outcome_of(NoReply("client", f"the client raised {name}"), time.time())
