"""The times of a step and its parts: from its metrics, else from its messages.

And back: metrics from spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.models.letta.messages import MODEL_ROLES, TOOL_ROLES, find_tool_runs
from infinium_otel.models.letta.types import StepMetrics
from infinium_otel.models.spans import LATEST_NS, to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.models.letta.messages import ToolRun
    from infinium_otel.models.letta.types import Message, Step
    from infinium_otel.records import SpanRecord

Times = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """The times of a step, ns since the epoch.

    Args:
        source: where the times come from: "metrics", "messages" or "synthetic".
        tools: start and end of each tool run, in the order of the results.
    """

    source: str
    start_ns: int
    end_ns: int
    call_start_ns: int
    call_end_ns: int
    tools: tuple[Times, ...]


def list_times(metrics: StepMetrics | None, messages: Sequence[Message]) -> list[int]:
    """All known times of a step, ns since the epoch."""
    start_ns = _get_start(metrics)
    times = [at for m in messages if (at := to_ns(m.created_at)) is not None]
    return times if start_ns is None else [_clamp(start_ns), *times]


def lay_out(
    metrics: StepMetrics | None,
    messages: Sequence[Message],
    earliest_ns: int,
) -> Layout:
    """The times of one step.

    Args:
        metrics: the preferred source; None (or no start in it) selects the messages.
        messages: the step's messages; their `created_at` is used.
        earliest_ns: start of a step without either; its length is then zero.
    """
    runs = find_tool_runs(messages)
    step_start_ns = _get_start(metrics)
    if metrics is not None and step_start_ns is not None:
        return _lay_out_by_metrics(metrics, step_start_ns, runs)
    times = [at for m in messages if (at := to_ns(m.created_at)) is not None]
    if times:
        return _lay_out_by_messages(messages, runs, times)
    at_ns = _clamp(earliest_ns)
    tools = tuple((at_ns, at_ns) for _ in runs)
    return Layout("synthetic", at_ns, at_ns, at_ns, at_ns, tools)


def _get_start(metrics: StepMetrics | None) -> int | None:
    if metrics is None:
        return None
    if metrics.step_start_ns is not None:
        return metrics.step_start_ns
    return metrics.llm_request_start_ns


def _lay_out_by_metrics(
    metrics: StepMetrics, begun: int, runs: list[ToolRun]
) -> Layout:
    start = _clamp(begun)
    call = metrics.llm_request_start_ns
    call_start = start if call is None else _clamp(call)
    tool_ns = metrics.tool_execution_ns or 0
    request_ns = metrics.llm_request_ns
    if request_ns is None:
        request_ns = max(0, (metrics.step_ns or 0) - tool_ns)
    call_end = _clamp(call_start + max(0, request_ns))
    tools = tuple(_tool_times(runs, call_end, max(0, tool_ns)))
    ends = [call_end, start + max(0, metrics.step_ns or 0), *(end for _, end in tools)]
    return Layout("metrics", start, _clamp(max(ends)), call_start, call_end, tools)


def _tool_times(runs: list[ToolRun], after_ns: int, tool_ns: int) -> list[Times]:
    """Each tool by its messages' times; else equal shares of the tools' total time."""
    found: list[Times] = []
    share = tool_ns // len(runs) if runs else 0
    cursor = after_ns
    for number, run in enumerate(runs, 1):
        last = after_ns + tool_ns if number == len(runs) else cursor + share
        answer_ns = to_ns(run.response_at)
        if answer_ns is not None and answer_ns >= after_ns:
            call_ns = to_ns(run.request_at)
            start = min(
                answer_ns, max(after_ns, cursor if call_ns is None else call_ns)
            )
            found.append((start, answer_ns))
        else:
            found.append((cursor, _clamp(last)))
        cursor = max(cursor, found[-1][1])
    return found


def _lay_out_by_messages(
    messages: Sequence[Message], runs: list[ToolRun], times: list[int]
) -> Layout:
    """From the first message to the last; the call ends with the model's message."""
    start = min(times)
    answers = [to_ns(m.created_at) for m in messages if m.role in MODEL_ROLES]
    answer_times = [at for at in answers if at is not None]
    before = [
        at
        for m in messages
        if m.role not in TOOL_ROLES and (at := to_ns(m.created_at)) is not None
    ]
    call_end = max(answer_times) if answer_times else max(before or [start])
    tools = tuple(_tool_times(runs, call_end, 0))
    end = max([call_end, *times, *(end for _, end in tools)])
    return Layout("messages", start, end, start, call_end, tools)


def _clamp(time_ns: int) -> int:
    return min(max(time_ns, 0), LATEST_NS)


def to_metrics(
    step: Step, call: SpanRecord, tools: Sequence[SpanRecord]
) -> StepMetrics:
    """The metrics of a step, from the spans of its call and of the tools after it."""
    tool_ns = sum(_length(tool) for tool in tools)
    end_ns = max([call.end_ns, call.start_ns, *(tool.end_ns for tool in tools)])
    return StepMetrics(
        id=step.id,
        organization_id=step.organization_id,
        run_id=step.run_id,
        agent_id=step.agent_id,
        project_id=step.project_id,
        step_start_ns=call.start_ns,
        llm_request_start_ns=call.start_ns,
        llm_request_ns=_length(call),
        tool_execution_ns=tool_ns if tools else None,
        step_ns=end_ns - call.start_ns,
    )


def _length(record: SpanRecord) -> int:
    return max(0, record.end_ns - record.start_ns)
