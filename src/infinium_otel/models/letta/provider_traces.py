"""Attributes of a step's call from the provider's raw request and response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.spans import as_int, as_number, as_text, json_list, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.models.letta.types import ProviderTrace


def provider_attributes(traces: Sequence[ProviderTrace]) -> dict[str, Any]:
    """Parameters, ids and texts of the call in the last of *traces*.

    Request and response may have OpenAI's or Anthropic's form; other keys are ignored.
    """
    if not traces:
        return {}
    request, response = traces[-1].request_json, traces[-1].response_json
    return {
        "gen_ai.request.temperature": as_number(request.get("temperature")),
        "gen_ai.request.top_p": as_number(request.get("top_p")),
        "gen_ai.request.max_tokens": as_int(
            request.get("max_tokens", request.get("max_completion_tokens"))
        ),
        "gen_ai.response.id": as_text(response.get("id")),
        "gen_ai.response.model": as_text(response.get("model")),
        "gen_ai.response.finish_reasons": _finish_reasons(response),
        "gen_ai.input.messages": _messages(
            request.get("messages", request.get("input"))
        ),
        "gen_ai.output.messages": _messages(_list_answers(response)),
    }


def _choices(response: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = json_list(response.get("choices")) or []
    return [choice for choice in listed if isinstance(choice, Mapping)]


def _finish_reasons(response: Mapping[str, Any]) -> list[str] | None:
    reasons = [choice.get("finish_reason") for choice in _choices(response)]
    reasons.append(response.get("stop_reason"))
    return [reason for reason in reasons if isinstance(reason, str)] or None


def _list_answers(response: Mapping[str, Any]) -> list[Any]:
    found = [choice.get("message") for choice in _choices(response)]
    if not found and isinstance(response.get("content"), list):
        found = [{"role": "assistant", "content": response["content"]}]
    return found


def _messages(value: Any) -> str | None:
    found = parts.read_messages(value) if isinstance(value, (list, tuple)) else []
    return to_json(found) if found else None
