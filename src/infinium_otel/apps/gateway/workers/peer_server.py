"""Receives from the other workers, in the event loop of this worker's server."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread

from infinium_otel.apps.gateway.workers.wire import (
    LENGTH,
    MAX_FRAME_BYTES,
    decode_records,
    describe_outcome,
)
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from infinium_otel.otlp import Record

logger = logging.getLogger(__name__)

MAX_HELD_BYTES = MAX_FRAME_BYTES
"""Of all frames that are being read and accepted. One that does not fit is read later."""

DECODERS = 4
"""Frames that are decoded at a time."""

QUIET_S = 6.0
"""Seconds to wait, at the end, for what other workers are still sending: a request may
take five seconds to finish after a stop signal."""


class PeerServer:
    """Accepts the records that other workers forward.

    Args:
        accept: called with the records of one frame, in a worker thread.
        listener: where the other workers connect.
    """

    def __init__(
        self, accept: Callable[[list[Record]], None], listener: socket.socket
    ) -> None:
        self._accept = accept
        self._listener = listener
        self._connections: set[asyncio.Task[None]] = set()
        self._held_bytes = 0
        self._is_stopped = False

    async def start(self) -> None:
        """Begin."""
        self._limiter = CapacityLimiter(DECODERS)
        self._has_room = asyncio.Condition()
        # Not start_unix_server, which removes the socket's file when it ends: the next
        # process of this worker needs it. Source: CPython 3.13, `asyncio.unix_events`.
        self._server = await asyncio.start_server(self._serve, sock=self._listener)

    async def wait_until_quiet(self, timeout_s: float = QUIET_S) -> None:
        """Wait until no other worker is connected: none has requests any more."""
        if self._connections:
            await asyncio.wait(self._connections, timeout=timeout_s)

    async def stop(self) -> None:
        """End, with what is in progress."""
        self._is_stopped = True
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        self._connections.add(task)
        try:
            while True:
                (n_bytes,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                writer.write(await self._receive(reader, n_bytes))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other worker has closed the connection, or has ended
        except asyncio.CancelledError:
            # By stop(). Passed on, asyncio logs it with a traceback before Python 3.12.
            # Source: python/cpython#113538.
            if not self._is_stopped:
                raise
        finally:
            self._connections.discard(task)
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader, n_bytes: int) -> bytes:
        if n_bytes > MAX_FRAME_BYTES:
            raise ConnectionAbortedError
        await self._reserve(n_bytes)
        try:
            content = await reader.readexactly(n_bytes)
            return await to_thread.run_sync(
                self._process, content, limiter=self._limiter
            )
        finally:
            async with self._has_room:
                self._held_bytes -= n_bytes
                self._has_room.notify_all()

    async def _reserve(self, n_bytes: int) -> None:
        async with self._has_room:
            await self._has_room.wait_for(
                lambda: self._held_bytes + n_bytes <= MAX_HELD_BYTES
            )
            self._held_bytes += n_bytes

    def _process(self, content: bytes) -> bytes:
        try:
            self._accept(decode_records(content))
        except InfiniumError as error:
            return describe_outcome(error)
        except Exception:
            logger.exception("A part of a request could not be processed")
            return describe_outcome(InfiniumError("failed"))
        return describe_outcome(None)
