"""Formats of other systems in which a run is several records, one per line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import import_model
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Gather = Callable[[Iterable[Any]], Iterator[Any]]


def load_documents(name: str, first: Any, values: Iterable[Any]) -> Iterator[Any]:
    """Load the JSON values of a format as documents; a bad value gives its error.

    Args:
        name: the format.
        first: the first value, which shows whether a run is one value or several.
        values: all values, the first one included.
    """
    is_part, gather = _LINES.get(name, (None, None))
    if is_part and gather and isinstance(first, Mapping) and is_part(first):
        values = gather(values)
    for value in values:
        try:
            yield (
                value.document
                if isinstance(value, _LoadedDocument)
                else _load_document(name, value)
            )
        except InfiniumError as error:
            yield error


def _load_document(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise DecodingError(f"not {name}: a JSON object was expected")
    return import_model(name).load(value)


class _LoadedDocument:
    """A document that is loaded already."""

    def __init__(self, document: Any) -> None:
        self.document = document


def _is_hud_line(first: Mapping[str, Any]) -> bool:
    """Whether this is a span as HUD exports it, or an upload of several."""
    return "telemetry" in first or first.keys() >= {"span_id", "trace_id"}


def _group_hud_spans(values: Iterable[Any]) -> Iterator[Any]:
    system: Any = import_model("hud")
    for document in system.from_hud(values):
        yield _LoadedDocument(document)


def _is_letta_record(first: Mapping[str, Any]) -> bool:
    return not isinstance(first.get("steps"), list)


def _group_letta_records(values: Iterable[Any]) -> Iterator[Any]:
    """Build one log of all: a step's times and texts are records of their own."""
    log: dict[str, list[Any]] = {"steps": []}
    invalid = []
    for value in values:
        if isinstance(value, Mapping):
            log.setdefault(_classify_letta_record(value), []).append(value)
        else:
            invalid.append(value)
    yield log
    yield from invalid


def _classify_letta_record(value: Mapping[str, Any]) -> str:
    if "role" in value:
        return "messages"
    if "request_json" in value:
        return "provider_traces"
    is_metrics = "step_ns" in value or "llm_request_ns" in value
    return "metrics" if is_metrics else "steps"


def _is_xpander_event(first: Mapping[str, Any]) -> bool:
    return first.keys() >= {"type", "task_id"}


def _group_xpander_events(values: Iterable[Any]) -> Iterator[Any]:
    """Build one stream per task, of its events in order."""
    streams: dict[str, list[Any]] = {}
    invalid = []
    for value in values:
        if isinstance(value, Mapping):
            streams.setdefault(str(value.get("task_id")), []).append(value)
        else:
            invalid.append(value)
    yield from ({"events": events} for events in streams.values())
    yield from invalid


_LINES: dict[str, tuple[Callable[[Mapping[str, Any]], bool], Gather]] = {
    "hud": (_is_hud_line, _group_hud_spans),
    "letta": (_is_letta_record, _group_letta_records),
    "xpander": (_is_xpander_event, _group_xpander_events),
}
"""By format: whether a first line is one of several of a run, and how to group them."""
