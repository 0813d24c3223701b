"""Shrink a task's JSON to a size in bytes, in stages that keep what a judge reads.

The service accepts 1 MiB. The stages run in this order until the body fits: previews of
the middle steps, inputs first; their metadata; the inputs of all steps; stack traces;
duplicates of what steps contain; outputs; whole middle steps; and finally long
summaries, sections, errors and names. The first and the last steps, steps with errors,
totals and summaries are shortened last.

Source: what the judge renders, according to a comment in infinium-o2 1.2.0's TraceBuilder:
input summary 3,000 characters, output summary 8,000, outputs of the last steps 1,500,
inputs of steps 100.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata import task_to_dict
from infinium_otel.taskdata.limits.fields import (
    MAX_INPUT_SUMMARY_LENGTH,
    MAX_OUTPUT_SUMMARY_LENGTH,
    truncate,
    truncate_start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.taskdata import TaskData

    Wire = dict[str, Any]

MAX_BODY_BYTES = 1_048_576
"""Source: infinium-o2 1.2.0, `MAX_PAYLOAD_SIZE`."""

SHRUNK = "infinium_otel.shrunk"
"""The tag that lists the stages that were applied to a task."""

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
        stages: names of the stages that were applied; () if none was.
    """

    body: bytes
    stages: tuple[str, ...] = ()


def encode_task(task: TaskData, max_bytes: int = MAX_BODY_BYTES) -> Encoded:
    """The request body of *task*, at most *max_bytes* long.

    Args:
        task: a task whose fields are within their limits (`clamp`, `validate`).

    Raises:
        TypeError: *task* is not a dataclass.
    """
    wire = task_to_dict(task)
    body = _to_bytes(wire)
    return Encoded(body) if len(body) <= max_bytes else _shrink(wire, max_bytes)


def shrink_body(body: bytes, max_bytes: int) -> Encoded:
    """*body* in at most *max_bytes*; unchanged if it fits or is not a task's JSON."""
    if len(body) <= max_bytes:
        return Encoded(body)
    try:
        return _shrink(json.loads(body), max_bytes)
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return Encoded(body)


def _shrink(wire: Wire, max_bytes: int) -> Encoded:
    applied: list[str] = []
    body = b""
    for name, stage in _STAGES:
        changed = stage(wire, max_bytes)
        if not changed:
            continue
        applied.append(changed if isinstance(changed, str) else name)
        _add_tags(wire, applied)
        body = _to_bytes(wire)
        if len(body) <= max_bytes:
            break
    return Encoded(body, tuple(applied))


def _to_bytes(wire: Any) -> bytes:
    return _ENCODER.encode(wire).encode()


def _add_tags(wire: Wire, applied: list[str]) -> None:
    """Add tags that list the stages, keeping the order of the task's keys."""
    prompts = wire.pop("prompt_studio", None)
    tags = wire.setdefault("environment", {}).setdefault("custom_tags", {})
    tags[TRUNCATED] = "true"
    tags[SHRUNK] = "; ".join(applied)
    if prompts is not None:
        wire["prompt_studio"] = prompts


def _get_steps(wire: Wire) -> list[Wire]:
    steps: list[Wire] = wire.get("steps", [])
    return steps


def _get_middle_steps(wire: Wire) -> list[Wire]:
    """The steps that matter least: not the first, not the last, none with an error."""
    inner = _get_steps(wire)[FIRST_KEPT:-LAST_KEPT]
    return [step for step in inner if not _has_error(step)]


def _has_error(step: Wire) -> bool:
    return "error" in step or "error" in step.get("tool_call", {})


def _truncate_member(holder: Wire, name: str, length: int) -> bool:
    """Truncate one text; True if it was longer."""
    value = holder.get(name)
    if not isinstance(value, str) or len(value) <= length:
        return False
    holder[name] = truncate(value, length)
    return True


def _truncate_inputs(steps: list[Wire], length: int) -> bool:
    return _truncate_all(steps, "input_preview", "input_summary", length)


def _truncate_outputs(steps: list[Wire], length: int) -> bool:
    return _truncate_all(steps, "output_preview", "output_summary", length)


def _truncate_all(steps: list[Wire], preview: str, summary: str, length: int) -> bool:
    """Truncate a preview of each step and the summary in its tool call."""
    changed = [_truncate_member(step, preview, length) for step in steps]
    tools = [step["tool_call"] for step in steps if "tool_call" in step]
    changed += [_truncate_member(tool, summary, length) for tool in tools]
    return any(changed)


def _shorten_middle_previews(wire: Wire, _: int, inputs: int, outputs: int) -> bool:
    steps = _get_middle_steps(wire)
    return any([_truncate_inputs(steps, inputs), _truncate_outputs(steps, outputs)])


def _keep_ids(steps: list[Wire]) -> bool:
    """Drop all metadata but what identifies the span; True if anything was dropped."""
    changed = False
    for step in steps:
        metadata = step.get("metadata")
        if not isinstance(metadata, dict) or metadata.keys() <= set(IDS):
            continue
        step["metadata"] = {name: metadata[name] for name in IDS if name in metadata}
        changed = True
    return changed


