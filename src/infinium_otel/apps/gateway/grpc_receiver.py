"""OTLP over gRPC: the same decisions as over HTTP, reported with gRPC's codes.

The service's methods take one message. They are declared as streaming here, because a
handler then decides when the message is read: after the token is checked, within a time
limit, and no more messages at once than there is memory for.

Source: the OTLP specification, "OTLP/gRPC".
"""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager
from functools import partial
from hmac import compare_digest
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

import grpc
import grpc.aio
from anyio import CapacityLimiter, to_thread

from infinium_otel.apps.http.bind import format_host
from infinium_otel.apps.http.descriptors import raise_limit, share
from infinium_otel.apps.http.export_response import (
    PROTOBUF,
    encode_details,
    encode_retry_info,
    encode_success,
)
from infinium_otel.apps.http.otlp_paths import show
from infinium_otel.apps.http.outcomes import (
    INVALID_ARGUMENT,
    UNAUTHENTICATED,
    UNIMPLEMENTED,
    Rejection,
    reject,
)
from infinium_otel.apps.http.receiver import (
    DECODERS,
    LARGE_BYTES,
    METRICS_DROPPED,
    decode,
)
from infinium_otel.errors import InfiniumError
from infinium_otel.otlp import Decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.apps.http.access import Access
    from infinium_otel.apps.http.receiver import RequestCounters
    from infinium_otel.otlp import Record

PACKAGE = "opentelemetry.proto.collector"
SERVICES = {
    f"{PACKAGE}.trace.v1.TraceService": "traces",
    f"{PACKAGE}.logs.v1.LogsService": "logs",
    f"{PACKAGE}.metrics.v1.MetricsService": "metrics",
}
"""Source: opentelemetry-proto, `*_service.proto`."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_MESSAGES = 16
"""Read or decoded at once: together they use as much memory as HTTP's requests may."""

MAX_CALLS = 512
"""Calls in progress, most of them waiting for their turn."""

READ_S = 30.0
"""Seconds in which a message must arrive once its turn has come."""

MAX_CONNECTIONS, DESCRIPTORS = 1536, 3 / 8
"""At a time, and the part of all descriptors that they may use: a new connection past that
is refused. gRPC closes a silent one only when its time is over, not to make room for another,
so there are many."""

HANDSHAKE_S = 5.0
"""Seconds until a connection must have sent its first settings of HTTP/2."""

IDLE_S = 60.0
"""Seconds that a connection without calls is kept."""

START_S, GRACE_S = 10.0, 5.0

CODES = {code.value[0]: code for code in grpc.StatusCode}

OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 100),
    ("grpc.server_handshake_timeout_ms", int(HANDSHAKE_S * 1000)),
    ("grpc.max_connection_idle_ms", int(IDLE_S * 1000)),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

SHARED = "grpc.so_reuseport"
"""Off, unless the port is shared on purpose: another process on it would get a part of the
connections, silently."""

BOUND = "grpc.max_allowed_incoming_connections"
"""Source: grpc 1.85, `include/grpc/impl/channel_arg_names.h`."""


class GrpcReceiver:
    """Accepts OTLP messages.

    Args:
        accept: called with the records of one request, in a worker thread; may raise
            `BusyError`.
        counters: updated with each request.
        access: whose token is required, and where mistakes are counted.
    """

    def __init__(
        self,
        accept: Callable[[list[Record]], None],
        counters: RequestCounters,
        access: Access,
    ) -> None:
        self.accept = accept
        self.counters = counters
        self.access = access
        self._turns = asyncio.Semaphore(MAX_MESSAGES)
        self._small, self._large = CapacityLimiter(DECODERS), CapacityLimiter(1)

    async def export(self, signal: str, _: Any, context: Any) -> bytes:
        """Respond to one call.

        Args:
            signal: "traces", "logs" or "metrics".
            context: of the call.
        """
        self.counters.requests += 1
        if not self._is_authorized(context):
            await self._abort(context, NO_TOKEN)
        async with self._turns:
            result = await self._receive(signal, context)
        if isinstance(result, Rejection):
            await self._abort(context, result)
        if signal == "metrics":
            self.counters.metrics += 1
            self._note(context, "metrics", METRICS_DROPPED)
            return encode_success(PROTOBUF, "traces", 0, "")
        self.counters.count_accepted(result)
        problems = "; ".join(result.problems)
        return encode_success(PROTOBUF, signal, result.skipped, problems)

    async def refuse_service(self, name: str, _: Any, context: Any) -> bytes:
        """Respond to a call of a method that is not OTLP's."""
        self.counters.requests += 1
        message = f"no such method: {show(name)}; traces, logs and metrics are accepted"
        await self._abort(
            context, Rejection(404, UNIMPLEMENTED, message, mistake="wrong path")
        )

    async def _receive(self, signal: str, context: Any) -> Decoded | Rejection:
        try:
            message = await asyncio.wait_for(context.read(), READ_S)
        except asyncio.TimeoutError:
            return Rejection(
                408, INVALID_ARGUMENT, "the message did not arrive in time"
            )
        if message is grpc.aio.EOF:
            return Rejection(400, INVALID_ARGUMENT, "a call needs a message")
        if signal == "metrics":
            return Decoded([])
        limiter = self._large if len(message) > LARGE_BYTES else self._small
        return await to_thread.run_sync(self._accept, message, signal, limiter=limiter)

    def _accept(self, message: bytes, signal: str) -> Decoded | Rejection:
        try:
            decoded = decode(message, PROTOBUF, signal)
            if decoded.records:
                self.accept(decoded.records)
        except InfiniumError as error:
            return reject(error)
        return decoded

    def _is_authorized(self, context: Any) -> bool:
        if not self.access.token:
            return True
        given = dict(context.invocation_metadata()).get("authorization", "")
        scheme, _, token = str(given).partition(" ")
        is_right = compare_digest(token.strip().encode(), self.access.token.encode())
        return is_right and scheme.lower() == "bearer"

    async def _abort(self, context: Any, rejection: Rejection) -> NoReturn:
        code = CODES[rejection.code]
        self.counters.count_refused(code.name)
        if rejection.mistake:
            self._note(context, rejection.mistake, rejection.message)
        details: tuple[tuple[str, bytes], ...] = ()
        if rejection.retry_after_s is not None:
            retry_info = encode_retry_info(rejection.retry_after_s)
            details = (
                ("google.rpc.retryinfo-bin", retry_info),
                (
                    "grpc-status-details-bin",
                    encode_details(rejection.code, rejection.message, retry_info),
                ),
            )
        await context.abort(code, rejection.message, details)
        raise AssertionError  # pragma: no cover - abort raises

    def _note(self, context: Any, kind: str, message: str) -> None:
        sender = unquote(context.peer()).partition(":")[2].rpartition(":")[0]
        metadata = dict(context.invocation_metadata())
        agent = show(str(metadata.get("user-agent", "")))
        self.access.mistakes.add(kind, sender, f"{message} (User-Agent: {agent})")


