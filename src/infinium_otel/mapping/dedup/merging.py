"""Merging a task that repeats another into the one that is kept."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.mapping.dedup.steps import (
    get_start_ns,
    get_tokens,
    is_inferred,
    is_log,
    list_call_steps,
    number_steps,
    parse_ns,
)
from infinium_otel.mapping.price_list import DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.taskdata import ExecutionStep, LlmUsage, TaskData


def add_missing(kept: TaskData, copy: TaskData, calls: Sequence[int]) -> None:
    """Add to *kept* what only its *copy* reports of the same calls.

    Args:
        calls: by index, which call of *kept* each call of *copy* is.
    """
    own = list_call_steps(kept)
    for step, place in zip(list_call_steps(copy), calls, strict=True):
        _correct_tokens(kept, own[place], step)
        _fill_missing(own[place], step)
        _fill_missing(own[place].llm_call, step.llm_call)
        known = own[place].metadata or {}
        more = {k: v for k, v in (step.metadata or {}).items() if k not in known}
        own[place].metadata = {**known, **more}
    if any(is_log(step) for step in own):
        _begin_with(kept, copy)
    _add_inferred_tools(kept, copy)
    if not any(step.output_preview for step in own[max(calls) + 1 :]):
        kept.output_summary = kept.output_summary or copy.output_summary
    kept.input_summary = kept.input_summary or copy.input_summary
    if kept.llm_usage is not None:
        _add_totals(kept.llm_usage, own)


def _add_inferred_tools(kept: TaskData, copy: TaskData) -> None:
    """Add the tools that only the messages of the copy report, by start."""
    steps = kept.steps or []
    if any(step.tool_call for step in steps):
        return
    inferred = [step for step in copy.steps or () if is_inferred(step)]
    if inferred:
        kept.steps = sorted([*steps, *inferred], key=get_start_ns)
        number_steps(kept.steps)


def _begin_with(kept: TaskData, copy: TaskData) -> None:
    """Begin a run that only a log record reports with the request that it belongs to."""
    times, request = kept.time_tracking, copy.time_tracking
    if times is None or request is None or times.end_time is None:
        return
    if request.start_time and request.start_time < times.end_time:
        kept.time_tracking = replace(times, start_time=request.start_time)
        length_ns = parse_ns(times.end_time) - parse_ns(request.start_time)
        kept.duration = length_ns / 1e9
        kept.name = copy.name


def _correct_tokens(kept: TaskData, own: ExecutionStep, copy: ExecutionStep) -> None:
    """Count the tokens by the client's span, where it lies inside the kept one."""
    counted, counted_inside = get_tokens(own.llm_call), get_tokens(copy.llm_call)
    if own.llm_call is None or counted is None or counted_inside is None:
        return
    is_inside = (copy.duration_ms or 0) <= (own.duration_ms or 0)
    if counted == counted_inside or not is_inside:
        return
    more = counted_inside[1] - counted[1]
    own.llm_call.completion_tokens = counted_inside[1]
    cost, cost_inside = _get_cost(own), _get_cost(copy)
    own.metadata = {**(own.metadata or {}), "cost_usd": cost_inside}
    usage = kept.llm_usage
    if usage is None or usage.completion_tokens is None:
        return
    usage.completion_tokens += more
    usage.total_tokens = usage.total_tokens and usage.total_tokens + more
    if usage.estimated_cost_usd is not None and cost is not None:
        total = usage.estimated_cost_usd - cost
        usage.estimated_cost_usd = (
            None if cost_inside is None else round(total + cost_inside, DIGITS)
        )


def _get_cost(step: ExecutionStep) -> float | None:
    found = (step.metadata or {}).get("cost_usd")
    return found if isinstance(found, float) else None


def _add_totals(usage: LlmUsage, steps: Sequence[ExecutionStep]) -> None:
    """Fill the totals missing in *usage*, now that every call may report its part."""
    usage.calls = [step.llm_call for step in steps if step.llm_call]
    tokens = [get_tokens(call) for call in usage.calls]
    if usage.total_tokens is None and all(tokens):
        usage.prompt_tokens = sum(each[0] for each in tokens if each)
        usage.completion_tokens = sum(each[1] for each in tokens if each)
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
    costs = [_get_cost(step) for step in steps if not _is_refused(step)]
    known = [cost for cost in costs if cost is not None]
    if usage.estimated_cost_usd is None and known and len(known) == len(costs):
        usage.estimated_cost_usd = round(sum(known), DIGITS)


def _is_refused(step: ExecutionStep) -> bool:
    """Whether the provider refused a call with a status, so that it is not billed."""
    code = step.error.error_code if step.error else None
    return bool(code and code.isdecimal()) and get_tokens(step.llm_call) is None


def _fill_missing(target: Any, source: Any) -> None:
    """Fill the fields of *target* that are None from *source*."""
    for each in fields(target):
        if getattr(target, each.name) is None:
            setattr(target, each.name, getattr(source, each.name))
