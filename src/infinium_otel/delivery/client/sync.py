"""The client for programs without asyncio."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.delivery.client.api_calls import create_task
from infinium_otel.delivery.client.base import Client
from infinium_otel.delivery.client.batch import (
    check_batch,
    make_batch_error,
    make_batch_result,
)
from infinium_otel.delivery.protocol import Wait
from infinium_otel.delivery.transport.sockets import make_transport
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


class InfiniumClient(Client):
    """Sends tasks to Infinium and reads their interpretations. Thread-safe.

    A missing setting is read from the environment (`INFINIUM_AGENT_ID`,
    `INFINIUM_AGENT_SECRET`, ...), else it has its default. The arguments are those of
    the vendor's SDK.

    Args:
        agent_id: a UUID.
        agent_secret: its secret; appears in no repr and no message.
        base_url: the base URL of the API.
        timeout: seconds one attempt may take.
        max_retries: further attempts after a failure that may be temporary.
        enable_rate_limiting: False sends as fast as possible.
        requests_per_second: upper limit of the average rate.
        user_agent: the User-Agent header.
        enable_logging: sets the level of this package's logger; adds no handler.
        log_level: the level.
        verify_ssl: False accepts any certificate.
        redact: False sends texts as they are; by default credentials are removed from
            them. A callable (key, text) -> text runs after that.
        config: all settings at once; the arguments above override it.

    Raises:
        ConfigurationError: names every mistake.
    """

    def _connect(self) -> None:
        self._transport = make_transport(self.config)

    def send_task(
        self,
        name: str,
        description: str,
        duration: float,
        current_datetime: str | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """Send a task given by its fields; see `create_task_data` for the arguments.

        Raises:
            ValidationError: a field is invalid; nothing was sent.
            InfiniumError: as `send_task_data`.
        """
        task = create_task(name, description, duration, current_datetime, kwargs)
        return self.send_task_data(task)

    def send_task_data(
        self, task_data: TaskData, *, idempotency_key: str | None = None
    ) -> ApiResponse:
        """Send a task; retries failures that may be temporary.

        Args:
            task_data: the task; mappings inside become Infinium's types.
            idempotency_key: the same for two calls that send the same task; None
                generates one, used for all retries of this call.

        Raises:
            ValidationError: a field is invalid, or the service refused the task.
            AuthenticationError: the credentials were refused.
            RateLimitError: too many requests, and the delay is longer than a call may wait.
            NetworkError: no response after all retries; a timeout is one of these.
            ServerError: the service failed after all retries.
        """
        return self._run(self.calls.send(task_data, idempotency_key))

    def send_tasks_batch(
        self,
        tasks: Sequence[TaskData],
        max_concurrent: int = 5,
        fail_fast: bool = False,  # noqa: FBT001, FBT002 - the vendor's argument
    ) -> BatchResult:
        """Send tasks concurrently; the results are in the order of the tasks.

        Args:
            tasks: at least one.
            max_concurrent: requests at the same time.
            fail_fast: stop at the first failure; tasks not started yet are not sent.

        Raises:
            ValidationError: no tasks, or `max_concurrent` below 1.
            BatchError: a task failed and *fail_fast* is true.
        """
        check_batch(tasks, max_concurrent)
        self.require_open()
        stop = threading.Event()

        def send(task: TaskData) -> ApiResponse | InfiniumError | None:
            if stop.is_set():
                return None
            try:
                return self.send_task_data(task)
            except InfiniumError as error:
                if fail_fast:
                    stop.set()
                return error

        with ThreadPoolExecutor(max_concurrent) as pool:
            results = list(pool.map(send, tasks))
        if stop.is_set():
            raise make_batch_error(tasks, results)
        return make_batch_result(tasks, results)

    def get_interpreted_task_result(self, task_id: str) -> ApiResponse:
        """Get the interpretation of a task; `data` lacks it until it is ready.

        Args:
            task_id: `data["traceId"]` of the response to the task.

        Raises:
            ValidationError: *task_id* is not a UUID.
            NotFoundError: there is no such task.
            InfiniumError: as `send_task_data`.
        """
        return self._run(self.calls.get_result(task_id))

    def wait_for_interpretation(
        self, trace_id: str, timeout: float = 120.0, poll_interval: float = 3.0
    ) -> ApiResponse:
        """Poll until the interpretation is ready.

        Args:
            trace_id: as in `get_interpreted_task_result`.
            timeout: maximum seconds to wait.
            poll_interval: seconds between two requests.

        Raises:
            InfiniumTimeoutError: it was not ready in time.
        """
        return self._run(
            self.calls.poll_interpretation(trace_id, timeout, poll_interval)
        )

    def get_prompt(
        self,
        prompt_id: str,
        prompt_key: str,
        version: str | int = "latest",
        variables: Mapping[str, str] | None = None,
    ) -> PromptContent:
        """Get a prompt from the prompt store.

        Args:
            prompt_id: a UUID.
            prompt_key: the prompt's own key.
            version: a positive number, or "latest".
            variables: values for `{{name}}` placeholders; an unknown name is kept as is.

        Raises:
            ValidationError: an argument is invalid.
            NotFoundError: there is no such prompt or version.
            AuthenticationError: the key does not belong to this prompt.
        """
        return self._run(
            self.calls.get_prompt(prompt_id, prompt_key, version, variables)
        )

    def close(self) -> None:
        """Close the connections; later calls raise ClosedError."""
        self.closed = True
        self._transport.close()

    def __enter__(self) -> InfiniumClient:  # noqa: PYI034 - Self is Python 3.11's
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, steps: Generator[Send | Wait, StepResult, T]) -> T:
        self.require_open()
        response: StepResult = None
        while True:
            try:
                step = steps.send(response)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                response = None
            else:
                with suppress_instrumentation():
                    response = self._transport.perform(step)
