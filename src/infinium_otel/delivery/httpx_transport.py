"""The same narrow way over httpx: under asyncio, and through a proxy."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

import httpx

from infinium_otel.delivery.network import proxy_of, tls_context
from infinium_otel.protocol import NoReply, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from infinium_otel.protocol import Request, Send


class ProxyTransport:
    """Performs `Send` steps through a proxy. Thread-safe.

    Args:
        proxy: the proxy's address; credentials in it are sent to it.
        verify_ssl: False accepts any certificate.
    """

    def __init__(self, proxy: str, *, verify_ssl: bool = True) -> None:
        self._settings = _settings(proxy, verify_ssl=verify_ssl)
        self._transport = httpx.HTTPTransport(**self._settings)

    def perform(self, send: Send) -> Reply | NoReply:
        """Sends a request and reads the reply; never raises."""
        request = _request(send.request, send.timeout_s)
        try:
            response = self._transport.handle_request(request)
            try:
                body = response.read()
            except httpx.TransportError:
                body = _lost_body(send.request)
            finally:
                response.close()
            return _reply(response, body)
        except (httpx.HTTPError, OSError, ValueError) as error:
            return _missing(error, send)

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def after_fork_in_child(self) -> None:
        """Leaves the parent's connections to the parent."""
        self._transport = httpx.HTTPTransport(**self._settings)


class AsyncTransport:
    """Performs `Send` steps under asyncio, on as many event loops as there are.

    Each loop has connections of its own. They live in an asynchronous generator, which
    a loop that shuts down closes, so no loop leaves connections behind.

    Args:
        base_url: scheme and host of every request; tells which proxy to use.
        verify_ssl: False accepts any certificate.
    """

    def __init__(self, base_url: str, *, verify_ssl: bool = True) -> None:
        self._settings = _settings(proxy_of(base_url), verify_ssl=verify_ssl)
        self._held: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[httpx.AsyncHTTPTransport, None]
        ] = weakref.WeakKeyDictionary()
        self._transports: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, httpx.AsyncHTTPTransport
        ] = weakref.WeakKeyDictionary()

    async def perform(self, send: Send) -> Reply | NoReply:
        """Sends a request and reads the reply; raises only if cancelled."""
        try:
            return await asyncio.wait_for(self._exchange(send), send.timeout_s)
        except asyncio.TimeoutError:
            detail = f"no reply within {send.timeout_s:g} seconds"
            return NoReply("timeout", detail, send.timeout_s)
        except (httpx.HTTPError, OSError, ValueError) as error:
            return _missing(error, send)

    async def _exchange(self, send: Send) -> Reply:
        transport = await self._transport()
        request = _request(send.request, send.timeout_s)
        response = await transport.handle_async_request(request)
        try:
            body = await response.aread()
        except httpx.TransportError:
            body = _lost_body(send.request)
        finally:
            await response.aclose()
        return _reply(response, body)

    async def _transport(self) -> httpx.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        if loop not in self._transports:
            held = _holding(httpx.AsyncHTTPTransport(**self._settings))
            self._held[loop] = held
            self._transports[loop] = await held.__anext__()
        return self._transports[loop]

    async def aclose(self) -> None:
        """Closes the connections of the running loop; other loops close their own."""
        loop = asyncio.get_running_loop()
        self._transports.pop(loop, None)
        held = self._held.pop(loop, None)
        if held is not None:
            await held.aclose()


async def _holding(
    transport: httpx.AsyncHTTPTransport,
) -> AsyncGenerator[httpx.AsyncHTTPTransport, None]:
    async with transport:
        yield transport


def _settings(proxy: str | None, *, verify_ssl: bool) -> dict[str, Any]:
    return {
        "verify": tls_context(verify=verify_ssl),
        "proxy": httpx.Proxy(proxy) if proxy else None,
        "trust_env": False,
    }


def _request(request: Request, timeout_s: float) -> httpx.Request:
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


def _reply(response: httpx.Response, body: bytes) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, body)


def _lost_body(request: Request) -> bytes:
    """Called while an error is handled: after a POST the status alone decides."""
    if request.method != "POST":
        raise  # noqa: PLE0704 - the error being handled
    return b""


def _missing(error: Exception, send: Send) -> NoReply:
    """Why there is no reply, in our own words: a stranger's may hold the address."""
    if isinstance(error, httpx.TimeoutException):
        detail = f"no reply within {send.timeout_s:g} seconds"
        return NoReply("timeout", detail, send.timeout_s)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        if "SSL" in str(error):
            return NoReply("tls", f"no secure connection: {error}")
        return NoReply("connect", f"cannot reach the server: {type(error).__name__}")
    return NoReply("broken", f"connection broken: {type(error).__name__}")
