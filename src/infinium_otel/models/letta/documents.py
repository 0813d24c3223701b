"""Letta's JSON to its records and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.documents import fill, load_each
from infinium_otel.models.letta.types import (
    NEWER_FIELDS,
    Message,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
    StepStatus,
    StopReasonType,
    ToolReturn,
)

CLIENT_NAMES = {
    "api_model_endpoint": "model_endpoint",
    "api_model_handle": "model_handle",
}
"""The names of two of a step's fields in the client's default dump."""

ACCEPTED = {
    "stop_reason": frozenset(each.value for each in StopReasonType),
    "status": frozenset(each.value for each in StepStatus),
    "feedback": frozenset({"positive", "negative"}),
}
"""Values that Letta's class accepts; it rejects any other."""


def step_of(mapping: Any) -> Step:
    """A step from its JSON, the server's or the client's.

    Raises:
        InfiniumError: it is not a JSON object, or has no id.
    """
    if not isinstance(mapping, Mapping):
        raise InfiniumError("Step must be a JSON object", field="Step")
    renamed = {CLIENT_NAMES.get(key, key): mapping[key] for key in mapping}
    if isinstance(mapping.get("tags"), list):
        renamed["tags"] = [tag for tag in mapping["tags"] if isinstance(tag, str)]
    return fill(Step, renamed, messages=load_each(message_of))


def message_of(mapping: Any) -> Message:
    """A message from its JSON.

    Raises:
        InfiniumError: it is not a JSON object, or has no id or role.
    """
    return fill(Message, mapping, tool_returns=load_each(tool_return_of))


def tool_return_of(mapping: Any) -> ToolReturn:
    """A tool's result from its JSON; one without a status is a success."""
    if not isinstance(mapping, Mapping):
        return ToolReturn("success", func_response=mapping)
    return fill(ToolReturn, {"status": "success", **mapping})


def metrics_of(mapping: Any) -> StepMetrics:
    """A step's metrics from their JSON.

    Raises:
        InfiniumError: it is not a JSON object, or has no id.
    """
    return fill(StepMetrics, mapping)


def provider_trace_of(mapping: Any) -> ProviderTrace:
    """A provider's request and response from their JSON.

    Raises:
        InfiniumError: it is not a JSON object, or has no id.
    """
    return fill(ProviderTrace, mapping)


def load(mapping: Any) -> StepLog:
    """A run from the JSON of any of Letta's records.

    Args:
        mapping: the output of `dump`, or one `Step`, `StepMetrics`, `Message` or
            `ProviderTrace` as the server's API returns it.

    Raises:
        InfiniumError: it is not a JSON object, or has no id.
    """
    if not isinstance(mapping, Mapping):
        raise InfiniumError("a step must be a JSON object", field="Step")
    if isinstance(mapping.get("steps"), list):
        return fill(
            StepLog,
            mapping,
            steps=load_each(step_of),
            metrics=load_each(metrics_of),
            messages=load_each(message_of),
            provider_traces=load_each(provider_trace_of),
        )
    if "role" in mapping:
        return StepLog(messages=(message_of(mapping),))
    if "request_json" in mapping:
        return StepLog(provider_traces=(provider_trace_of(mapping),))
    if "step_ns" in mapping or "llm_request_ns" in mapping:
        return StepLog(metrics=(metrics_of(mapping),))
    return StepLog((step_of(mapping),))


def dump(document: Any, *, newer: bool | None = None) -> dict[str, Any]:
    """A record as JSON that Letta's own class accepts.

    Letta's classes reject unknown keys and values: such keys are omitted, such values
    become null.

    Args:
        document: a `StepLog`, `Step`, `StepMetrics`, `Message` or `ProviderTrace`.
        newer: whether to write the four fields added after Letta 0.16.4; None writes
            them for steps that have a value for one.
    """
    if isinstance(document, Step):
        return _step(document, newer=newer)
    if not isinstance(document, StepLog):
        return dict(documents.dump(document))
    found = dict(documents.dump(replace(document, steps=())))
    found["steps"] = [_step(step, newer=newer) for step in document.steps]
    if not document.otel:
        del found["otel"]
    return found


def _step(step: Step, *, newer: bool | None) -> dict[str, Any]:
    found = dict(documents.dump(step))
    if newer is None:
        newer = any(found[name] is not None for name in NEWER_FIELDS)
    for name, accepted in ACCEPTED.items():
        if found[name] not in accepted:
            found[name] = None
    return {
        name: value
        for name, value in found.items()
        if newer or name not in NEWER_FIELDS
    }
