"""Where xpander's facts stand on spans, and what never does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.models import parts
from infinium_otel.models.carrying import carried, uncarried
from infinium_otel.models.content import SAID_BY_TOOLS
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import as_json, from_json, present, text
from infinium_otel.models.xpander.documents import task_of
from infinium_otel.models.xpander.tasks import Task

if TYPE_CHECKING:
    from infinium_otel.models.xpander.threads import ToolCallRequestReasoning

SCOPE = "xpander"
"""So that tasks name xpander as the framework."""
NAMESPACE = "xpander.task:"
THREAD = "xpander.thread."
TASK = "xpander.task."
TOOL = "xpander.tool."
INDEX = "xpander.index"
"""The place of an entry or event: on what was made of one, so reading is exact."""
KIND = "xpander.entry"
EVENT = "xpander.event"
REQUEST = "xpander.request"
TIME_SOURCE = "xpander.time_source"

SECRET_FIELDS = frozenset(
    {"user_oidc_token", "user_tokens", "mcp_servers", "pending_eca_request", "other"}
)
"""Fields of a task that hold credentials, or may."""

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
"""A task's fields that a standard attribute tells too."""

TOKENS = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
}

FAILED = frozenset({"error", "failed"})
ANSWERS = (*FAILED, *SAID_BY_TOOLS)
"""Error types whose message is a result's text."""
UNENDED = frozenset({"pending", "executing", "paused"})


def without_secrets(value: Any) -> Any:
    """JSON without the values of keys that hold credentials."""
    if isinstance(value, Mapping):
        return {
            key: without_secrets(item)
            for key, item in value.items()
            if str(key).lower() not in SECRET_KEYS
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(item) for item in value]
    return value


def auth_facts(kind: str | None, data: Any) -> dict[str, str]:
    """What may be told of a sign-in: never a token, nor a login address's query."""
    said = data if isinstance(data, Mapping) else {}
    facts = {
        "type": kind,
        "server_name": text(said.get("server_name")),
        "server_url": bare_url(text(said.get("server_url"))),
    }
    return {key: value for key, value in facts.items() if value is not None}


def bare_url(url: str | None) -> str | None:
    """An address without credentials, query and fragment; None if it is none."""
    try:
        split = urlsplit(url or "")
        host = split.hostname
        port = f":{split.port}" if split.port else ""
    except ValueError:
        return None
    return f"{split.scheme}://{host}{port}{split.path}" if host else None


def task_attributes(task: Task) -> dict[str, Any]:
    """A task's facts for the span of its run; credentials are left out."""
    semantic = {key: getattr(task, name) for name, key in TASK_SEMANTIC.items()}
    tokens = task.tokens
    counts = {key: getattr(tokens, name, None) for name, key in TOKENS.items()}
    other = without_secrets(dump(task.other))
    return present(
        {
            **semantic,
            **counts,
            **carried(task, TASK, skip=SECRET_FIELDS),
            TASK + "status": task.status or "",
            TASK + "other": as_json(other) if other else None,
            TASK + "partial": True if task.status in UNENDED else None,
        }
    )


def run_name(task: Task | None) -> str:
    """The name of a run's span."""
    agent_id = task.agent_id if task else None
    return f"invoke_agent {agent_id}" if agent_id else "invoke_agent"


def task_in(attributes: Mapping[str, Any]) -> Task | None:
    """The task that `task_attributes` wrote; None if there is none."""
    if text(attributes.get(TASK + "id")) is None:
        return None
    task = task_of(uncarried(attributes, TASK, Task))
    return replace(task, status=None) if task.status == "" else task


def value_text(value: Any) -> str | None:
    """Any JSON value for an attribute, so that `from_json` gives it back.

    A text that is no JSON stands as it is.
    """
    if value is None:
        return None
    raw = isinstance(value, str) and from_json(value) == value
    return str(value) if raw else as_json(value)


def reasoning_attributes(why: ToolCallRequestReasoning | None) -> dict[str, Any]:
    """Why a tool was called, as two plain attributes."""
    return {
        TOOL + "reasoning.title": why.title if why else None,
        TOOL + "reasoning.description": why.description if why else None,
    }


def said_by(role: str, texts: list[str | None]) -> str | None:
    """Texts as the convention's messages of one role; None for none."""
    found = [parts.message(role, [parts.text_part(each)]) for each in texts if each]
    return as_json(found) if found else None
