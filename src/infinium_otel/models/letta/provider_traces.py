"""What a provider's raw request and answer tell of a step's call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.models import parts
from infinium_otel.models.spans import as_json, json_list, number, text, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.models.letta.types import ProviderTrace


def provider_attributes(traces: Sequence[ProviderTrace]) -> dict[str, Any]:
    """Parameters, ids and texts of the call that the last of *traces* holds.

    The request and the answer may be in OpenAI's or Anthropic's form; what is
    understood of neither is left out.
    """
    if not traces:
        return {}
    asked, answered = traces[-1].request_json, traces[-1].response_json
    return {
        "gen_ai.request.temperature": number(asked.get("temperature")),
        "gen_ai.request.top_p": number(asked.get("top_p")),
        "gen_ai.request.max_tokens": whole(
            asked.get("max_tokens", asked.get("max_completion_tokens"))
        ),
        "gen_ai.response.id": text(answered.get("id")),
        "gen_ai.response.model": text(answered.get("model")),
        "gen_ai.response.finish_reasons": _finish_reasons(answered),
        "gen_ai.input.messages": _messages(asked.get("messages", asked.get("input"))),
        "gen_ai.output.messages": _messages(_answers(answered)),
    }


def _choices(answered: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = json_list(answered.get("choices")) or []
    return [choice for choice in listed if isinstance(choice, Mapping)]


def _finish_reasons(answered: Mapping[str, Any]) -> list[str] | None:
    told = [choice.get("finish_reason") for choice in _choices(answered)]
    told.append(answered.get("stop_reason"))
    return [reason for reason in told if isinstance(reason, str)] or None


def _answers(answered: Mapping[str, Any]) -> list[Any]:
    found = [choice.get("message") for choice in _choices(answered)]
    if not found and isinstance(answered.get("content"), list):
        found = [{"role": "assistant", "content": answered["content"]}]
    return found


def _messages(value: Any) -> str | None:
    found = parts.read_messages(value) if isinstance(value, (list, tuple)) else []
    return as_json(found) if found else None