NO_TOKEN = Rejection(
    401, UNAUTHENTICATED, "a bearer token is required", mistake="token"
)


class OtlpMethods(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio has no types
    """Finds the method of a call.

    Args:
        receiver: what responds.
    """

    def __init__(self, receiver: GrpcReceiver) -> None:
        self._receiver = receiver

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a call; for an unknown method one that explains."""
        name = handler_call_details.method
        service, _, method = name.strip("/").partition("/")
        signal = SERVICES.get(service)
        if signal is None or method != "Export":
            respond = partial(self._receiver.refuse_service, name)
        else:
            respond = partial(self._receiver.export, signal)
        return grpc.stream_unary_rpc_method_handler(respond)


@contextmanager
def receiving(
    host: str,
    port: int,
    receiver: Callable[[], GrpcReceiver],
    *,
    is_shared: bool = False,
) -> Iterator[GrpcServer]:
    """Receive until the block ends.

    Args:
        host: to listen on.
        port: 0 for a free one.
        receiver: makes what responds, in the thread of the server's event loop.
        is_shared: whether other processes listen on the same port.

    Raises:
        InfiniumError: the address cannot be bound.
    """
    server = GrpcServer(receiver, is_shared=is_shared)
    try:
        server.start(host, port)
        yield server
    finally:
        server.stop()


class GrpcServer:
    """A server in a thread of its own, with its own event loop.

    Args:
        receiver: as for `receiving`.
        is_shared: as for `receiving`.

    Attributes:
        port: where it listens.
        address: the same, with the host.
    """

    def __init__(
        self, receiver: Callable[[], GrpcReceiver], *, is_shared: bool = False
    ) -> None:
        self._make_receiver = receiver
        self._is_shared = is_shared
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(
            target=self._loop.run_forever, name="infinium-otel-grpc", daemon=True
        )
        self._server: Any = None
        self.port = 0
        self.address = ""

    def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            InfiniumError: the address cannot be bound.
        """
        raise_limit(math.ceil(MAX_CONNECTIONS / DESCRIPTORS))
        self._thread.start()
        self._run(self._start(f"{format_host(host)}:{port}"), START_S)

    def stop(self) -> None:
        """Finish the calls in progress, and end. A second call does nothing."""
        if not self._thread.is_alive():
            return
        if self._server is not None:
            self._run(self._server.stop(GRACE_S), START_S + GRACE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, step: Any, timeout_s: float) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(timeout_s)

    async def _start(self, address: str) -> None:
        server = grpc.aio.server(
            handlers=[OtlpMethods(self._make_receiver())],
            options=[
                *OPTIONS,
                (SHARED, int(self._is_shared)),
                (BOUND, share(MAX_CONNECTIONS, DESCRIPTORS)),
            ],
            maximum_concurrent_rpcs=MAX_CALLS,
        )
        try:
            self.port = server.add_insecure_port(address)
        except RuntimeError:
            raise InfiniumError(f"cannot listen on {address} for gRPC") from None
        self.address = f"{address.rpartition(':')[0]}:{self.port}"
        await server.start()
        self._server = server
