"""The formats, and how a document shows which of them it is in."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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


def _is_in_lines(document: Mapping[str, Any]) -> bool:
    """True for a span as HUD exports it, or an upload of them: a run is many."""
    return "telemetry" in document or document.keys() >= {"span_id", "trace_id"}


def loaded(name: str, first: Any, documents: Iterable[Any]) -> Iterator[Any]:
    """The JSON values of a format as its documents, or the error each of them is.

    Args:
        name: the format.
        first: the first of them, which tells if a document is one value or many.
        documents: all of them.
    """
    system = model(name)
    if name == "hud" and isinstance(first, Mapping) and _is_in_lines(first):
        yield from system.from_hud(documents)  # type: ignore[attr-defined]  # HUD's own
        return
    for document in documents:
        try:
            if not isinstance(document, Mapping):
                raise DecodingError(f"not {name}: a JSON object was expected")
            yield system.load(document)
        except InfiniumError as error:
            yield error


def _has(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: document.keys() >= set(keys)


def _is_otlp(document: Mapping[str, Any]) -> bool:
    return any(str(key).startswith("resource") for key in document)


def _is_step_id(document: Mapping[str, Any]) -> bool:
    return str(document.get("id")).startswith("step-")


_SIGNS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("otlp", _is_otlp),
    ("infinium", _has("current_datetime", "duration")),
    ("agentix", _has("status", "transcript")),
    ("agentix", _has("run_id", "messages", "tokens_used")),
    ("letta", _is_step_id),
    ("letta", _has("step_id", "agent_id")),
    ("hud", _has("reward")),
    ("hud", _has("isError")),
    ("hud", _has("steps")),
    ("hud", _has("trace", "grade")),
    ("hud", _is_in_lines),
    ("xpander", _has("id", "messages")),
    ("xpander", _has("type", "task_id")),
    ("xpander", _has("id", "agent_id", "organization_id")),
)
"""A document is of the first format whose sign it bears."""
