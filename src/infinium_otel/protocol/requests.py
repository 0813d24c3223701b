"""The requests of the Infinium API.

Source: infinium-o2 1.2.0, `infinium.client`.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

from infinium_otel.config import UUID
from infinium_otel.errors import ValidationError
from infinium_otel.limits import encoded
from infinium_otel.protocol.values import Request

if TYPE_CHECKING:
    from infinium_otel.config import Config
    from infinium_otel.taskdata import TaskData

VERSION = "0.1.0"
USER_AGENT = f"infinium-otel/{VERSION}"

MAX_PROMPT_KEY_LENGTH = 2_000

COMPRESSION_LEVEL = 1
"""Source: measured; level 6 costs twice the time for an eighth of the size."""


def encode(task: TaskData) -> bytes:
    """The body that carries *task*: compact JSON of at most 1 MiB. Never raises."""
    return encoded(task).body


def trace_request(
    config: Config, body: bytes, key: str, user_agent: str = USER_AGENT
) -> Request:
    """The request that delivers a task.

    Args:
        config: with credentials.
        body: what `encode` made.
        key: the idempotency key, the same for every delivery of this task.
        user_agent: who we say we are.
    """
    headers = [*_agent_headers(config, user_agent), ("Idempotency-Key", key)]
    if config.compression == "gzip":
        body = gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
        headers.append(("Content-Encoding", "gzip"))
    url = f"{config.base_url}/agents/{config.agent_id}/trace"
    return Request("POST", url, tuple(headers), body)


def result_request(
    config: Config, trace_id: str, user_agent: str = USER_AGENT
) -> Request:
    """The request for an interpreted result.

    Raises:
        ValidationError: *trace_id* is no UUID.
    """
    path = f"agents/{config.agent_id}/interpreted-result/{_uuid(trace_id, 'trace_id')}"
    headers = _agent_headers(config, user_agent)
    return Request("GET", f"{config.base_url}/{path}", tuple(headers))


def prompt_request(
    base_url: str,
    prompt_id: str,
    prompt_key: str,
    version: str | int,
    user_agent: str = USER_AGENT,
) -> Request:
    """The request for a stored prompt; it carries the prompt's key and no agent's.

    Args:
        base_url: where the API lives.
        prompt_id: a UUID with hyphens.
        prompt_key: the prompt's own key.
        user_agent: who we say we are.
        version: a positive number, or "latest".

    Raises:
        ValidationError: an argument does not fit; `field` names it.
    """
    prompt_id = _uuid(prompt_id, "prompt_id")
    path = f"prompts/{prompt_id}/v/{_version(version)}"
    headers = (
        ("User-Agent", user_agent),
        ("x-prompt-id", prompt_id),
        ("x-prompt-key", _token(prompt_key, "prompt_key", MAX_PROMPT_KEY_LENGTH)),
    )
    return Request("GET", f"{base_url}/{path}", headers)


def _agent_headers(config: Config, user_agent: str) -> list[tuple[str, str]]:
    secret = config.require_credentials().agent_secret
    return [
        ("User-Agent", user_agent),
        ("x-agent-id", config.agent_id or ""),
        ("x-agent-key", secret.reveal() if secret else ""),
        ("Content-Type", "application/json"),
    ]


def _uuid(value: Any, name: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not UUID.fullmatch(text):
        raise ValidationError(f"{name}: must be a UUID with hyphens", field=name)
    return text


def _version(value: Any) -> str:
    text = str(value) if isinstance(value, (int, str)) else ""
    if text == "latest" or re.fullmatch(r"[1-9][0-9]{0,17}", text):
        return text
    raise ValidationError(
        "version: must be a positive number or 'latest'", field="version"
    )


def _token(value: Any, name: str, length: int) -> str:
    """A text that can stand in a header."""
    if not isinstance(value, str) or not value.strip():
        raise ValidationError(f"{name}: missing", field=name)
    if len(value) > length or not value.isascii() or not value.isprintable():
        raise ValidationError(
            f"{name}: must be printable ASCII of at most {length:,} characters",
            field=name,
        )
    return value
