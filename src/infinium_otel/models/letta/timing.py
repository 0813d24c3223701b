"""When a step and its parts took place: by its metrics, its messages, or laid out.

And back: metrics by the spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.models.letta.messages import ANSWERING, ASKING, tool_runs
from infinium_otel.models.letta.types import StepMetrics
from infinium_otel.models.spans import LATEST_NS, to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.models.letta.messages import ToolRun
    from infinium_otel.models.letta.types import Message, Step
    from infinium_otel.records import SpanRecord

Times = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Laid:
    """A step in time, ns since the epoch.

    Args:
        source: "metrics", "messages" or "synthetic": who told the time.
        tools: start and end of each tool run, in the order of the answers.
    """

    source: str
    start_ns: int
    end_ns: int
    call_start_ns: int
    call_end_ns: int
    tools: tuple[Times, ...]


def told_times(metrics: StepMetrics | None, messages: Sequence[Message]) -> list[int]:
    """When a step took place, by whatever tells it."""
    begun = _start_of(metrics)
    told = [at for m in messages if (at := to_ns(m.created_at)) is not None]
    return told if begun is None else [_clamped(begun), *told]


def lay(
    metrics: StepMetrics | None,
    messages: Sequence[Message],
    earliest_ns: int,
) -> Laid:
    """The times of one step.

    Args:
        metrics: the best source; None (or without a start) leaves it to messages.
        messages: the step's, by whose `created_at` it is placed.
        earliest_ns: where a step goes that has neither: it takes no time then.
    """
    runs = tool_runs(messages)
    begun = _start_of(metrics)
    if metrics is not None and begun is not None:
        return _by_metrics(metrics, begun, runs)
    told = [at for m in messages if (at := to_ns(m.created_at)) is not None]
    if told:
        return _by_messages(messages, runs, told)
    still = _clamped(earliest_ns)
    tools = tuple((still, still) for _ in runs)
    return Laid("synthetic", still, still, still, still, tools)


def _start_of(metrics: StepMetrics | None) -> int | None:
    if metrics is None:
        return None
    if metrics.step_start_ns is not None:
        return metrics.step_start_ns
    return metrics.llm_request_start_ns


def _by_metrics(metrics: StepMetrics, begun: int, runs: list[ToolRun]) -> Laid:
    start = _clamped(begun)
    call = metrics.llm_request_start_ns
    call_start = start if call is None else _clamped(call)
    working = metrics.tool_execution_ns or 0
    asking = metrics.llm_request_ns
    if asking is None:
        asking = max(0, (metrics.step_ns or 0) - working)
    call_end = _clamped(call_start + max(0, asking))
    tools = tuple(_tool_times(runs, call_end, max(0, working)))
    ends = [call_end, start + max(0, metrics.step_ns or 0), *(end for _, end in tools)]
    return Laid("metrics", start, _clamped(max(ends)), call_start, call_end, tools)


def _tool_times(runs: list[ToolRun], after_ns: int, working: int) -> list[Times]:
    """Each tool by its messages' times; else the tools' time in equal shares."""
    found: list[Times] = []
    share = working // len(runs) if runs else 0
    cursor = after_ns
    for number, run in enumerate(runs, 1):
        last = after_ns + working if number == len(runs) else cursor + share
        answered = to_ns(run.answered_at)
        if answered is not None and answered >= after_ns:
            begun = to_ns(run.asked_at)
            start = min(answered, max(after_ns, cursor if begun is None else begun))
            found.append((start, answered))
        else:
            found.append((cursor, _clamped(last)))
        cursor = max(cursor, found[-1][1])
    return found


def _by_messages(
    messages: Sequence[Message], runs: list[ToolRun], told: list[int]
) -> Laid:
    """From the first message to the last; the model answered where it says so."""
    start = min(told)
    answers = [to_ns(m.created_at) for m in messages if m.role in ASKING]
    answered = [at for at in answers if at is not None]
    before = [
        at
        for m in messages
        if m.role not in ANSWERING and (at := to_ns(m.created_at)) is not None
    ]
    call_end = max(answered) if answered else max(before or [start])
    tools = tuple(_tool_times(runs, call_end, 0))
    end = max([call_end, *told, *(end for _, end in tools)])
    return Laid("messages", start, end, start, call_end, tools)


def _clamped(time_ns: int) -> int:
    return min(max(time_ns, 0), LATEST_NS)


def metrics_of_spans(
    step: Step, call: SpanRecord, tools: Sequence[SpanRecord]
) -> StepMetrics:
    """The metrics of a step by the spans of its call and of the tools after it."""
    working = sum(_length(tool) for tool in tools)
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
        tool_execution_ns=working if tools else None,
        step_ns=end_ns - call.start_ns,
    )


def _length(record: SpanRecord) -> int:
    return max(0, record.end_ns - record.start_ns)
