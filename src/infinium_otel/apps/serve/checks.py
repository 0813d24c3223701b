"""The Infinium API's requirements on a request, and the errors for violations."""

from __future__ import annotations

import hmac
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from infinium_otel.config import UUID
from infinium_otel.errors import DecodingError, InfiniumError
from infinium_otel.records.bounds import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 1024 * 1024
MAX_NAME_LENGTH = 500
MAX_DESCRIPTION_LENGTH = 10_000
MAX_DURATION_S = 86_400
MAX_PROMPT_KEY_LENGTH = 2_000
MIN_KEY_LENGTH = 8
MAX_IDEMPOTENCY_KEY_LENGTH = 255
MAX_DIGITS = 100
"""Of a whole number: far more than 64 bits have, and converted to a float at no cost."""
FIRST_YEAR, LAST_YEAR = 1900, 2100


class RejectedError(InfiniumError):
    """A request is invalid: its `status_code`, the reason and the field."""


def require_agent(agent_id: str, headers: Mapping[str, str]) -> str:
    """Check the agent that a request is for; return its id in lower case.

    Args:
        agent_id: the agent named by the path.
        headers: the request's, by lower-case name.

    Raises:
        RejectedError: 401 without plausible credentials of the agent, 400 for an id
            that is not a UUID.
    """
    _require_uuid(agent_id, "agent id")
    if not hmac.compare_digest(
        headers.get("x-agent-id", "").lower().encode(), agent_id.lower().encode()
    ):
        raise RejectedError(
            "x-agent-id must be the agent id in the URL",
            status_code=401,
            field="x-agent-id",
        )
    if len(headers.get("x-agent-key", "").strip()) < MIN_KEY_LENGTH:
        raise RejectedError(
            f"x-agent-key must have at least {MIN_KEY_LENGTH} characters",
            status_code=401,
            field="x-agent-key",
        )
    return agent_id.lower()


def check_prompt_reader(prompt_id: str, headers: Mapping[str, str]) -> None:
    """Check that a request for a prompt has plausible credentials for it.

    Raises:
        RejectedError: 401 for missing or other credentials, 400 for an id that is not a
            UUID.
    """
    _require_uuid(prompt_id, "prompt id")
    if headers.get("x-prompt-id", "").lower() != prompt_id.lower():
        raise RejectedError(
            "x-prompt-id must be the prompt id in the URL",
            status_code=401,
            field="x-prompt-id",
        )
    if not 0 < len(headers.get("x-prompt-key", "").strip()) <= MAX_PROMPT_KEY_LENGTH:
        raise RejectedError(
            f"x-prompt-key must have 1 to {MAX_PROMPT_KEY_LENGTH} characters",
            status_code=401,
            field="x-prompt-key",
        )


def parse_trace_id(text: str) -> str:
    """Check the id of a task; return it in lower case.

    Raises:
        RejectedError: 400 if it is not a UUID.
    """
    _require_uuid(text, "trace id")
    return text.lower()


def read_idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Read the idempotency key; None if the request has none.

    Raises:
        RejectedError: 400 if it is too long.
    """
    key = headers.get("idempotency-key", "").strip()
    if len(key) > MAX_IDEMPOTENCY_KEY_LENGTH:
        raise RejectedError(
            f"Idempotency-Key may have at most {MAX_IDEMPOTENCY_KEY_LENGTH} characters",
            status_code=400,
            field="Idempotency-Key",
        )
    return key or None


def parse_task(body: bytes) -> dict[str, Any]:
    """Parse *body* as a task, and check it; return the JSON object.

    Raises:
        RejectedError: 400 if it is not a JSON object, 422 if a field is invalid.
    """
    try:
        task = parse_json(
            body,
            parse_constant=_reject_constant,
            parse_int=_parse_int,
            parse_float=_parse_float,
        )
    except DecodingError as error:
        raise RejectedError(
            f"the body is not JSON: {error}", status_code=error.status_code or 400
        ) from None
    if not isinstance(task, dict):
        raise RejectedError("the body must be a JSON object", status_code=400)
    _check_text(task, "name", MAX_NAME_LENGTH)
    _check_text(task, "description", MAX_DESCRIPTION_LENGTH)
    _check_duration(task.get("duration"))
    _check_datetime(task.get("current_datetime"))
    _check_shapes(task)
    return task


def parse_time(text: Any) -> datetime | None:
    """Parse an ISO 8601 time, as UTC; None if it is invalid.

    A time without an offset is UTC.
    """
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(_simplify_iso(text.strip()))
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=timezone.utc)
        return parsed.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _simplify_iso(text: str) -> str:
    """Rewrite *text* for Python 3.10's parser: no `Z`, six fractional digits or none.

    From Python 3.11 on, `datetime.fromisoformat` reads both.
    """
    if text[-1:] in "Zz":
        text = text[:-1] + "+00:00"
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)]:0<6}{tail[digits:]}"


def _require_uuid(text: str, what: str) -> None:
    if not UUID.fullmatch(text):
        raise RejectedError(f"the {what} must be a UUID with hyphens", status_code=400)


def _reject_constant(name: str) -> Any:
    raise DecodingError(f"{name} is not JSON")


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise DecodingError(f"a number has over {MAX_DIGITS} digits")
    return int(digits)


def _parse_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise DecodingError("a number is too large")
    return value


def _invalid(field: str, demand: str) -> RejectedError:
    return RejectedError(f"{field} {demand}", status_code=422, field=field)


def _check_text(task: Mapping[str, Any], field: str, longest: int) -> None:
    text = task.get(field)
    if not isinstance(text, str) or not text.strip():
        raise _invalid(field, "must be a non-blank string")
    if len(text) > longest:
        raise _invalid(field, f"may have at most {longest} characters, not {len(text)}")


def _check_duration(duration: Any) -> None:
    if isinstance(duration, bool) or not isinstance(duration, (int, float)):
        raise _invalid("duration", "must be a number of seconds")
    if not math.isfinite(duration) or not 0 <= duration <= MAX_DURATION_S:
        raise _invalid("duration", f"must be between 0 and {MAX_DURATION_S} seconds")


def _check_datetime(text: Any) -> None:
    parsed = parse_time(text)
    if parsed is None:
        raise _invalid("current_datetime", "must be an ISO 8601 date and time")
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR:
        raise _invalid(
            "current_datetime", f"must be in the years {FIRST_YEAR} to {LAST_YEAR}"
        )


LISTS = ("steps", "errors")
OBJECTS = ("llm_usage", "sections", "environment", "expected_outcome")


def _check_shapes(task: Mapping[str, Any]) -> None:
    for field in LISTS:
        items = task.get(field) or []
        if not isinstance(items, list):
            raise _invalid(field, "must be a list")
        if not all(isinstance(item, dict) for item in items):
            raise _invalid(field, "must contain objects")
    for field in OBJECTS:
        if not isinstance(task.get(field) or {}, dict):
            raise _invalid(field, "must be an object")
