"""A tool's request and result as one account, and back into two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.models.carrying import uncarried
from infinium_otel.models.documents import dump, fill
from infinium_otel.models.spans import as_json, from_json, json_object
from infinium_otel.models.xpander.attributes import REQUEST, TOOL
from infinium_otel.models.xpander.documents import reasoning_of
from infinium_otel.models.xpander.events import ToolCallRequest, ToolCallResult

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULT = "xpander.result"


def merged(
    request: ToolCallRequest | None, result: ToolCallResult | None
) -> tuple[ToolCallResult, dict[str, str]]:
    """What both say together, and where each says otherwise.

    Args:
        request: None if it was never seen; so *result*; one of them is given.

    Returns:
        The account, in which the result wins, and attributes for what differs.
    """
    asked = dump(request) if request else {}
    answered = dump(result) if result else {}
    said = {key: value for key, value in answered.items() if value is not None}
    account = fill(ToolCallResult, {**asked, **said}, reasoning=reasoning_of)
    whole = dump(account)
    differing = {
        REQUEST: _difference(asked, whole, _fields(ToolCallRequest)),
        RESULT: _difference(answered, whole, _fields(ToolCallResult)),
    }
    return account, {key: as_json(value) for key, value in differing.items() if value}


def _fields(kind: type[Any]) -> set[str]:
    return {name for name in kind.__dataclass_fields__ if name != "other"}


def _difference(
    said: dict[str, Any], whole: dict[str, Any], known: set[str]
) -> dict[str, Any]:
    """The keys of *said* that differ from the account; a missing one is null."""
    if not said:
        return {}
    keys = {*said, *(key for key in whole if key in known or key not in _RESULT)}
    return {
        key: said.get(key) for key in sorted(keys) if said.get(key) != whole.get(key)
    }


_RESULT = _fields(ToolCallResult)


def tool_events_in(
    attributes: Mapping[str, Any], *, failed: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON of a request and of a result that one span tells of.

    Args:
        failed: whether the span ended in an error.
    """
    account = uncarried(attributes, TOOL, ToolCallResult) | {
        "tool_name": attributes.get("gen_ai.tool.name"),
        "payload": from_json(attributes.get("gen_ai.tool.call.arguments")),
        "result": from_json(attributes.get("gen_ai.tool.call.result")),
        "is_error": failed,
    }
    asked = account | (json_object(attributes.get(REQUEST)) or {})
    answered = account | (json_object(attributes.get(RESULT)) or {})
    only_results = _RESULT - _fields(ToolCallRequest)
    return (
        {
            key: asked[key]
            for key in asked
            if key not in only_results and _said(asked, key)
        },
        {key: answered[key] for key in answered if _said(answered, key)},
    )


def _said(account: Mapping[str, Any], key: str) -> bool:
    """Whether a key is there: null means that an unknown key was not."""
    return account[key] is not None or key in _RESULT
