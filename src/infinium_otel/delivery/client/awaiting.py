"""The client for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.delivery.batch import check_batch, collected, stopped
from infinium_otel.delivery.calls import new_task
from infinium_otel.delivery.client.settings import Client
from infinium_otel.delivery.httpx_transport import AsyncTransport
from infinium_otel.delivery.network import untraced
from infinium_otel.errors import InfiniumError
from infinium_otel.protocol import Wait

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from infinium_otel.protocol import Answer, Send
    from infinium_otel.taskdata import (
        ApiResponse,
        BatchResult,
        PromptContent,
        TaskData,
    )

T = TypeVar("T")


class AsyncInfiniumClient(Client):
    """As `InfiniumClient`, for asyncio; works in any number of event loops.

    See `InfiniumClient` for the arguments and for what each method raises.
    """

    def _connect(self) -> None:
        self._transport = AsyncTransport(
            self.config.base_url, verify_ssl=self.config.verify_ssl
        )

    async def send_task(
        self,
        name: str,
        description: str,
        duration: float,
        current_datetime: str | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """Sends a task given in parts."""
        task = new_task(name, description, duration, current_datetime, kwargs)
        return await self.send_task_data(task)

    async def send_task_data(
        self, task_data: TaskData, *, idempotency_key: str | None = None
    ) -> ApiResponse:
        """Sends a task, retrying where that may help."""
        return await self._run(self.calls.send(task_data, idempotency_key))

    async def send_tasks_batch(
        self,
        tasks: Sequence[TaskData],
        max_concurrent: int = 5,
        fail_fast: bool = False,  # noqa: FBT001, FBT002 - the vendor's argument
    ) -> BatchResult:
        """Sends tasks, several at once; results stand in the order of the tasks."""
        check_batch(tasks, max_concurrent)
        self.require_open()
        places = asyncio.Semaphore(max_concurrent)
        halt = False

        async def send(task: TaskData) -> ApiResponse | InfiniumError | None:
            nonlocal halt
            async with places:
                if halt:
                    return None
                try:
                    return await self.send_task_data(task)
                except InfiniumError as error:
                    halt = halt or fail_fast
                    return error

        results = await asyncio.gather(*(send(task) for task in tasks))
        if halt:
            raise stopped(tasks, results)
        return collected(tasks, results)

    async def get_interpreted_task_result(self, task_id: str) -> ApiResponse:
        """The interpretation of a task; `data` lacks it while it is not ready."""
        return await self._run(self.calls.result(task_id))

    async def wait_for_interpretation(
        self,
        trace_id: str,
        timeout: float = 120.0,
        poll_interval: float = 3.0,
    ) -> ApiResponse:
        """Asks until the interpretation is ready."""
        return await self._run(
            self.calls.interpretation(trace_id, timeout, poll_interval)
        )

    async def get_prompt(
        self,
        prompt_id: str,
        prompt_key: str,
        version: str | int = "latest",
        variables: Mapping[str, str] | None = None,
    ) -> PromptContent:
        """A prompt of the prompt store."""
        return await self._run(
            self.calls.prompt(prompt_id, prompt_key, version, variables)
        )

    async def close(self) -> None:
        """Closes the connections; using the client afterwards raises ClosedError."""
        self.closed = True
        await self._transport.aclose()

    async def __aenter__(self) -> AsyncInfiniumClient:  # noqa: PYI034 - Self is Python 3.11's
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, flow: Generator[Send | Wait, Answer, T]) -> T:
        self.require_open()
        answer: Answer = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                answer = None
            else:
                with untraced():
                    answer = await self._transport.perform(step)
