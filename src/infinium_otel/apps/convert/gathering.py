"""Records of other systems that stand a line each, where a run is many of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import model
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Gather = Callable[[Iterable[Any]], Iterator[Any]]


def loaded(name: str, first: Any, values: Iterable[Any]) -> Iterator[Any]:
    """The JSON values of a format as its documents, or the error each of them is.

    Args:
        name: the format.
        first: the first of them, which tells if a run is one value or many.
        values: all of them.
    """
    is_part, gather = _LINES.get(name, (None, None))
    if is_part and gather and isinstance(first, Mapping) and is_part(first):
        values = gather(values)
    for value in values:
        try:
            yield value.document if isinstance(value, _Whole) else _loaded(name, value)
        except InfiniumError as error:
            yield error


def _loaded(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise DecodingError(f"not {name}: a JSON object was expected")
    return model(name).load(value)


class _Whole:
    """A document that needs no loading any more."""

    def __init__(self, document: Any) -> None:
        self.document = document


def _is_hud_line(first: Mapping[str, Any]) -> bool:
    """True for a span as HUD exports it, or an upload of them."""
    return "telemetry" in first or first.keys() >= {"span_id", "trace_id"}


def _hud_runs(values: Iterable[Any]) -> Iterator[Any]:
    system: Any = model("hud")
    for document in system.from_hud(values):
        yield _Whole(document)


def _is_letta_record(first: Mapping[str, Any]) -> bool:
    return not isinstance(first.get("steps"), list)


def _letta_log(values: Iterable[Any]) -> Iterator[Any]:
    """One log of all of them: a step's time and texts stand in records of their own."""
    log: dict[str, list[Any]] = {"steps": []}
    strange = []
    for value in values:
        if isinstance(value, Mapping):
            log.setdefault(_letta_kind(value), []).append(value)
        else:
            strange.append(value)
    yield log
    yield from strange


def _letta_kind(value: Mapping[str, Any]) -> str:
    if "role" in value:
        return "messages"
    if "request_json" in value:
        return "provider_traces"
    timed = "step_ns" in value or "llm_request_ns" in value
    return "metrics" if timed else "steps"


def _is_xpander_event(first: Mapping[str, Any]) -> bool:
    return first.keys() >= {"type", "task_id"}


def _xpander_streams(values: Iterable[Any]) -> Iterator[Any]:
    """One stream for each task, of its events in their order."""
    streams: dict[str, list[Any]] = {}
    strange = []
    for value in values:
        if isinstance(value, Mapping):
            streams.setdefault(str(value.get("task_id")), []).append(value)
        else:
            strange.append(value)
    yield from ({"events": events} for events in streams.values())
    yield from strange


_LINES: dict[str, tuple[Callable[[Mapping[str, Any]], bool], Gather]] = {
    "hud": (_is_hud_line, _hud_runs),
    "letta": (_is_letta_record, _letta_log),
    "xpander": (_is_xpander_event, _xpander_streams),
}
"""How a first line shows that a run is many lines, and what makes runs of them."""
