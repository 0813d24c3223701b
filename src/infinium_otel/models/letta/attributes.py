"""Where a step's facts stand on its span."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.models.carrying import carried, uncarried
from infinium_otel.models.letta.types import Step, StepProgression
from infinium_otel.models.spans import present, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import SpanRecord, Usage

SCOPE = "letta"
"""So that tasks name Letta as the framework."""
NAMESPACE = "letta.run:"
PREFIX = "letta.step."
MARK = "letta.step.id"
"""Stands on a span that was made of a step: reading it is exact, nothing derived."""
TOOL_MARK = "letta.tool.key"
"""Stands on a tool's span that was made of messages, which are kept elsewhere."""
STATUS = "letta.step.status"
INDEX = "letta.step.index"
METRICS = "letta.step_metrics"
MESSAGES = "letta.messages"
PROVIDER_TRACES = "letta.provider_traces"
LOG = "letta.log."
TIME_SOURCE = "letta.step.time_source"
EMBEDDING = "operation:embeddings"
"""A tag of ours: Letta has no word for a model call that is no chat."""

SEMANTIC = {
    "model": "gen_ai.request.model",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "agent_id": "gen_ai.agent.id",
    "run_id": "letta.run.id",
}
"""Fields that a standard attribute holds whole."""

PROVIDERS = {
    "google_ai": "gcp.gemini",
    "google_vertex": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "xai": "x_ai",
    "mistral": "mistral_ai",
}
"""Letta's provider names, by the convention's; the others are the same in both."""

_LETTA_NAMES = {
    **{standard: name for name, standard in PROVIDERS.items()},
    "google": "google_ai",
    "aws.bedrock": "bedrock",
}


def letta_provider(provider: str | None) -> str | None:
    """Letta's name for a provider; None where it is unknown."""
    return _LETTA_NAMES.get(provider, provider) if provider else None


def step_attributes(step: Step) -> dict[str, Any]:
    """What a step says, as attributes: for a new span, or to enrich a live one.

    Messages and error are not among them.
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
        **carried(step, PREFIX, skip={*SEMANTIC, "messages"}),
    }
    if step.status is None:
        # Absent means pending, the class's default; null must be told apart.
        found[STATUS] = ""
    return present(found)


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
    return next((found for v in values if (found := whole(v)) is not None), None)


def _server(endpoint: str | None) -> dict[str, Any]:
    try:
        whole_url = endpoint and "://" in endpoint
        parts = urlsplit(endpoint or "" if whole_url else f"//{endpoint or ''}")
        found = {"server.address": parts.hostname, "server.port": parts.port}
    except ValueError:
        return {}
    return found


def step_mapping(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of a step that `step_attributes` wrote, but for its messages."""
    found = uncarried(attributes, PREFIX, Step)
    found.pop("messages", None)
    for name, key in SEMANTIC.items():
        if attributes.get(key) is not None:
            found[name] = attributes[key]
    return found


def details_of(usage: Usage) -> dict[str, Any]:
    """Cached and reasoning tokens under the names of Letta's two free objects."""
    prompt = {
        "cached_tokens": usage.cache_read,
        "cache_read_tokens": usage.cache_read,
        "cache_creation_tokens": usage.cache_write,
    }
    completion = {"reasoning_tokens": usage.reasoning}
    return {
        "prompt_tokens_details": _known(prompt),
        "completion_tokens_details": _known(completion),
    }


def _known(counts: dict[str, int | None]) -> dict[str, Any] | None:
    return {key: value for key, value in counts.items() if value is not None} or None


def made_id(kind: str, *parts: object) -> str:
    """An id as Letta writes them, the same whenever the parts are.

    Args:
        kind: "step", "message" or "provider_trace".
        parts: trace and span id, and what tells several of one span apart.
    """
    name = "letta:" + ":".join(str(part) for part in parts)
    return f"{kind}-{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def progression_of(record: SpanRecord) -> StepProgression:
    """How far the step of a span came.

    Returns:
        What the span says by `letta.step.progression`; else what is seen: no answer
        yet, a first chunk, an answer, a good end.
    """
    told = whole(record.attributes.get("letta.step.progression"))
    if told is not None and 1 <= told <= len(StepProgression):
        return StepProgression(told)
    if record.end_ns > 0 and record.status != "error":
        return StepProgression.FINISHED
    if record.attributes.get("gen_ai.output.messages") is not None:
        return StepProgression.RESPONSE_RECEIVED
    if record.attributes.get("gen_ai.response.time_to_first_chunk") is not None:
        return StepProgression.STREAM_RECEIVED
    return StepProgression.START


def run_trace_key(step: Step) -> str | None:
    """What names the trace a step belongs to; None if it says nothing."""
    return text(step.trace_id) or step.run_id
