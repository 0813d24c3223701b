"""The formats, and how a document shows which of them it is in."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from infinium_otel.errors import DecodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infinium_otel.otlp import Record
    from infinium_otel.records import SpanRecord

MODELS = ("infinium", "hud", "agentix", "letta", "xpander")
"""Formats that have a module in `infinium_otel.models`, by its name."""

FORMATS = ("otlp", *MODELS)


class Model(Protocol):
    """What a module of `infinium_otel.models` offers."""

    def load(self, mapping: Mapping[str, Any]) -> Any:
        """A document of that system from its JSON."""

    def dump(self, document: Any) -> dict[str, Any]:
        """Its JSON."""

    def to_spans(self, document: Any) -> list[SpanRecord]:
        """The spans that say the same."""

    def from_spans(self, records: Iterable[Record]) -> Sequence[Any]:
        """The documents that one run's spans say."""


def model(name: str) -> Model:
    """The module of the format *name*."""
    return cast("Model", import_module(f"infinium_otel.models.{name}"))


def format_of(document: Any) -> str:
    """The format of *document*, told from its keys.

    Raises:
        DecodingError: it is none that is known.
    """
    if isinstance(document, Mapping):
        for name, is_it in _SIGNS:
            if is_it(document):
                return name
    raise DecodingError("cannot tell the format; say it with --from")


def _has(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: document.keys() >= set(keys)


def _is_otlp(document: Mapping[str, Any]) -> bool:
    return any(str(key).startswith("resource") for key in document)


def _is_of_letta(document: Mapping[str, Any]) -> bool:
    return str(document.get("id")).startswith(("step-", "message-"))


_SIGNS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("otlp", _is_otlp),
    ("infinium", _has("current_datetime", "duration")),
    ("agentix", _has("status", "transcript")),
    ("agentix", _has("run_id", "messages", "tokens_used")),
    ("letta", _is_of_letta),
    ("letta", _has("steps", "provider_traces")),
    ("letta", _has("request_json")),
    ("letta", _has("step_ns")),
    ("letta", _has("llm_request_ns")),
    ("hud", _has("reward")),
    ("hud", _has("isError")),
    ("hud", _has("steps")),
    ("hud", _has("trace", "grade")),
    ("hud", _has("telemetry")),
    ("hud", _has("span_id", "trace_id")),
    ("xpander", _has("events")),
    ("xpander", _has("id", "messages")),
    ("xpander", _has("type", "task_id")),
    ("xpander", _has("id", "agent_id", "organization_id")),
)
"""A document is of the first format whose sign it bears."""
