"""The requests of the Infinium API.

Source: infinium-o2 1.2.0, `infinium.client`.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

from infinium_otel.config import UUID
from infinium_otel.delivery.protocol.values import Request
from infinium_otel.errors import ValidationError
from infinium_otel.taskdata.limits import encode_task

if TYPE_CHECKING:
    from infinium_otel.config import Config
    from infinium_otel.taskdata import TaskData

VERSION = "0.1.0"
USER_AGENT = f"infinium-otel/{VERSION}"

MAX_PROMPT_KEY_LENGTH = 2_000

COMPRESSION_LEVEL = 1
"""Source: measured; level 6 costs twice the time for an eighth of the size."""


def encode(task: TaskData) -> bytes:
    """The request body of *task*: compact JSON of at most 1 MiB. Never raises."""
    return encode_task(task).body


def build_trace_request(
    config: Config, body: bytes, key: str, user_agent: str = USER_AGENT
) -> Request:
    """The request that delivers a task.

    Args:
        config: with credentials.
        body: as returned by `encode`.
        key: the idempotency key, the same for every delivery of this task.
        user_agent: the User-Agent header.
    """
    headers = [*_build_agent_headers(config, user_agent), ("Idempotency-Key", key)]
    if config.compression == "gzip":
        body = gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
        headers.append(("Content-Encoding", "gzip"))
    url = f"{config.base_url}/agents/{config.agent_id}/trace"
    return Request("POST", url, tuple(headers), body)


def build_result_request(
    config: Config, trace_id: str, user_agent: str = USER_AGENT
) -> Request:
    """The request for an interpreted result.

    Raises:
        ValidationError: *trace_id* is not a UUID.
    """
    path = f"agents/{config.agent_id}/interpreted-result/{_check_uuid(trace_id, 'trace_id')}"
    headers = _build_agent_headers(config, user_agent)
    return Request("GET", f"{config.base_url}/{path}", tuple(headers))


def build_prompt_request(
    base_url: str,
    prompt_id: str,
    prompt_key: str,
    version: str | int,
    user_agent: str = USER_AGENT,
) -> Request:
    """The request for a stored prompt; it contains the prompt's key, not an agent's.

    Args:
        base_url: the base URL of the API.
        prompt_id: a UUID with hyphens.
        prompt_key: the prompt's own key.
        user_agent: the User-Agent header.
        version: a positive number, or "latest".

    Raises:
        ValidationError: an argument is invalid; `field` names it.
    """
    prompt_id = _check_uuid(prompt_id, "prompt_id")
    path = f"prompts/{prompt_id}/v/{_check_version(version)}"
    headers = (
        ("User-Agent", user_agent),
        ("x-prompt-id", prompt_id),
        (
            "x-prompt-key",
            _check_header_value(prompt_key, "prompt_key", MAX_PROMPT_KEY_LENGTH),
        ),
    )
    return Request("GET", f"{base_url}/{path}", headers)


def _build_agent_headers(config: Config, user_agent: str) -> list[tuple[str, str]]:
    secret = config.require_credentials().agent_secret
    return [
        ("User-Agent", user_agent),
        ("x-agent-id", config.agent_id or ""),
        ("x-agent-key", secret.reveal() if secret else ""),
        ("Content-Type", "application/json"),
    ]


def _check_uuid(value: Any, name: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not UUID.fullmatch(text):
        raise ValidationError(f"{name}: must be a UUID with hyphens", field=name)
    return text


def _check_version(value: Any) -> str:
    text = str(value) if isinstance(value, (int, str)) else ""
    if text == "latest" or re.fullmatch(r"[1-9][0-9]{0,17}", text):
        return text
    raise ValidationError(
        "version: must be a positive number or 'latest'", field="version"
    )


def _check_header_value(value: Any, name: str, length: int) -> str:
    """A text that is valid as a header value."""
    if not isinstance(value, str) or not value.strip():
        raise ValidationError(f"{name}: missing", field=name)
    if len(value) > length or not value.isascii() or not value.isprintable():
        raise ValidationError(
            f"{name}: must be printable ASCII of at most {length:,} characters",
            field=name,
        )
    return value
