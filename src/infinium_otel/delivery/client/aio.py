"""The client for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.delivery.client.api_calls import create_task
from infinium_otel.delivery.client.base import Client
from infinium_otel.delivery.client.batch import (
    check_batch,
    make_batch_error,
    make_batch_result,
)
from infinium_otel.delivery.protocol import Wait
from infinium_otel.delivery.transport.proxies import AsyncTransport
from infinium_otel.delivery.transport.suppression import suppress_instrumentation
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from infinium_otel.delivery.protocol import Send, StepResult
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
        """Send a task given by its fields."""
        task = create_task(name, description, duration, current_datetime, kwargs)
        return await self.send_task_data(task)

    async def send_task_data(
        self, task_data: TaskData, *, idempotency_key: str | None = None
    ) -> ApiResponse:
        """Send a task; retries failures that may be temporary."""
        return await self._run(self.calls.send(task_data, idempotency_key))

    async def send_tasks_batch(
        self,
        tasks: Sequence[TaskData],
        max_concurrent: int = 5,
        fail_fast: bool = False,  # noqa: FBT001, FBT002 - the vendor's argument
    ) -> BatchResult:
        """Send tasks concurrently; the results are in the order of the tasks."""
        check_batch(tasks, max_concurrent)
        self.require_open()
        slots = asyncio.Semaphore(max_concurrent)
        stop = False

        async def send(task: TaskData) -> ApiResponse | InfiniumError | None:
            nonlocal stop
            async with slots:
                if stop:
                    return None
                try:
                    return await self.send_task_data(task)
                except InfiniumError as error:
                    stop = stop or fail_fast
                    return error

        results = await asyncio.gather(*(send(task) for task in tasks))
        if stop:
            raise make_batch_error(tasks, results)
        return make_batch_result(tasks, results)

    async def get_interpreted_task_result(self, task_id: str) -> ApiResponse:
        """Get the interpretation of a task; `data` lacks it until it is ready."""
        return await self._run(self.calls.get_result(task_id))

    async def wait_for_interpretation(
        self,
        trace_id: str,
        timeout: float = 120.0,
        poll_interval: float = 3.0,
    ) -> ApiResponse:
        """Poll until the interpretation is ready."""
        return await self._run(
            self.calls.poll_interpretation(trace_id, timeout, poll_interval)
        )

    async def get_prompt(
        self,
        prompt_id: str,
        prompt_key: str,
        version: str | int = "latest",
        variables: Mapping[str, str] | None = None,
    ) -> PromptContent:
        """Get a prompt from the prompt store."""
        return await self._run(
            self.calls.get_prompt(prompt_id, prompt_key, version, variables)
        )

    async def close(self) -> None:
        """Close the connections; later calls raise ClosedError."""
        self.closed = True
        await self._transport.aclose()

    async def __aenter__(self) -> AsyncInfiniumClient:  # noqa: PYI034 - Self is Python 3.11's
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, steps: Generator[Send | Wait, StepResult, T]) -> T:
        self.require_open()
        response: StepResult = None
        while True:
            try:
                step = steps.send(response)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                response = None
            else:
                with suppress_instrumentation():
                    response = await self._transport.perform(step)
