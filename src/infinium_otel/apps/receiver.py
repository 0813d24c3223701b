"""The OTLP/HTTP endpoint that the gateway and the local server share.

Source: the OTLP specification, "OTLP/HTTP": the reply speaks the request's encoding,
what cannot be used is told as a partial success, an error is a `google.rpc.Status`,
and 429 with Retry-After asks the sender to send the same again.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel import otlp
from infinium_otel.apps.bodies import Bodies, BodyError, BusyError
from infinium_otel.apps.replies import JSON, PROTOBUF, encoding_of, receipt, status
from infinium_otel.errors import DecodingError, InfiniumError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from infinium_otel.apps.bodies import Hold
    from infinium_otel.otlp import Decoded, Record

logger = logging.getLogger(__name__)

INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE = 3, 8, 14
"""Kinds of error. Source: google/rpc/code.proto."""


@dataclass(slots=True)
class Receipts:
    """What came in since the start.

    Args:
        requests: that arrived; `refused` of them were answered with an error.
        records: spans and log records handed on.
        left_out: spans and log records that could not be used.
    """

    requests: int = 0
    refused: int = 0
    records: int = 0
    left_out: int = 0


def routes(
    accept: Callable[[list[Record]], None],
    receipts: Receipts | None = None,
    bodies: Bodies | None = None,
) -> list[Route]:
    """`/v1/traces` and `/v1/logs`, for a Starlette application.

    Args:
        accept: takes the records of one request, in a worker thread. It may raise
            `BusyError`: the sender is then asked to send the same again.
        receipts: counted up, for whoever shows them.
        bodies: the bounds of what is read; past one body's the answer is 413, past
            that of all together 429.

    Raises:
        MissingExtraError: the `server` extra is not installed.
    """
    try:
        from starlette.routing import Route  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("Receiving OTLP", "server") from None
    endpoint = _Endpoint(accept, receipts or Receipts(), bodies or Bodies())
    return [
        Route("/v1/traces", endpoint.traces, methods=["POST"]),
        Route("/v1/logs", endpoint.logs, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    accept: Callable[[list[Record]], None]
    receipts: Receipts
    bodies: Bodies

    async def traces(self, request: Request) -> Response:
        return await self._answered(request, "traces")

    async def logs(self, request: Request) -> Response:
        return await self._answered(request, "logs")

    async def _answered(self, request: Request, signal: str) -> Response:
        from starlette.requests import ClientDisconnect  # noqa: PLC0415 - an extra

        self.receipts.requests += 1
        try:
            return await self._received(request, signal)
        except InfiniumError as error:
            refusal = error
        except ClientDisconnect:
            refusal = DecodingError("the sender went away")
        self.receipts.refused += 1
        return _refused(request, refusal)

    async def _received(self, request: Request, signal: str) -> Response:
        from starlette.concurrency import run_in_threadpool  # noqa: PLC0415 - an extra

        encoding = encoding_of(request.headers.get("content-type", ""))
        with self.bodies.hold() as hold:
            body = await hold.read(request)
            if encoding is None:
                message = f"unsupported Content-Type; send {PROTOBUF} or {JSON}"
                raise BodyError(message, status_code=415)
            packing = request.headers.get("content-encoding", "").strip().lower()
            # decoding takes long enough to keep the loop from its other work
            decoded = await run_in_threadpool(
                self._taken, hold, body, packing, encoding, signal
            )
        self.receipts.records += len(decoded.records)
        self.receipts.left_out += decoded.left_out
        problems = "; ".join(decoded.problems)
        return _reply(
            encoding, 200, receipt(encoding, signal, decoded.left_out, problems)
        )

    def _taken(
        self, hold: Hold, body: bytes, packing: str, encoding: str, signal: str
    ) -> Decoded:
        plain = hold.decompressed(body, packing)
        if encoding == PROTOBUF:
            decoded = otlp.from_protobuf(plain, signal)
        else:
            decoded = otlp.from_json(document(plain))
        if decoded.records:
            self.accept(decoded.records)
        return decoded


def document(body: bytes) -> object:
    """The JSON value that *body* is.

    Raises:
        DecodingError: it is none.
    """
    try:
        return json.loads(body)
    except (RecursionError, ValueError):
        raise DecodingError("not OTLP: the body is no JSON") from None


def _refused(request: Request, error: InfiniumError) -> Response:
    """The answer to a request that was not taken; the sender keeps what it holds."""
    encoding = encoding_of(request.headers.get("content-type", "")) or JSON
    if isinstance(error, BusyError):
        wait = {"retry-after": str(max(1, math.ceil(error.retry_after or 1)))}
        body = status(encoding, RESOURCE_EXHAUSTED, error.message)
        return _reply(encoding, 429, body, wait)
    if isinstance(error, (BodyError, DecodingError)):
        body = status(encoding, INVALID_ARGUMENT, error.message)
        return _reply(encoding, error.status_code or 400, body)
    logger.warning("a request was not taken: %s", type(error).__name__)
    body = status(encoding, UNAVAILABLE, "cannot take this now")
    return _reply(encoding, 503, body, {"retry-after": "5"})


def _reply(
    encoding: str, code: int, body: bytes, headers: dict[str, str] | None = None
) -> Response:
    from starlette.responses import Response  # noqa: PLC0415 - an extra

    return Response(body, code, headers, media_type=encoding)