def _drop_middle_metadata(wire: Wire, _: int) -> bool:
    return _keep_ids(_get_middle_steps(wire))


def _shorten_inputs(wire: Wire, _: int) -> bool:
    return _truncate_inputs(_get_steps(wire), 100)


def _iter_errors(wire: Wire) -> Iterator[Wire]:
    yield from wire.get("errors", [])
    for step in _get_steps(wire):
        for holder in (step, step.get("tool_call", {})):
            if "error" in holder:
                yield holder["error"]


def _shorten_stack_traces(wire: Wire, _: int) -> bool:
    """Keep the end of each stack trace: where the error was raised."""
    changed = False
    for error in _iter_errors(wire):
        trace = error.get("stack_trace")
        if isinstance(trace, str) and len(trace) > 1_000:
            error["stack_trace"] = truncate_start(trace, 1_000)
            changed = True
    return changed


def _drop_duplicates(wire: Wire, _: int) -> bool:
    """Drop metadata of the remaining steps, and the calls that steps contain too."""
    usage = wire.get("llm_usage", {})
    calls = usage.pop("calls", None)
    if not usage:
        wire.pop("llm_usage", None)
    return _keep_ids(_get_steps(wire)) or bool(calls)


def _shorten_outputs(wire: Wire, _: int, length: int) -> bool:
    return _truncate_outputs(_get_steps(wire), length)


def _drop_middle_steps(wire: Wire, max_bytes: int) -> str | bool:
    """Drop as few middle steps as necessary, failed ones last."""
    steps = _get_steps(wire)
    inner = range(FIRST_KEPT, len(steps) - LAST_KEPT)
    order = sorted(inner, key=lambda number: _has_error(steps[number]))
    excess = len(_to_bytes(wire)) - max_bytes + len("0000000 of 0000000 steps dropped")
    gone = set()
    for number in order:
        if excess <= 0:
            break
        gone.add(number)
        excess -= len(_to_bytes(steps[number])) + 1
    if not gone:
        return False
    wire["steps"] = [step for number, step in enumerate(steps) if number not in gone]
    return f"{len(gone)} of {len(steps)} steps dropped"


def _shorten_texts(wire: Wire, _: int) -> bool:
    """Truncate texts to what the judge reads of them."""
    return any(
        [
            _truncate_member(wire, "input_summary", MAX_INPUT_SUMMARY_LENGTH),
            _truncate_member(wire, "output_summary", MAX_OUTPUT_SUMMARY_LENGTH),
            *(
                _truncate_member(error, "message", 1_000)
                for error in _iter_errors(wire)
            ),
            *(_truncate_member(step, "description", 500) for step in _get_steps(wire)),
        ]
    )


def _drop_errors(wire: Wire, _: int) -> bool:
    errors = wire.get("errors", [])
    if len(errors) <= 40:
        return False
    wire["errors"] = errors[:20] + errors[-20:]
    return True


def _shorten_everything(wire: Wire, _: int, length: int, items: int) -> bool:
    before = _to_bytes(wire)
    for name, value in wire.items():
        if name not in ("current_datetime", "duration"):
            wire[name] = _shorten(value, length, items)
    return _to_bytes(wire) != before


def _shorten(value: Any, length: int, items: int) -> Any:
    if isinstance(value, str):
        return truncate(value, length)
    if isinstance(value, list):
        kept = (
            value
            if len(value) <= items
            else [*value[: items // 2], *value[-items // 2 :]]
        )
        return [_shorten(item, length, items) for item in kept]
    if isinstance(value, dict):
        kept_pairs = list(value.items())[: max(items, 20)]
        return {
            truncate(name, length): _shorten(item, length, items)
            for name, item in kept_pairs
        }
    return value


def _drop_all_but_required(wire: Wire, _: int) -> bool:
    """Drop everything but the required fields and the ids in the tags."""
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
        partial(_shorten_middle_previews, inputs=300, outputs=1500),
    ),
    (
        "middle previews to 100/500",
        partial(_shorten_middle_previews, inputs=100, outputs=500),
    ),
    (
        "middle previews to 50/200",
        partial(_shorten_middle_previews, inputs=50, outputs=200),
    ),
    ("metadata of middle steps", _drop_middle_metadata),
    ("inputs to 100", _shorten_inputs),
    ("stack traces to 1000", _shorten_stack_traces),
    ("metadata and duplicate calls", _drop_duplicates),
    ("outputs to 1500", partial(_shorten_outputs, length=1500)),
    ("middle steps", _drop_middle_steps),
    ("summaries, messages and descriptions", _shorten_texts),
    ("errors to 40", _drop_errors),
    ("everything to 2000", partial(_shorten_everything, length=2_000, items=100)),
    ("everything to 500", partial(_shorten_everything, length=500, items=20)),
    ("everything to 100", partial(_shorten_everything, length=100, items=8)),
    ("all but name and description", _drop_all_but_required),
)
"""The stages in order, each with its name in the tag."""
