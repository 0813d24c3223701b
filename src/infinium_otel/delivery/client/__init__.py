"""The API clients, sync and asyncio, with the methods of the vendor's SDK.

Both run the same generators (`api_calls`) and differ in how they perform a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.delivery.client.sync import InfiniumClient

if TYPE_CHECKING:
    from infinium_otel.delivery.client.aio import AsyncInfiniumClient

__all__ = ["AsyncInfiniumClient", "InfiniumClient"]


def __getattr__(name: str) -> Any:
    # Importing httpx and asyncio takes 100 ms, which sync programs should not pay.
    if name == "AsyncInfiniumClient":
        from infinium_otel.delivery.client.aio import (  # noqa: PLC0415 - see above
            AsyncInfiniumClient,
        )

        return AsyncInfiniumClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
