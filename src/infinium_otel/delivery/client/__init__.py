"""The clients: the calls of the vendor's SDK, without asyncio and with it.

Both drive the same generators; what differs is how a step is performed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.client.blocking import InfiniumClient

if TYPE_CHECKING:
    from infinium_otel.delivery.client.awaiting import AsyncInfiniumClient

__all__ = ["AsyncInfiniumClient", "InfiniumClient"]


def __getattr__(name: str) -> Any:
    # httpx and asyncio cost 100 ms that a program without asyncio need not pay.
    if name == "AsyncInfiniumClient":
        from infinium_otel.delivery.client.awaiting import (  # noqa: PLC0415 - see above
            AsyncInfiniumClient,
        )

        return AsyncInfiniumClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
