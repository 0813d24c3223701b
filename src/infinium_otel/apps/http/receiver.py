"""The OTLP/HTTP endpoint that the gateway and the local server share.

`request_checks` and `outcomes` decide; this module reads, decodes and responds.

Source: the OTLP specification, "OTLP/HTTP": the response has the
encoding of the request, unusable spans are reported as a partial success, an error is a
`google.rpc.Status`, and 429 with Retry-After makes the sender retry.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from infinium_otel import otlp
from infinium_otel.apps.http.body_limiter import BodyLimiter
from infinium_otel.apps.http.export_response import (
    JSON,
    PROTOBUF,
    encode_error,
    encode_success,
    parse_encoding,
)
from infinium_otel.apps.http.mistakes import MistakeLog
from infinium_otel.apps.http.otlp_paths import SIGNALS, show
from infinium_otel.apps.http.outcomes import Rejection, reject
from infinium_otel.apps.http.request_checks import Accepted, check_head
from infinium_otel.errors import DecodingError, InfiniumError, MissingExtraError
from infinium_otel.otlp import files
from infinium_otel.records.bounds import check_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyio import CapacityLimiter
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send

    from infinium_otel.otlp import Decoded, Record

logger = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

LARGE_BYTES = 256 * 1024
"""A body larger than this is decoded alone: what is made of it may be large as well."""

DECODERS = 4
"""Smaller bodies that are decoded at a time."""

UNAVAILABLE_STATUS = 503

METRICS_DROPPED = (
    "sends metrics, which are accepted and dropped: nothing is made of them. "
    "OTEL_METRICS_EXPORTER=none stops them"
)


@dataclass(slots=True)
class RequestCounters:
    """Counts since the start; `/healthz` of the gateway shows them.

    Args:
        requests: received; `refused` of them got an error.
        records: spans and log records accepted.
        left_out: spans and log records that could not be decoded.
        metrics: requests with metrics, which are dropped.
        by_status: the refused requests, by their status.
    """

    requests: int = 0
    refused: int = 0
    records: int = 0
    left_out: int = 0
    metrics: int = 0
    by_status: dict[str, int] = field(default_factory=dict)

    def count_refused(self, status: str) -> None:
        """Count a request that got an error."""
        self.refused += 1
        self.by_status[status] = self.by_status.get(status, 0) + 1

    def count_accepted(self, decoded: Decoded) -> None:
        """Count what a request contained."""
        self.records += len(decoded.records)
        self.left_out += decoded.skipped


def build(
    accept: Callable[[list[Record]], None],
    counters: RequestCounters | None = None,
    limiter: BodyLimiter | None = None,
    mistakes: MistakeLog | None = None,
    *,
    paths: Mapping[str, str] = SIGNALS,
) -> OtlpReceiver:
    """Build the endpoint.

    Args:
        accept: called with the records of one request, in a worker thread. It may raise
            `BusyError`: the sender then retries.
        counters: updated with each request.
        limiter: the bounds on request bodies; the response is 413 past that of one
            body, 429 past that of all together.
        mistakes: counts and logs what senders do wrong.
        paths: the signal of each path.

    Raises:
        MissingExtraError: the `server` extra is not installed.
    """
    try:
        import starlette.routing  # noqa: F401, PLC0415 - an extra
        from anyio import CapacityLimiter  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("Receiving OTLP", "server") from None
    return OtlpReceiver(
        accept,
        counters or RequestCounters(),
        limiter or BodyLimiter(),
        mistakes or MistakeLog(),
        paths,
        small=CapacityLimiter(DECODERS),
        large=CapacityLimiter(1),
    )


def decode(plain: bytes, encoding: str, signal: str) -> Decoded:
    """Decode a request that is not compressed.

    Args:
        plain: the body.
        encoding: `JSON` or `PROTOBUF`.
        signal: "traces" or "logs".

    Raises:
        DecodingError: it is not OTLP, or holds too much (413).
    """
    if encoding == PROTOBUF:
        decoded = otlp.from_protobuf(plain, signal)
    else:
        decoded = files.decode_json(plain)
    check_runs(decoded.records)
    return decoded


@dataclass(frozen=True, slots=True)
class OtlpReceiver:
    """An ASGI application that accepts OTLP, and explains what it does not accept.

    `build` makes one; its arguments are described there.
    """

    accept: Callable[[list[Record]], None]
    counters: RequestCounters
    limiter: BodyLimiter
    mistakes: MistakeLog
    paths: Mapping[str, str]
    small: CapacityLimiter
    large: CapacityLimiter

    def routes(self, *, any_path: bool = False) -> list[Route]:
        """The routes, for a Starlette application.

        Args:
            any_path: explain wrong paths everywhere, not only below `/v1`. The route
                must then be the last one.
        """
        from starlette.routing import Route  # noqa: PLC0415 - an extra

        if self.paths is not SIGNALS:
            return [Route(path, self) for path in self.paths]
        return [Route("/{rest:path}" if any_path else "/v1/{rest:path}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request."""
        from starlette.requests import Request  # noqa: PLC0415 - an extra

        request = Request(scope, receive)
        response = await self.respond(request)
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        """The response to a request, whatever its path and method."""
        from starlette.requests import ClientDisconnect  # noqa: PLC0415 - an extra

        self.counters.requests += 1
        head = check_head(
            request.method,
            request.scope["path"],
            request.scope.get("http_version", "1.1"),
            request.headers,
            self.paths,
        )
        try:
            return await self._respond(request, head)
        except InfiniumError as error:
            return self._reject(request, reject(_forget_frames(error)))
        except ClientDisconnect:
            gone = DecodingError("the sender disconnected")
            return self._reject(request, reject(gone))

    async def _respond(self, request: Request, head: Accepted | Rejection) -> Response:
        if isinstance(head, Rejection):
            await self.limiter.discard(request)
            return self._reject(request, head)
        if head.signal == "metrics":
            await self.limiter.discard(request)
            self.counters.metrics += 1
            self._note(request, "metrics", METRICS_DROPPED)
            body = encode_success(head.encoding, "traces", 0, "")
            return _make_response(head.encoding, 200, body)
        result = await self._receive(request, head)
        if isinstance(result, InfiniumError):
            _log_failure(result)
            return self._reject(request, reject(result))
        self.counters.count_accepted(result)
        problems = "; ".join(result.problems)
        body = encode_success(head.encoding, head.signal, result.skipped, problems)
        return _make_response(head.encoding, 200, body)

    async def _receive(
        self, request: Request, head: Accepted
    ) -> Decoded | InfiniumError:
        from anyio import to_thread  # noqa: PLC0415 - an extra

        with self.limiter.reserve() as reservation:
            body = await reservation.read(request)
            plain = await to_thread.run_sync(
                _catch, reservation.decompress, body, head.compression
            )
            del body
            if isinstance(plain, InfiniumError):
                return plain
            # decoding a large body would block the event loop
            limiter = self.large if len(plain) > LARGE_BYTES else self.small
            return await to_thread.run_sync(
                _catch, self._decode, plain, head, limiter=limiter
            )

    def _decode(self, plain: bytes, head: Accepted) -> Decoded:
        decoded = decode(plain, head.encoding, head.signal)
        if decoded.records:
            self.accept(decoded.records)
        return decoded

    def _reject(self, request: Request, rejection: Rejection) -> Response:
        """Build an error response; 429 and 503 make the sender retry."""
        self.counters.count_refused(str(rejection.status))
        if rejection.mistake:
            self._note(request, rejection.mistake, rejection.message)
        encoding = parse_encoding(request.headers.get("content-type", "")) or JSON
        body = encode_error(encoding, rejection.code, rejection.message)
        headers = dict(rejection.headers or {})
        if rejection.retry_after_s is not None:
            headers["retry-after"] = str(rejection.retry_after_s)
        return _make_response(encoding, rejection.status, body, headers)

    def _note(self, request: Request, kind: str, message: str) -> None:
        address = request.client.host if request.client else ""
        agent = show(request.headers.get("user-agent", ""))
        described = f"{message} (User-Agent: {agent})" if agent else message
        self.mistakes.add(kind, address, described)


def _catch(
    function: Callable[P, T], *arguments: P.args, **options: P.kwargs
) -> T | InfiniumError:
    """Call *function* in a worker thread; its error is returned.

    An error that is raised through a future refers to itself, by the frames in its
    traceback: their body would be in memory until the garbage collector runs.
    """
    try:
        return function(*arguments, **options)
    except InfiniumError as error:
        return _forget_frames(error)


def _forget_frames(error: InfiniumError) -> InfiniumError:
    """Remove from an error what refers to the frames it was raised in."""
    error.__context__ = None
    return error.with_traceback(None)


def _log_failure(error: InfiniumError) -> None:
    if reject(error).status == UNAVAILABLE_STATUS:
        logger.warning("a request could not be processed: %s", type(error).__name__)


def _make_response(
    encoding: str, code: int, body: bytes, headers: dict[str, str] | None = None
) -> Response:
    from starlette.responses import Response  # noqa: PLC0415 - an extra

    return Response(body, code, headers, media_type=encoding)
