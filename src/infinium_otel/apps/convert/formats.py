"""The formats, and how to detect which one a document has."""

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
    """The interface of a module of `infinium_otel.models`."""

    def load(self, mapping: Mapping[str, Any]) -> Any:
        """Read a document of that system from its JSON."""

    def dump(self, document: Any) -> dict[str, Any]:
        """Return a document's JSON."""

    def to_spans(self, document: Any) -> list[SpanRecord]:
        """Convert a document to spans."""

    def from_spans(self, records: Iterable[Record]) -> Sequence[Any]:
        """Convert the spans of one run to documents."""


def import_model(name: str) -> Model:
    """Import the module of the format *name*."""
    return cast("Model", import_module(f"infinium_otel.models.{name}"))


def detect_format(document: Any) -> str:
    """Detect the format of *document* by its keys.

    Raises:
        DecodingError: no format matches.
    """
    if isinstance(document, Mapping):
        for name, matches in _DETECTORS:
            if matches(document):
                return name
    raise DecodingError("cannot detect the format; set it with --from")


def reject_other_format(document: Any, name: str) -> None:
    """Check that *document* is not plainly of another format than *name*.

    Raises:
        DecodingError: it is OTLP, or a task, and *name* is another system.
    """
    if not isinstance(document, Mapping):
        return
    for other, matches in _DETECTORS[:2]:
        if other != name and matches(document):
            raise DecodingError(f"not {name}: this is {other}; leave out --from")


def _has(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: document.keys() >= set(keys)


def _is_otlp(document: Mapping[str, Any]) -> bool:
    return any(str(key).startswith("resource") for key in document)


def _is_letta(document: Mapping[str, Any]) -> bool:
    return str(document.get("id")).startswith(("step-", "message-"))


_DETECTORS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("otlp", _is_otlp),
    ("infinium", _has("current_datetime", "duration")),
    ("agentix", _has("status", "transcript")),
    ("agentix", _has("run_id", "messages", "tokens_used")),
    ("letta", _is_letta),
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
"""The first match decides; the first two cannot be mistaken."""
