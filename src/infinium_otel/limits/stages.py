"""A task's JSON into so many bytes, in stages that keep what a judge reads.

The service takes 1 MiB. What must go, goes in this order, each stage only if the one
before did not suffice: previews of the middle steps, inputs first; their metadata; the
inputs of all steps; stack traces; duplicates of what steps say; outputs; whole middle
steps; and at last long summaries, sections, errors and names. The first and the last
steps, steps with errors, totals and summaries go last.

Source: what the judge renders, told in a comment of infinium-o2 1.2.0's TraceBuilder:
input summary 3,000 characters, output summary 8,000, outputs of the last steps 1,500,
inputs of steps 100.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from infinium_otel.limits.fields import cut, fit
from infinium_otel.taskdata import task_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.taskdata import TaskData

    Wire = dict[str, Any]

MAX_BODY_BYTES = 1_048_576
"""Source: infinium-o2 1.2.0, `MAX_PAYLOAD_SIZE`."""

SHRUNK = "infinium_otel.shrunk"
"""The tag that names the stages a task went through."""

TRUNCATED = "truncated"
"""The tag that the vendor's connectors set to "true" on a task that was cut."""

FIRST_KEPT, LAST_KEPT = 3, 5
IDS = ("otel.span_id", "otel.parent_span_id", "start_time")

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """The body of a request.

    Args:
        body: JSON in UTF-8.
        stages: what was cut, in words; () if nothing was.
    """

    body: bytes
    stages: tuple[str, ...] = ()


def encoded(task: TaskData, max_bytes: int = MAX_BODY_BYTES) -> Encoded:
    """The body of *task*, fitted into *max_bytes*. Never raises."""
    wire = task_to_dict(fit(task))
    body = _bytes(wire)
    return Encoded(body) if len(body) <= max_bytes else _in_stages(wire, max_bytes)


def shrunk(body: bytes, max_bytes: int) -> Encoded:
    """A body made earlier, fitted into *max_bytes*; itself if it fits or is no task."""
    if len(body) <= max_bytes:
        return Encoded(body)
    try:
        return _in_stages(json.loads(body), max_bytes)
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return Encoded(body)


def _in_stages(wire: Wire, max_bytes: int) -> Encoded:
    said: list[str] = []
    body = b""
    for name, stage in _STAGES:
        changed = stage(wire, max_bytes)
        if not changed:
            continue
        said.append(changed if isinstance(changed, str) else name)
        _tag(wire, said)
        body = _bytes(wire)
        if len(body) <= max_bytes:
            break
    return Encoded(body, tuple(said))


def _bytes(wire: Any) -> bytes:
    return _ENCODER.encode(wire).encode()


def _tag(wire: Wire, said: list[str]) -> None:
    """Says on the task what was cut, keeping the order of its keys."""
    prompts = wire.pop("prompt_studio", None)
    tags = wire.setdefault("environment", {}).setdefault("custom_tags", {})
    tags[TRUNCATED] = "true"
    tags[SHRUNK] = "; ".join(said)
    if prompts is not None:
        wire["prompt_studio"] = prompts


def _steps(wire: Wire) -> list[Wire]:
    steps: list[Wire] = wire.get("steps", [])
    return steps


def _middle(wire: Wire) -> list[Wire]:
    """Steps that tell least: not the first, not the last, none with an error."""
    inner = _steps(wire)[FIRST_KEPT:-LAST_KEPT]
    return [step for step in inner if not _failed(step)]


def _failed(step: Wire) -> bool:
    return "error" in step or "error" in step.get("tool_call", {})


def _cut_key(holder: Wire, name: str, length: int) -> bool:
    """Cuts one text; True if it was longer."""
    value = holder.get(name)
    if not isinstance(value, str) or len(value) <= length:
        return False
    holder[name] = cut(value, length)
    return True


def _cut_inputs(steps: list[Wire], length: int) -> bool:
    return _cut_all(steps, "input_preview", "input_summary", length)


def _cut_outputs(steps: list[Wire], length: int) -> bool:
    return _cut_all(steps, "output_preview", "output_summary", length)


def _cut_all(steps: list[Wire], preview: str, summary: str, length: int) -> bool:
    """Cuts a preview of each step and the summary its tool call has of the same."""
    changed = [_cut_key(step, preview, length) for step in steps]
    tools = [step["tool_call"] for step in steps if "tool_call" in step]
    changed += [_cut_key(tool, summary, length) for tool in tools]
    return any(changed)


def _middle_previews(wire: Wire, _: int, inputs: int, outputs: int) -> bool:
    steps = _middle(wire)
    return any([_cut_inputs(steps, inputs), _cut_outputs(steps, outputs)])


def _ids_only(steps: list[Wire]) -> bool:
    """Leaves of the metadata what names the span."""
    changed = False
    for step in steps:
        metadata = step.get("metadata")
        if not isinstance(metadata, dict) or metadata.keys() <= set(IDS):
            continue
        step["metadata"] = {name: metadata[name] for name in IDS if name in metadata}
        changed = True
    return changed


