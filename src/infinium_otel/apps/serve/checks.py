"""What the Infinium API asks of a request, and the answer where it is not met."""

from __future__ import annotations

import hmac
import json
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from infinium_otel.config import UUID
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 1024 * 1024
MAX_NAME_LENGTH = 500
MAX_DESCRIPTION_LENGTH = 10_000
MAX_DURATION_S = 86_400
MAX_PROMPT_KEY_LENGTH = 2_000
MIN_KEY_LENGTH = 8
MAX_IDEMPOTENCY_KEY_LENGTH = 255
FIRST_YEAR, LAST_YEAR = 1900, 2100


class RefusedError(InfiniumError):
    """A request that is not taken: its `status_code`, the reason and the field."""


def agent_of(agent_id: str, headers: Mapping[str, str]) -> str:
    """The agent that a request speaks for, in lower case.

    Args:
        agent_id: the agent named by the path.
        headers: the request's, by lower-case name.

    Raises:
        RefusedError: 401 without credentials that could be the agent's, 400 for an id that
            is no UUID.
    """
    _require_uuid(agent_id, "agent id")
    if not hmac.compare_digest(
        headers.get("x-agent-id", "").lower().encode(), agent_id.lower().encode()
    ):
        raise RefusedError(
            "x-agent-id must be the agent id of the address",
            status_code=401,
            field="x-agent-id",
        )
    if len(headers.get("x-agent-key", "").strip()) < MIN_KEY_LENGTH:
        raise RefusedError(
            f"x-agent-key must have at least {MIN_KEY_LENGTH} characters",
            status_code=401,
            field="x-agent-key",
        )
    return agent_id.lower()


def check_prompt_reader(prompt_id: str, headers: Mapping[str, str]) -> None:
    """Refuse a request for a prompt without credentials that could be the prompt's.

    Raises:
        RefusedError: 401 for missing or foreign credentials, 400 for an id that is no UUID.
    """
    _require_uuid(prompt_id, "prompt id")
    if headers.get("x-prompt-id", "").lower() != prompt_id.lower():
        raise RefusedError(
            "x-prompt-id must be the prompt id of the address",
            status_code=401,
            field="x-prompt-id",
        )
    if not 0 < len(headers.get("x-prompt-key", "").strip()) <= MAX_PROMPT_KEY_LENGTH:
        raise RefusedError(
            f"x-prompt-key must have 1 to {MAX_PROMPT_KEY_LENGTH} characters",
            status_code=401,
            field="x-prompt-key",
        )


def trace_id_of(text: str) -> str:
    """The id of a sent task, in lower case.

    Raises:
        RefusedError: 400 if it is no UUID.
    """
    _require_uuid(text, "trace id")
    return text.lower()


def idempotency_key_of(headers: Mapping[str, str]) -> str | None:
    """The key that marks two requests as one; None if the sender gave none.

    Raises:
        RefusedError: 400 for a key that is too long.
    """
    key = headers.get("idempotency-key", "").strip()
    if len(key) > MAX_IDEMPOTENCY_KEY_LENGTH:
        raise RefusedError(
            f"Idempotency-Key may have {MAX_IDEMPOTENCY_KEY_LENGTH} characters",
            status_code=400,
            field="Idempotency-Key",
        )
    return key or None


def task_of(body: bytes) -> dict[str, Any]:
    """The task that *body* holds, as its JSON object.

    Raises:
        RefusedError: 400 if it is no JSON object, 422 if a field does not fit.
    """
    try:
        task = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise RefusedError(f"the body is no JSON: {reason}", status_code=400) from None
    if not isinstance(task, dict):
        raise RefusedError("the body must be a JSON object", status_code=400)
    _check_text(task, "name", MAX_NAME_LENGTH)
    _check_text(task, "description", MAX_DESCRIPTION_LENGTH)
    _check_duration(task.get("duration"))
    _check_datetime(task.get("current_datetime"))
    _check_shapes(task)
    return task


def moment(text: Any) -> datetime | None:
    """The moment an ISO text names, in UTC; None if it names none.

    A time without an offset is taken as UTC.
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(_plain_iso(text.strip()))
        if found.tzinfo is None:
            return found.replace(tzinfo=timezone.utc)
        return found.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _plain_iso(text: str) -> str:
    """*text* as Python 3.10 can read it: no `Z`, six digits of a second or none."""
    if text[-1:] in "Zz":
        text = text[:-1] + "+00:00"
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)]:0<6}{tail[digits:]}"


def _require_uuid(text: str, what: str) -> None:
    if not UUID.fullmatch(text):
        raise RefusedError(f"the {what} must be a UUID with hyphens", status_code=400)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _unfit(field: str, demand: str) -> RefusedError:
    return RefusedError(f"{field} {demand}", status_code=422, field=field)


def _check_text(task: Mapping[str, Any], field: str, longest: int) -> None:
    text = task.get(field)
    if not isinstance(text, str) or not text.strip():
        raise _unfit(field, "must be a text that is not blank")
    if len(text) > longest:
        raise _unfit(field, f"may have {longest} characters, not {len(text)}")


def _check_duration(duration: Any) -> None:
    if isinstance(duration, bool) or not isinstance(duration, (int, float)):
        raise _unfit("duration", "must be a number of seconds")
    if not math.isfinite(duration) or not 0 <= duration <= MAX_DURATION_S:
        raise _unfit("duration", f"must lie between 0 and {MAX_DURATION_S} seconds")


def _check_datetime(text: Any) -> None:
    found = moment(text)
    if found is None:
        raise _unfit("current_datetime", "must be an ISO 8601 date and time")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise _unfit("current_datetime", f"must lie in {FIRST_YEAR} to {LAST_YEAR}")


LISTS = ("steps", "errors")
OBJECTS = ("llm_usage", "sections", "environment", "expected_outcome")


def _check_shapes(task: Mapping[str, Any]) -> None:
    for field in LISTS:
        items = task.get(field) or []
        if not isinstance(items, list):
            raise _unfit(field, "must be a list")
        if not all(isinstance(item, dict) for item in items):
            raise _unfit(field, "must hold objects")
    for field in OBJECTS:
        if not isinstance(task.get(field) or {}, dict):
            raise _unfit(field, "must be an object")
