"""Letta's steps to spans and back.

A `StepLog` is one run: its steps, their metrics, messages and raw provider requests,
each as the server's API returns it.

| not converted | to spans | from spans |
| --- | --- | --- |
| ids that only Letta assigns (`provider_id`, `organization_id`, `tid`) | kept | None, except what the server's own spans contain |
| time of a step without metrics and without messages | zero length, `letta.step.time_source` = `synthetic` | - |
| times in messages | to the microsecond | ISO, `Z` |
| metrics and messages that are not in the order of the steps | in the order of the steps | - |
| keys unknown to Letta | kept | omitted by `dump`: Letta's classes reject them |
| a `stop_reason`, `status` or `feedback` unknown to Letta | kept | null in `dump` |
| a model call that is not a chat | its tag `operation:embeddings` | the same |
| spans that are neither model call nor tool, attributes outside `gen_ai.*` | - | only names, times and `gen_ai.*`, under `otel` |
| `messages` of a step | kept | empty: deprecated; the log's own `messages` hold them |
| tokens, from the server's own spans | - | None: those spans have none |
| a step that Letta's server did not finish | status `pending` in an attribute | never "success" |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.models.content import remove_content
from infinium_otel.models.documents import normalize_values
from infinium_otel.models.letta import _to_spans
from infinium_otel.models.letta._from_spans import from_spans
from infinium_otel.models.letta.attributes import progression_of, step_attributes
from infinium_otel.models.letta.documents import (
    dump,
    load,
    message_of,
    metrics_of,
    provider_trace_of,
    step_of,
)
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
        document: steps with their metrics, messages and provider traces.
        start_ns: start of steps whose times are unknown, ns since the epoch.
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """
    spans = _to_spans.to_spans(normalize_values(document), start_ns=start_ns)
    return spans if capture_content else remove_content(spans)


def to_letta_steps(
    records: Iterable[SpanRecord | LogEvent], *, newer: bool = False
) -> list[Step]:
    """Every model call in *records* as a step; `dump` makes its JSON.

    Args:
        newer: also fill the four fields added after Letta 0.16.4.
    """
    logs = from_spans(records, newer=newer)
    return [step for log in logs for step in log.steps]


def to_letta_step_metrics(
    records: Iterable[SpanRecord | LogEvent],
) -> list[StepMetrics]:
    """Start times and durations (ns) of the steps of `to_letta_steps`."""
    return [each for log in from_spans(records) for each in log.metrics]


def from_letta_steps(  # noqa: PLR0913 - the records that belong to a step, each by its name
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
    """Ended spans of steps, in the trace that each step's `trace_id` names.

    They join the server's own spans in the same backend. Times come from the metrics,
    else from the messages; without either, steps have zero length and are marked
    synthetic.

    Args:
        metrics: matched by the step's id.
        provider_traces: matched by `step_id`, as are `messages`.
        start_ns: start of steps whose times are unknown, ns since the epoch.
        grouped: put each step's spans under an `agent_step` span, as the server does,
            so that Letta's own viewer finds them.
        parent_id: the parent span in that trace, 16 hex digits; None makes a root.
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """
    log = StepLog(
        steps=tuple(steps),
        metrics=tuple(metrics or ()),
        messages=tuple(messages or ()),
        provider_traces=tuple(provider_traces or ()),
    )
    spans = _to_spans.to_spans(
        normalize_values(log), start_ns=start_ns, grouped=grouped, parent_id=parent_id
    )
    return spans if capture_content else remove_content(spans)