def _middle_metadata(wire: Wire, _: int) -> bool:
    return _ids_only(_middle(wire))


def _all_inputs(wire: Wire, _: int) -> bool:
    return _cut_inputs(_steps(wire), 100)


def _errors(wire: Wire) -> Iterator[Wire]:
    yield from wire.get("errors", [])
    for step in _steps(wire):
        for holder in (step, step.get("tool_call", {})):
            if "error" in holder:
                yield holder["error"]


def _stack_traces(wire: Wire, _: int) -> bool:
    """The end of a stack trace tells most: where it was raised."""
    changed = False
    for error in _errors(wire):
        trace = error.get("stack_trace")
        if isinstance(trace, str) and len(trace) > 1_000:
            error["stack_trace"] = "…" + trace[-999:]
            changed = True
    return changed


def _duplicates(wire: Wire, _: int) -> bool:
    """Metadata of the steps that are kept, and the calls that steps tell too."""
    usage = wire.get("llm_usage", {})
    calls = usage.pop("calls", None)
    if not usage:
        wire.pop("llm_usage", None)
    return _ids_only(_steps(wire)) or bool(calls)


def _all_outputs(wire: Wire, _: int, length: int) -> bool:
    return _cut_outputs(_steps(wire), length)


def _middle_steps(wire: Wire, max_bytes: int) -> str | bool:
    """Leaves out as few middle steps as will do, failed ones last."""
    steps = _steps(wire)
    inner = range(FIRST_KEPT, len(steps) - LAST_KEPT)
    order = sorted(inner, key=lambda number: _failed(steps[number]))
    excess = len(_bytes(wire)) - max_bytes + len("0000000 of 0000000 steps left out")
    gone = set()
    for number in order:
        if excess <= 0:
            break
        gone.add(number)
        excess -= len(_bytes(steps[number])) + 1
    if not gone:
        return False
    wire["steps"] = [step for number, step in enumerate(steps) if number not in gone]
    return f"{len(gone)} of {len(steps)} steps left out"


def _long_texts(wire: Wire, _: int) -> bool:
    """Texts as long as the judge reads them."""
    return any(
        [
            _cut_key(wire, "input_summary", 3_000),
            _cut_key(wire, "output_summary", 8_000),
            *(_cut_key(error, "message", 1_000) for error in _errors(wire)),
            *(_cut_key(step, "description", 500) for step in _steps(wire)),
        ]
    )


def _many_errors(wire: Wire, _: int) -> bool:
    errors = wire.get("errors", [])
    if len(errors) <= 40:
        return False
    wire["errors"] = errors[:20] + errors[-20:]
    return True


def _everything(wire: Wire, _: int, length: int, items: int) -> bool:
    before = _bytes(wire)
    for name, value in wire.items():
        if name not in ("current_datetime", "duration"):
            wire[name] = _small(value, length, items)
    return _bytes(wire) != before


def _small(value: Any, length: int, items: int) -> Any:
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, list):
        kept = (
            value
            if len(value) <= items
            else [*value[: items // 2], *value[-items // 2 :]]
        )
        return [_small(item, length, items) for item in kept]
    if isinstance(value, dict):
        kept_pairs = list(value.items())[: max(items, 20)]
        return {
            cut(name, length): _small(item, length, items) for name, item in kept_pairs
        }
    return value


def _bare(wire: Wire, _: int) -> bool:
    """What no task can be without, and what the user asked for."""
    kept = ("name", "description", "current_datetime", "duration", "environment")
    for name in [name for name in wire if name not in kept]:
        del wire[name]
    tags = wire["environment"].get("custom_tags", {})
    wire["environment"] = {
        "custom_tags": {name: tags[name] for name in tags if name.startswith("otel.")}
    }
    return True


_STAGES: tuple[tuple[str, Callable[[Wire, int], str | bool]], ...] = (
    (
        "middle previews to 300/1500",
        partial(_middle_previews, inputs=300, outputs=1500),
    ),
    ("middle previews to 100/500", partial(_middle_previews, inputs=100, outputs=500)),
    ("middle previews to 50/200", partial(_middle_previews, inputs=50, outputs=200)),
    ("metadata of middle steps", _middle_metadata),
    ("inputs to 100", _all_inputs),
    ("stack traces to 1000", _stack_traces),
    ("metadata and duplicate calls", _duplicates),
    ("outputs to 1500", partial(_all_outputs, length=1500)),
    ("middle steps", _middle_steps),
    ("summaries, messages and descriptions", _long_texts),
    ("errors to 40", _many_errors),
    ("everything to 2000", partial(_everything, length=2_000, items=100)),
    ("everything to 500", partial(_everything, length=500, items=20)),
    ("everything to 100", partial(_everything, length=100, items=8)),
    ("all but name and description", _bare),
)
"""The stages in order, each with the words that stand in the tag."""
