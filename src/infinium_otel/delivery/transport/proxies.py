"""The same interface over httpx, for proxies and asyncio."""

from __future__ import annotations

import asyncio
import time
import weakref
from typing import TYPE_CHECKING, Any

import httpx

from infinium_otel.delivery.locks import get_loop_id
from infinium_otel.delivery.protocol import Response, TransportFailure
from infinium_otel.delivery.transport.network import (
    MAX_REPLY_BYTES,
    find_proxy,
    make_tls_context,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from infinium_otel.delivery.protocol import Request, Send


class ProxyTransport:
    """Performs `Send` steps through a proxy. Thread-safe.

    Args:
        proxy: the proxy's URL; credentials in it are sent to the proxy.
        verify_ssl: False accepts any certificate.
    """

    def __init__(self, proxy: str, *, verify_ssl: bool = True) -> None:
        self._proxy, self._verify_ssl = proxy, verify_ssl
        self._transports: dict[int, httpx.HTTPTransport] = {}
        self._get_transport()

    def _get_transport(self) -> httpx.HTTPTransport:
        """That of the calling thread's event loop; threads share one if there is none."""
        loop = get_loop_id()
        if loop not in self._transports:
            settings = _make_settings(self._proxy, verify_ssl=self._verify_ssl)
            self._transports[loop] = httpx.HTTPTransport(**settings)
        return self._transports[loop]

    def perform(self, send: Send) -> Response | TransportFailure:
        """Send a request and read the response; never raises."""
        deadline = time.monotonic() + send.timeout_s
        request = _to_httpx_request(send.request, send.timeout_s)
        try:
            response = self._get_transport().handle_request(request)
            reader = _BodyReader()
            try:
                for chunk in response.iter_raw():
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("")
                    if not reader.add(chunk):
                        response.close()
                body = reader.get_body()
            except httpx.TransportError:
                body = _read_partial_body(send.request)
            finally:
                response.close()
            return _to_response(response, body)
        except (httpx.HTTPError, OSError, RuntimeError, ValueError) as error:
            return _to_failure(error, send)

    def close(self) -> None:
        """Close idle connections."""
        for transport in self._transports.values():
            transport.close()

    def after_fork_in_child(self) -> None:
        """Drop the connections, which belong to the parent."""
        self._transports = {}


class AsyncTransport:
    """Performs `Send` steps under asyncio, on any number of event loops.

    Each loop has its own connections. An asynchronous generator holds them, which the
    loop closes on shutdown (`loop.shutdown_asyncgens`), so no connection leaks.

    Args:
        base_url: scheme and host of every request; decides which proxy to use.
        verify_ssl: False accepts any certificate.
    """

    def __init__(self, base_url: str, *, verify_ssl: bool = True) -> None:
        self._settings = _make_settings(find_proxy(base_url), verify_ssl=verify_ssl)
        self._held: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[httpx.AsyncHTTPTransport, None]
        ] = weakref.WeakKeyDictionary()
        self._transports: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, httpx.AsyncHTTPTransport
        ] = weakref.WeakKeyDictionary()

    async def perform(self, send: Send) -> Response | TransportFailure:
        """Send a request and read the response; raises only if cancelled."""
        try:
            return await asyncio.wait_for(self._exchange(send), send.timeout_s)
        except asyncio.TimeoutError:
            detail = f"no response within {send.timeout_s:g} seconds"
            return TransportFailure("timeout", detail, send.timeout_s)
        except (httpx.HTTPError, OSError, RuntimeError, ValueError) as error:
            return _to_failure(error, send)

    async def _exchange(self, send: Send) -> Response:
        transport = await self._get_transport()
        request = _to_httpx_request(send.request, send.timeout_s)
        response = await transport.handle_async_request(request)
        try:
            reader = _BodyReader()
            async for chunk in response.aiter_raw():
                if not reader.add(chunk):
                    await response.aclose()
            body = reader.get_body()
        except httpx.TransportError:
            body = _read_partial_body(send.request)
        finally:
            await response.aclose()
        return _to_response(response, body)

    async def _get_transport(self) -> httpx.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        if loop not in self._transports:
            held = _hold_open(httpx.AsyncHTTPTransport(**self._settings))
            self._held[loop] = held
            self._transports[loop] = await held.__anext__()
        return self._transports[loop]

    async def aclose(self) -> None:
        """Close the connections of the running loop; other loops close their own."""
        loop = asyncio.get_running_loop()
        self._transports.pop(loop, None)
        held = self._held.pop(loop, None)
        if held is not None:
            await held.aclose()


class _BodyReader:
    """Collects the body of a response, up to `MAX_REPLY_BYTES`.

    Once it is full, close the response and read on: reading ends with an error then, or
    with what was already received. Leaving the loop early would leave httpx's nested
    generators to the garbage collector, which the event loop may not survive to run.
    """

    def __init__(self) -> None:
        self._body = bytearray()
        self._full = False

    def add(self, chunk: bytes) -> bool:
        """Add a chunk; False once there is more than fits."""
        self._full = self._full or len(self._body) + len(chunk) > MAX_REPLY_BYTES
        if not self._full:
            self._body += chunk
        return not self._full

    def get_body(self) -> bytes:
        """The whole body.

        Raises:
            httpx.RemoteProtocolError: it was longer than the limit.
        """
        if self._full:
            raise httpx.RemoteProtocolError("")
        return bytes(self._body)


async def _hold_open(
    transport: httpx.AsyncHTTPTransport,
) -> AsyncGenerator[httpx.AsyncHTTPTransport, None]:
    async with transport:
        yield transport


def _make_settings(proxy: str | None, *, verify_ssl: bool) -> dict[str, Any]:
    return {
        "verify": make_tls_context(verify=verify_ssl),
        "proxy": httpx.Proxy(proxy) if proxy else None,
        "trust_env": False,
    }


def _to_httpx_request(request: Request, timeout_s: float) -> httpx.Request:
    headers = [
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        *request.headers,
    ]
    phases = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        content=request.body if request.method == "POST" else None,
        extensions={"timeout": phases},
    )


def _to_response(response: httpx.Response, body: bytes) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, body)


def _read_partial_body(request: Request) -> bytes:
    """The body after a read error: after a POST the status alone decides."""
    if request.method != "POST":
        raise  # noqa: PLE0704 - the error being handled
    return b""


def _to_failure(error: Exception, send: Send) -> TransportFailure:
    """Why there is no response, in our words: a library's may contain the address."""
    if isinstance(error, httpx.TimeoutException):
        detail = f"no response within {send.timeout_s:g} seconds"
        return TransportFailure("timeout", detail, send.timeout_s)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        if "SSL" in str(error):
            return TransportFailure("tls", f"no secure connection: {error}")
        return TransportFailure(
            "connect", f"cannot reach the server: {type(error).__name__}"
        )
    return TransportFailure("broken", f"connection broken: {type(error).__name__}")
