"""Letta's steps to spans and back.

A `StepLog` is one run: its steps, their metrics, messages and raw provider requests,
each as the server's API gives it.

| what cannot be carried | to spans | from spans |
| --- | --- | --- |
| ids that only Letta assigns (`provider_id`, `organization_id`, `tid`) | as they are | None, but for what the server's own spans say |
| time of a step without metrics and without messages | zero length, `letta.step.time_source` = `synthetic` | - |
| times in messages | to the microsecond | ISO, `Z` |
| metrics and messages out of the order of the steps | in the order of the steps | - |
| keys Letta does not know | kept | left out by `dump`: Letta's classes refuse them |
| a `stop_reason`, `status` or `feedback` Letta does not know | kept | null in `dump` |
| a model call that is no chat | its tag `operation:embeddings` | likewise |
| spans that are neither model call nor tool, attributes outside `gen_ai.*` | - | only names, times and `gen_ai.*`, under `otel` |
| `messages` of a step | as they are | empty: deprecated; the log's own `messages` hold them |
| tokens, from the server's own spans | - | None: those spans have none |
| a step that Letta's server left unfinished | status `pending` in an attribute | never "success" |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.models.content import without_content
from infinium_otel.models.letta.attributes import progression_of, step_attributes
from infinium_otel.models.letta.documents import (
    dump,
    load,
    message_of,
    metrics_of,
    provider_trace_of,
    step_of,
)
from infinium_otel.models.letta.run_from_spans import logs_from_spans as from_spans
from infinium_otel.models.letta.run_to_spans import log_to_spans
from infinium_otel.models.letta.types import (
    Message,
    MessageRole,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
    StepProgression,
    StepStatus,
    StopReasonType,
    ToolReturn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord

__all__ = [
    "Message",
    "MessageRole",
    "ProviderTrace",
    "Step",
    "StepLog",
    "StepMetrics",
    "StepProgression",
    "StepStatus",
    "StopReasonType",
    "ToolReturn",
    "dump",
    "from_letta_steps",
    "from_spans",
    "load",
    "message_of",
    "metrics_of",
    "progression_of",
    "provider_trace_of",
    "step_attributes",
    "step_of",
    "to_letta_step_metrics",
    "to_letta_steps",
    "to_spans",
]


def to_spans(
    document: StepLog, *, start_ns: int = 0, capture_content: bool = True
) -> list[SpanRecord]:
    """The spans of a run, its root first; of several runs, trace by trace.

    Args:
        document: steps and what belongs to them.
        start_ns: where steps begin whose times nobody knows, ns since the epoch.
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
    """
    spans = log_to_spans(document, start_ns=start_ns)
    return spans if capture_content else without_content(spans)


def to_letta_steps(
    records: Iterable[SpanRecord | LogEvent], *, newer: bool = False
) -> list[Step]:
    """Every model call in *records* as a step; `dump` makes its JSON.

    Args:
        newer: fill the four fields that came after 0.16.4 too.
    """
    logs = from_spans(records, newer=newer)
    return [step for log in logs for step in log.steps]


def to_letta_step_metrics(
    records: Iterable[SpanRecord | LogEvent],
) -> list[StepMetrics]:
    """When the steps of `to_letta_steps` took place and how long, in ns."""
    return [each for log in from_spans(records) for each in log.metrics]


def from_letta_steps(  # noqa: PLR0913 - what Letta keeps beside a step, each by its name
    steps: Iterable[Step],
    metrics: Iterable[StepMetrics] | None = None,
    provider_traces: Iterable[ProviderTrace] | None = None,
    messages: Iterable[Message] | None = None,
    *,
    start_ns: int = 0,
    grouped: bool = False,
    parent_id: str | None = None,
    capture_content: bool = True,
) -> list[SpanRecord]:
    """Ended spans of steps, each in the trace its step names.

    So they join the server's own spans in the same backend. Time comes from the
    metrics, else the messages, else steps take no time and are marked synthetic.

    Args:
        metrics: joined by the step's id.
        provider_traces: joined by `step_id`; `messages` likewise.
        start_ns: where steps begin whose times nobody knows, ns since the epoch.
        grouped: put each step's spans under an `agent_step` span, as the server does,
            so that Letta's own viewer finds them.
        parent_id: the span of that trace they hang under, 16 hex digits; a root is
            made where it is None.
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
    """
    log = StepLog(
        steps=tuple(steps),
        metrics=tuple(metrics or ()),
        messages=tuple(messages or ()),
        provider_traces=tuple(provider_traces or ()),
    )
    spans = log_to_spans(log, start_ns=start_ns, grouped=grouped, parent_id=parent_id)
    return spans if capture_content else without_content(spans)
