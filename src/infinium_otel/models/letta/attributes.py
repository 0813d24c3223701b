"""The attributes that hold a step's fields."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.models.field_attributes import read_fields, write_fields
from infinium_otel.models.letta.types import Step, StepProgression
from infinium_otel.models.spans import as_int, as_text, drop_nulls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import SpanRecord, Usage

SCOPE = "letta"
"""Makes Letta the framework of tasks made from these spans."""
NAMESPACE = "letta.run:"
PREFIX = "letta.step."
MARK = "letta.step.id"
"""Marks a span made from a step: it is read back exactly, nothing is derived."""
TOOL_MARK = "letta.tool.key"
"""Marks a tool's span made from messages, which are kept elsewhere."""
STATUS = "letta.step.status"
INDEX = "letta.step.index"
METRICS = "letta.step_metrics"
MESSAGES = "letta.messages"
PROVIDER_TRACES = "letta.provider_traces"
LOG = "letta.log."
TIME_SOURCE = "letta.step.time_source"
EMBEDDING = "operation:embeddings"
"""A tag of ours: Letta has no field for a model call that is not a chat."""

SEMANTIC = {
    "model": "gen_ai.request.model",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "agent_id": "gen_ai.agent.id",
    "run_id": "letta.run.id",
}
"""Fields that a standard attribute holds completely."""

PROVIDERS = {
    "google_ai": "gcp.gemini",
    "google_vertex": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "xai": "x_ai",
    "mistral": "mistral_ai",
}
"""Letta's provider names and the conventions'; all others are the same in both."""

_LETTA_NAMES = {
    **{standard: name for name, standard in PROVIDERS.items()},
    "google": "google_ai",
    "aws.bedrock": "bedrock",
}


def to_letta_provider(provider: str | None) -> str | None:
    """Letta's name for a provider; None where it is unknown."""
    return _LETTA_NAMES.get(provider, provider) if provider else None


def step_attributes(step: Step) -> dict[str, Any]:
    """A step's fields as attributes, for a new span or to enrich a live one.

    Messages and error are not included.
    """
    semantic = {SEMANTIC[name]: getattr(step, name) for name in SEMANTIC}
    operation = "embeddings" if EMBEDDING in step.tags else "chat"
    provider = PROVIDERS.get(step.provider_name or "", step.provider_name)
    found = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        **semantic,
        **_detail_counts(step),
        **_server(step.model_endpoint),
        **write_fields(step, PREFIX, skip={*SEMANTIC, "messages"}),
    }
    if step.status is None:
        # Absent means "pending", the class's default; null needs its own value.
        found[STATUS] = ""
    return drop_nulls(found)


def _detail_counts(step: Step) -> dict[str, Any]:
    prompt = step.prompt_tokens_details or {}
    completion = step.completion_tokens_details or {}
    return {
        "gen_ai.usage.cache_read.input_tokens": _first(
            step.cached_input_tokens,
            prompt.get("cached_tokens"),
            prompt.get("cache_read_tokens"),
        ),
        "gen_ai.usage.cache_creation.input_tokens": _first(
            step.cache_write_tokens, prompt.get("cache_creation_tokens")
        ),
        "gen_ai.usage.reasoning.output_tokens": _first(
            step.reasoning_tokens, completion.get("reasoning_tokens")
        ),
    }


def _first(*values: Any) -> int | None:
    return next((found for v in values if (found := as_int(v)) is not None), None)


def _server(endpoint: str | None) -> dict[str, Any]:
    try:
        whole_url = endpoint and "://" in endpoint
        parts = urlsplit(endpoint or "" if whole_url else f"//{endpoint or ''}")
        found = {"server.address": parts.hostname, "server.port": parts.port}
    except ValueError:
        return {}
    return found


def step_mapping(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of a step that `step_attributes` wrote, without its messages."""
    found = read_fields(attributes, PREFIX, Step)
    found.pop("messages", None)
    for name, key in SEMANTIC.items():
        if attributes.get(key) is not None:
            found[name] = attributes[key]
    return found


def to_token_details(usage: Usage) -> dict[str, Any]:
    """Cached and reasoning tokens under the names of Letta's two free objects."""
    prompt = {
        "cached_tokens": usage.cache_read,
        "cache_read_tokens": usage.cache_read,
        "cache_creation_tokens": usage.cache_write,
    }
    completion = {"reasoning_tokens": usage.reasoning}
    return {
        "prompt_tokens_details": _drop_unknown(prompt),
        "completion_tokens_details": _drop_unknown(completion),
    }


def _drop_unknown(counts: dict[str, int | None]) -> dict[str, Any] | None:
    return {key: value for key, value in counts.items() if value is not None} or None


def make_id(kind: str, *parts: object) -> str:
    """An id as Letta writes them, the same whenever the parts are.

    Args:
        kind: "step", "message" or "provider_trace".
        parts: trace and span id, and what distinguishes several ids of one span.
    """
    name = "letta:" + ":".join(str(part) for part in parts)
    return f"{kind}-{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def progression_of(record: SpanRecord) -> StepProgression:
    """How far the step of a span got.

    Returns:
        The span's `letta.step.progression`; else derived: no answer yet, a first chunk,
        an answer, or ended without error.
    """
    progression = as_int(record.attributes.get("letta.step.progression"))
    if progression is not None and 1 <= progression <= len(StepProgression):
        return StepProgression(progression)
    if record.end_ns > 0 and record.status != "error":
        return StepProgression.FINISHED
    if record.attributes.get("gen_ai.output.messages") is not None:
        return StepProgression.RESPONSE_RECEIVED
    if record.attributes.get("gen_ai.response.time_to_first_chunk") is not None:
        return StepProgression.STREAM_RECEIVED
    return StepProgression.START


def get_trace_key(step: Step) -> str | None:
    """The id that determines a step's trace; None if it has none."""
    return as_text(step.trace_id) or step.run_id
