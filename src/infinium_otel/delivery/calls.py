"""What the clients can do, each call written once as a generator of steps."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.delivery.pace import draw
from infinium_otel.errors import InfiniumError, InfiniumTimeoutError, ValidationError
from infinium_otel.limits import check
from infinium_otel.protocol import (
    Patience,
    Wait,
    encode,
    error_of,
    exchange,
    prompt_request,
    result_request,
    trace_request,
)
from infinium_otel.taskdata import ApiResponse, PromptContent, TaskData, coerce

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from infinium_otel.config import Config
    from infinium_otel.delivery.pace import TokenBucket
    from infinium_otel.protocol import Answer, Outcome, Request, Send

T = TypeVar("T")

MIN_ATTEMPT_S = 0.05
KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one client: pure but for the clocks and dice it holds.

    Args:
        bucket: the rate limit; None for none.
        clock: a monotonic clock in seconds.
    """

    config: Config
    patience: Patience
    bucket: TokenBucket | None
    user_agent: str
    clock: Callable[[], float] = time.monotonic

    def send(
        self, task: TaskData, key: str | None
    ) -> Generator[Send | Wait, Answer, ApiResponse]:
        """Delivers a task."""
        task = coerce(task, TaskData)
        check(task)
        request = trace_request(self.config, encode(task), _key(key), self.user_agent)
        return response_of((yield from self._exchange(request, self.patience)))

    def result(self, trace_id: str) -> Generator[Send | Wait, Answer, ApiResponse]:
        """Asks once for an interpreted result."""
        request = result_request(self.config, trace_id, self.user_agent)
        return response_of((yield from self._exchange(request, self.patience)))

    def interpretation(
        self, trace_id: str, timeout_s: float, poll_s: float
    ) -> Generator[Send | Wait, Answer, ApiResponse]:
        """Asks until a result is ready; "not found" is an answer of a slow service."""
        request = result_request(self.config, trace_id, self.user_agent)
        deadline = self.clock() + timeout_s
        while True:
            patience = self._until(deadline)
            outcome = yield from self._exchange(request, patience)
            if outcome.kind == "delivered":
                if (outcome.data or {}).get("interpretedTraceResult"):
                    return response_of(outcome)
            elif outcome.status != 404 and outcome.kind != "unavailable":
                raise error_of(outcome)
            pause = max(poll_s, outcome.delay_s or 0.0)
            if self.clock() + pause >= deadline:
                raise InfiniumTimeoutError(
                    f"no interpretation of {trace_id} after {timeout_s:g} seconds",
                    timeout_duration=timeout_s,
                )
            yield Wait(pause)

    def prompt(
        self,
        prompt_id: str,
        prompt_key: str,
        version: str | int,
        variables: Mapping[str, str] | None,
    ) -> Generator[Send | Wait, Answer, PromptContent]:
        """Fetches a prompt and fills in its variables."""
        request = prompt_request(
            self.config.base_url, prompt_id, prompt_key, version, self.user_agent
        )
        outcome = yield from self._exchange(request, self.patience)
        if not response_of(outcome).data:
            raise InfiniumError(
                "the service sent no prompt", status_code=outcome.status
            )
        return _prompt(outcome.data or {}, variables)

    def _exchange(
        self, request: Request, patience: Patience
    ) -> Generator[Send | Wait, Answer, Outcome]:
        return exchange(
            request,
            patience,
            pace=self.bucket.reserve if self.bucket else lambda: 0.0,
            draw=draw,
            epoch=time.time,
        )

    def _until(self, deadline: float) -> Patience:
        """Patience for one attempt that ends when the whole must."""
        left = max(MIN_ATTEMPT_S, deadline - self.clock())
        return Patience(0, min(self.patience.timeout_s, left), left)


def response_of(outcome: Outcome) -> ApiResponse:
    """The response that an outcome is.

    Raises:
        InfiniumError: the outcome is no success; the kind of error says why.
    """
    if outcome.kind != "delivered":
        raise error_of(outcome)
    return ApiResponse(True, outcome.status, outcome.message, outcome.data)  # noqa: FBT003 - the vendor's first field


def _key(given: str | None) -> str:
    if given is None:
        return uuid.uuid4().hex
    if not isinstance(given, str) or not KEY.fullmatch(given):
        raise ValidationError(
            "idempotency_key: must be at most 200 of A-Z, a-z, 0-9, '.', '_', ':', '-'",
            field="idempotency_key",
        )
    return given


def _prompt(
    data: Mapping[str, Any], variables: Mapping[str, str] | None
) -> PromptContent:
    raw = data.get("content")
    content = raw if isinstance(raw, str) else ""
    rendered = None
    if variables is not None:
        rendered = PLACEHOLDER.sub(
            lambda found: str(variables.get(found[1], found[0])), content
        )
    return PromptContent(
        prompt_id=data.get("promptId", ""),
        name=data.get("name", ""),
        version=data.get("version", 0),
        content=content,
        created_at=data.get("createdAt", ""),
        rendered_content=rendered,
    )


def now_iso() -> str:
    """The time now as ISO 8601 in UTC, as the service writes it."""
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def new_task(
    name: str,
    description: str,
    duration: float,
    current_datetime: str | None,
    fields: Mapping[str, Any],
) -> TaskData:
    """A task from its parts, checked, its mappings made dataclasses.

    Raises:
        ValidationError: a field does not fit; `field` names it.
    """
    given = {
        "name": name,
        "description": description,
        "current_datetime": now_iso() if current_datetime is None else current_datetime,
        "duration": duration,
    }
    task = coerce({**fields, **given}, TaskData)
    check(task)
    return replace(task, duration=float(duration))
