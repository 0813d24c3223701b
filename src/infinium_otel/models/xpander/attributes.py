"""The attributes that hold xpander's fields, and the credentials that none holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.models import parts
from infinium_otel.models.content import TOOL_ERROR_TYPES
from infinium_otel.models.documents import dump
from infinium_otel.models.field_attributes import read_fields, write_fields
from infinium_otel.models.spans import as_text, drop_nulls, from_json, to_json
from infinium_otel.models.xpander.documents import task_of
from infinium_otel.models.xpander.tasks import Task

if TYPE_CHECKING:
    from infinium_otel.models.xpander.threads.types import ToolCallRequestReasoning

SCOPE = "xpander"
"""Makes xpander the framework of tasks made from these spans."""
NAMESPACE = "xpander.task:"
THREAD = "xpander.thread."
TASK = "xpander.task."
TOOL = "xpander.tool."
INDEX = "xpander.index"
"""The index of an entry or event, on the span made from it, for an exact way back."""
KIND = "xpander.entry"
EVENT = "xpander.event"
REQUEST = "xpander.request"
TIME_SOURCE = "xpander.time_source"

SECRET_FIELDS = frozenset(
    {"user_oidc_token", "user_tokens", "mcp_servers", "pending_eca_request", "other"}
)
"""Fields of a task that hold credentials, or might."""

SECRET_KEYS = frozenset(
    {
        "access_token",
        "refresh_token",
        "id_token",
        "token",
        "user_oidc_token",
        "user_tokens",
        "api_key",
        "authorization",
        "headers",
        "password",
        "secret",
        "client_secret",
        "configuration",
        "mcp_servers",
        "auth_url",
    }
)

TASK_SEMANTIC = {
    "agent_id": "gen_ai.agent.id",
    "organization_id": "xpander.organization.id",
    "llm_model_name": "gen_ai.request.model",
    "llm_model_provider": "gen_ai.provider.name",
}
"""A task's fields that are written as a standard attribute too."""

TOKENS = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
}

FAILED = frozenset({"error", "failed"})
RESULT_ERROR_TYPES = (*FAILED, *TOOL_ERROR_TYPES)
"""Error types whose message is the text of a result."""
UNFINISHED = frozenset({"pending", "executing", "paused"})


def remove_secrets(value: Any) -> Any:
    """JSON without the keys that hold credentials."""
    if isinstance(value, Mapping):
        return {
            key: remove_secrets(item)
            for key, item in value.items()
            if str(key).lower() not in SECRET_KEYS
        }
    if isinstance(value, (list, tuple)):
        return [remove_secrets(item) for item in value]
    return value


def get_public_auth(kind: str | None, data: Any) -> dict[str, str]:
    """The public part of a sign-in: never a token, nor a login URL's query."""
    fields = data if isinstance(data, Mapping) else {}
    facts = {
        "type": kind,
        "server_name": as_text(fields.get("server_name")),
        "server_url": strip_url(as_text(fields.get("server_url"))),
    }
    return {key: value for key, value in facts.items() if value is not None}


def strip_url(url: str | None) -> str | None:
    """A URL without credentials, query and fragment; None if it is not a URL."""
    try:
        split = urlsplit(url or "")
        host = split.hostname
        port = f":{split.port}" if split.port else ""
    except ValueError:
        return None
    return f"{split.scheme}://{host}{port}{split.path}" if host else None


def task_attributes(task: Task) -> dict[str, Any]:
    """A task's fields for the span of its run, without credentials."""
    semantic = {key: getattr(task, name) for name, key in TASK_SEMANTIC.items()}
    tokens = task.tokens
    counts = {key: getattr(tokens, name, None) for name, key in TOKENS.items()}
    other = remove_secrets(dump(task.other))
    return drop_nulls(
        {
            **semantic,
            **counts,
            **write_fields(task, TASK, skip=SECRET_FIELDS),
            TASK + "status": task.status or "",
            TASK + "other": to_json(other) if other else None,
            TASK + "partial": True if task.status in UNFINISHED else None,
        }
    )


def make_run_name(task: Task | None) -> str:
    """The name of a run's span."""
    agent_id = task.agent_id if task else None
    return f"invoke_agent {agent_id}" if agent_id else "invoke_agent"


def read_task(attributes: Mapping[str, Any]) -> Task | None:
    """The task that `task_attributes` wrote; None if there is none."""
    if as_text(attributes.get(TASK + "id")) is None:
        return None
    task = task_of(read_fields(attributes, TASK, Task))
    return replace(task, status=None) if task.status == "" else task


def to_value_text(value: Any) -> str | None:
    """Any JSON value for an attribute, so that `from_json` restores it.

    Text that is not JSON is written unchanged.
    """
    if value is None:
        return None
    raw = isinstance(value, str) and from_json(value) == value
    return str(value) if raw else to_json(value)


def reasoning_attributes(why: ToolCallRequestReasoning | None) -> dict[str, Any]:
    """Why a tool was called, as two plain attributes."""
    return {
        TOOL + "reasoning.title": why.title if why else None,
        TOOL + "reasoning.description": why.description if why else None,
    }


def to_messages(role: str, texts: list[str | None]) -> str | None:
    """Texts as the conventions' messages of one role; None if there are none."""
    found = [parts.message(role, [parts.text_part(each)]) for each in texts if each]
    return to_json(found) if found else None
