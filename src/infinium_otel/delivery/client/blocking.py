"""The client for programs without asyncio."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.delivery.batch import check_batch, collected, stopped
from infinium_otel.delivery.calls import new_task
from infinium_otel.delivery.client.settings import Client
from infinium_otel.delivery.network import untraced
from infinium_otel.delivery.transport import transport_for
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


class InfiniumClient(Client):
    """Sends tasks to Infinium and reads what it made of them. Thread-safe.

    A setting that is not given comes from the environment (`INFINIUM_AGENT_ID`,
    `INFINIUM_AGENT_SECRET`, ...), else it has its default. The arguments are those of
    the vendor's SDK.

    Args:
        agent_id: a UUID.
        agent_secret: its secret; shown nowhere.
        base_url: where the API lives.
        timeout: seconds one attempt may take.
        max_retries: further attempts where one may help.
        enable_rate_limiting: False sends as fast as it can.
        requests_per_second: at most, over time.
        user_agent: who the client says it is.
        enable_logging: sets the level of this package's logger; adds no handler.
        log_level: the level.
        verify_ssl: False accepts any certificate.
        config: all settings at once; arguments above win over it.

    Raises:
        ConfigurationError: names every mistake.
    """

    def _connect(self) -> None:
        self._transport = transport_for(self.config)

    def send_task(
        self,
        name: str,
        description: str,
        duration: float,
        current_datetime: str | None = None,
        **kwargs: Any,
    ) -> ApiResponse:
        """Sends a task given in parts; see `create_task_data` for the arguments.

        Raises:
            ValidationError: a field does not fit; nothing was sent.
            InfiniumError: as `send_task_data`.
        """
        task = new_task(name, description, duration, current_datetime, kwargs)
        return self.send_task_data(task)

    def send_task_data(
        self, task_data: TaskData, *, idempotency_key: str | None = None
    ) -> ApiResponse:
        """Sends a task, retrying where that may help.

        Args:
            task_data: the task; mappings inside become Infinium's types.
            idempotency_key: the same for two calls that send the same task; None for
                one of its own, kept over the retries of this call.

        Raises:
            ValidationError: a field does not fit, or the service refused the task.
            AuthenticationError: the credentials were refused.
            RateLimitError: too many requests, for longer than a call can wait.
            NetworkError: no reply, after all retries; a timeout is one of these.
            ServerError: the service failed, after all retries.
        """
        return self._run(self.calls.send(task_data, idempotency_key))

    def send_tasks_batch(
        self,
        tasks: Sequence[TaskData],
        max_concurrent: int = 5,
        fail_fast: bool = False,  # noqa: FBT001, FBT002 - the vendor's argument
    ) -> BatchResult:
        """Sends tasks, several at once; results stand in the order of the tasks.

        Args:
            tasks: at least one.
            max_concurrent: requests under way at once.
            fail_fast: stop at the first failure; tasks not begun are not sent.

        Raises:
            ValidationError: no tasks, or `max_concurrent` below 1.
            BatchError: a task failed and *fail_fast* was asked for.
        """
        check_batch(tasks, max_concurrent)
        self.require_open()
        halt = threading.Event()

        def send(task: TaskData) -> ApiResponse | InfiniumError | None:
            if halt.is_set():
                return None
            try:
                return self.send_task_data(task)
            except InfiniumError as error:
                if fail_fast:
                    halt.set()
                return error

        with ThreadPoolExecutor(max_concurrent) as pool:
            results = list(pool.map(send, tasks))
        if halt.is_set():
            raise stopped(tasks, results)
        return collected(tasks, results)

    def get_interpreted_task_result(self, task_id: str) -> ApiResponse:
        """The interpretation of a task; `data` lacks it while it is not ready.

        Args:
            task_id: `data["traceId"]` of the response to the task.

        Raises:
            ValidationError: *task_id* is no UUID.
            NotFoundError: the service does not know it.
            InfiniumError: as `send_task_data`.
        """
        return self._run(self.calls.result(task_id))

    def wait_for_interpretation(
        self, trace_id: str, timeout: float = 120.0, poll_interval: float = 3.0
    ) -> ApiResponse:
        """Asks until the interpretation is ready.

        Args:
            trace_id: as in `get_interpreted_task_result`.
            timeout: seconds to wait at most.
            poll_interval: seconds between two questions.

        Raises:
            InfiniumTimeoutError: it was not ready in time.
        """
        return self._run(self.calls.interpretation(trace_id, timeout, poll_interval))

    def get_prompt(
        self,
        prompt_id: str,
        prompt_key: str,
        version: str | int = "latest",
        variables: Mapping[str, str] | None = None,
    ) -> PromptContent:
        """A prompt of the prompt store.

        Args:
            prompt_id: a UUID.
            prompt_key: the prompt's own key.
            version: a positive number, or "latest".
            variables: values for `{{name}}` in it; an unknown name stays as it is.

        Raises:
            ValidationError: an argument does not fit.
            NotFoundError: there is no such prompt or version.
            AuthenticationError: the key is not this prompt's.
        """
        return self._run(self.calls.prompt(prompt_id, prompt_key, version, variables))

    def close(self) -> None:
        """Closes the connections; using the client afterwards raises ClosedError."""
        self.closed = True
        self._transport.close()

    def __enter__(self) -> InfiniumClient:  # noqa: PYI034 - Self is Python 3.11's
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, flow: Generator[Send | Wait, Answer, T]) -> T:
        self.require_open()
        answer: Answer = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                answer = None
            else:
                with untraced():
                    answer = self._transport.perform(step)
