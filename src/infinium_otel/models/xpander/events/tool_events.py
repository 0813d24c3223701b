"""Merge a tool's request and result into one record, and split it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump, fill
from infinium_otel.models.field_attributes import read_fields
from infinium_otel.models.spans import from_json, json_object, to_json
from infinium_otel.models.xpander.attributes import REQUEST, TOOL
from infinium_otel.models.xpander.documents import reasoning_of
from infinium_otel.models.xpander.events.types import ToolCallRequest, ToolCallResult

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULT = "xpander.result"


def merge(
    request: ToolCallRequest | None, result: ToolCallResult | None
) -> tuple[ToolCallResult, dict[str, str]]:
    """Merge a request with its result.

    Args:
        request: None if it is missing.
        result: None if it is missing; one of the two is given.

    Returns:
        The merged record, in which the result wins, and attributes for the fields in
        which each differs from it.
    """
    request_fields = dump(request) if request else {}
    result_fields = dump(result) if result else {}
    given = {key: value for key, value in result_fields.items() if value is not None}
    merged = fill(ToolCallResult, {**request_fields, **given}, reasoning=reasoning_of)
    whole = dump(merged)
    differing = {
        REQUEST: _find_differences(
            request_fields, whole, _field_names(ToolCallRequest)
        ),
        RESULT: _find_differences(result_fields, whole, _field_names(ToolCallResult)),
    }
    return merged, {key: to_json(value) for key, value in differing.items() if value}


def _field_names(kind: type[Any]) -> set[str]:
    return {name for name in kind.__dataclass_fields__ if name != "other"}


def _find_differences(
    given: dict[str, Any], whole: dict[str, Any], known: set[str]
) -> dict[str, Any]:
    """The keys of *given* that differ from the merged record; a missing one is null."""
    if not given:
        return {}
    keys = {*given, *(key for key in whole if key in known or key not in _RESULT)}
    return {
        key: given.get(key) for key in sorted(keys) if given.get(key) != whole.get(key)
    }


_RESULT = _field_names(ToolCallResult)


def read_tool_events(
    attributes: Mapping[str, Any], *, failed: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON of the request and of the result that one span was made from.

    Args:
        failed: whether the span ended in an error.
    """
    merged = read_fields(attributes, TOOL, ToolCallResult) | {
        "tool_name": attributes.get("gen_ai.tool.name"),
        "payload": from_json(attributes.get("gen_ai.tool.call.arguments")),
        "result": from_json(attributes.get("gen_ai.tool.call.result")),
        "is_error": failed,
    }
    request = merged | (json_object(attributes.get(REQUEST)) or {})
    result = merged | (json_object(attributes.get(RESULT)) or {})
    only_results = _RESULT - _field_names(ToolCallRequest)
    return (
        {
            key: request[key]
            for key in request
            if key not in only_results and _is_given(request, key)
        },
        {key: result[key] for key in result if _is_given(result, key)},
    )


def _is_given(fields: Mapping[str, Any], key: str) -> bool:
    """Whether a key was given: for unknown keys null means that it was not."""
    return fields[key] is not None or key in _RESULT
