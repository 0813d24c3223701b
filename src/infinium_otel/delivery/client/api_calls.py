"""The calls of the API, each written once as a generator of steps."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.delivery.protocol import (
    RetryPolicy,
    Wait,
    build_prompt_request,
    build_result_request,
    build_trace_request,
    encode,
    exchange,
    to_error,
)
from infinium_otel.delivery.rate_limit import draw
from infinium_otel.errors import InfiniumError, InfiniumTimeoutError, ValidationError
from infinium_otel.redaction import redact_copy
from infinium_otel.taskdata import ApiResponse, PromptContent, TaskData, coerce
from infinium_otel.taskdata.limits import truncate_previews, validate
from infinium_otel.taskdata.rendering import FETCHED_AT, VARIABLES, render

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from infinium_otel.config import Config
    from infinium_otel.delivery.protocol import AttemptResult, Request, Send, StepResult
    from infinium_otel.delivery.rate_limit import TokenBucket

T = TypeVar("T")

MIN_ATTEMPT_S = 0.05
KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@dataclass(frozen=True, slots=True)
class ApiCalls:
    """The API calls of one client; pure except for its clocks and random numbers.

    Args:
        config: with credentials.
        policy: when to stop retrying.
        bucket: the rate limit; None without one.
        user_agent: the User-Agent header.
        clock: a monotonic clock in seconds.
    """

    config: Config
    policy: RetryPolicy
    bucket: TokenBucket | None
    user_agent: str
    clock: Callable[[], float] = time.monotonic

    def send(
        self, task: TaskData, key: str | None
    ) -> Generator[Send | Wait, StepResult, ApiResponse]:
        """Send a task, without credentials unless `Config.redact` is off."""
        task = coerce(task, TaskData)
        validate(task)
        body = encode(truncate_previews(redact_copy(task, self.config)))
        request = build_trace_request(
            self.config, body, _check_key(key), self.user_agent
        )
        return to_api_response((yield from self._exchange(request, self.policy)))

    def get_result(
        self, trace_id: str
    ) -> Generator[Send | Wait, StepResult, ApiResponse]:
        """Request an interpreted result once."""
        request = build_result_request(self.config, trace_id, self.user_agent)
        return to_api_response((yield from self._exchange(request, self.policy)))

    def poll_interpretation(
        self, trace_id: str, timeout_s: float, poll_s: float
    ) -> Generator[Send | Wait, StepResult, ApiResponse]:
        """Poll until a result is ready; "not found" may mean that it is not stored yet."""
        request = build_result_request(self.config, trace_id, self.user_agent)
        deadline = self.clock() + timeout_s
        while True:
            policy = self._limit_policy(deadline)
            result = yield from self._exchange(request, policy)
            if result.kind == "delivered":
                if (result.data or {}).get("interpretedTraceResult"):
                    return to_api_response(result)
            elif result.status != 404 and result.kind != "unavailable":
                raise to_error(result)
            pause_s = max(poll_s, result.delay_s or 0.0)
            if self.clock() + pause_s >= deadline:
                raise InfiniumTimeoutError(
                    f"no interpretation of {trace_id} after {timeout_s:g} seconds",
                    timeout_duration=timeout_s,
                )
            yield Wait(pause_s)

    def get_prompt(
        self,
        prompt_id: str,
        prompt_key: str,
        version: str | int,
        variables: Mapping[str, str] | None,
    ) -> Generator[Send | Wait, StepResult, PromptContent]:
        """Get a prompt and fill in its variables."""
        request = build_prompt_request(
            self.config.base_url, prompt_id, prompt_key, version, self.user_agent
        )
        result = yield from self._exchange(request, self.policy)
        if not to_api_response(result).data:
            raise InfiniumError("the service sent no prompt", status_code=result.status)
        return _to_prompt(result.data or {}, variables)

    def _exchange(
        self, request: Request, policy: RetryPolicy
    ) -> Generator[Send | Wait, StepResult, AttemptResult]:
        return exchange(
            request,
            policy,
            rate_limit=self.bucket.reserve if self.bucket else lambda: 0.0,
            draw=draw,
            epoch=time.time,
        )

    def _limit_policy(self, deadline: float) -> RetryPolicy:
        """A policy for one attempt that ends at *deadline* at the latest."""
        remaining_s = max(MIN_ATTEMPT_S, deadline - self.clock())
        timeout_s = min(self.policy.timeout_s, remaining_s)
        return RetryPolicy(0, timeout_s, remaining_s)


def to_api_response(result: AttemptResult) -> ApiResponse:
    """The vendor's response type for a result.

    Raises:
        InfiniumError: the result is not "delivered"; the subclass shows why.
    """
    if result.kind != "delivered":
        raise to_error(result)
    return ApiResponse(True, result.status, result.message, result.data)  # noqa: FBT003 - the vendor's first field


def _check_key(key: str | None) -> str:
    if key is None:
        return uuid.uuid4().hex
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise ValidationError(
            "idempotency_key: must be at most 200 of A-Z, a-z, 0-9, '.', '_', ':', '-'",
            field="idempotency_key",
        )
    return key


def _to_prompt(
    data: Mapping[str, Any], variables: Mapping[str, str] | None
) -> PromptContent:
    raw = data.get("content")
    content = raw if isinstance(raw, str) else ""
    prompt = PromptContent(
        prompt_id=data.get("promptId", ""),
        name=data.get("name", ""),
        version=data.get("version", 0),
        content=content,
        created_at=data.get("createdAt", ""),
        rendered_content=None if variables is None else render(content, variables),
    )
    # For `use_prompt`; the class has the fields of the vendor's and no others.
    setattr(prompt, FETCHED_AT, now_iso())
    setattr(prompt, VARIABLES, tuple(variables or ()))
    return prompt


def now_iso() -> str:
    """The current time as ISO 8601 in UTC, in the service's format."""
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def create_task(
    name: str,
    description: str,
    duration: float,
    current_datetime: str | None,
    fields: Mapping[str, Any],
) -> TaskData:
    """Create a validated task from its fields; mappings become dataclasses.

    Raises:
        ValidationError: a field is invalid; `field` names it.
    """
    required = {
        "name": name,
        "description": description,
        "current_datetime": now_iso() if current_datetime is None else current_datetime,
        "duration": duration,
    }
    task = coerce({**fields, **required}, TaskData)
    validate(task)
    return replace(task, duration=float(duration))
