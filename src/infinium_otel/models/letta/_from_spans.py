"""Any instrumentation's spans to Letta's records."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.errors import InfiniumError
from infinium_otel.models.facts import write_facts
from infinium_otel.models.field_attributes import read_fields
from infinium_otel.models.letta.attributes import (
    EMBEDDING,
    INDEX,
    LOG,
    MARK,
    MESSAGES,
    METRICS,
    PROVIDER_TRACES,
    STATUS,
    TOOL_MARK,
    make_id,
    step_mapping,
    to_letta_provider,
    to_token_details,
)
from infinium_otel.models.letta.documents import (
    message_of,
    metrics_of,
    provider_trace_of,
    step_of,
)
from infinium_otel.models.letta.layout import to_metrics
from infinium_otel.models.letta.native_spans import is_native_step, read_native_logs
from infinium_otel.models.letta.outcome import (
    get_error_fields,
    get_status,
    get_stop_reason,
)
from infinium_otel.models.letta.span_messages import call_messages, tool_message
from infinium_otel.models.letta.types import (
    Message,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
)
from infinium_otel.models.runs import find_runs
from infinium_otel.models.spans import (
    as_int,
    as_text,
    drop_nulls,
    json_list,
    json_object,
)
from infinium_otel.models.trees import drop_repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.models.runs import Run, RunSpan
    from infinium_otel.records import LogEvent, SpanRecord, Usage

T = TypeVar("T")

CALLS = frozenset({"llm", "embedding"})
SCHEMES = {None: "https", 443: "https", 80: "http"}
"""The scheme by port; any other port may use either."""

TOOLS = frozenset({"tool", "refused"})


def from_spans(
    records: Iterable[SpanRecord | LogEvent], *, newer: bool = False
) -> list[StepLog]:
    """One log of steps for each run in *records*.

    Args:
        records: spans of any instrumentation, the Letta server's own among them, and
            log events that belong to them.
        newer: also fill the four fields of a step added after Letta 0.16.4.
    """
    given = drop_repeated(records)
    own = {record.trace_id for record in given if is_native_step(record)}
    others = [record for record in given if record.trace_id not in own]
    logs = [_LogReader(run, newer=newer).log() for run in find_runs(others, MARK)]
    return [*logs, *read_native_logs(given, own, newer=newer)]


@dataclass(slots=True)
class _Call:
    """A model call and the tools that ran after it."""

    span: RunSpan
    tools: list[RunSpan] = field(default_factory=list)


class _LogReader:
    """Builds the log of one run."""

    def __init__(self, run: Run, *, newer: bool) -> None:
        self.run = run
        self.newer = newer
        self.steps: list[Step] = []
        self.metrics: list[StepMetrics] = []
        self.messages: list[Message] = []
        self.provider_traces: list[ProviderTrace] = []
        self.otel: dict[str, Any] = {
            "trace_id": run.root.record.trace_id,
            "root": write_facts(run.root),
            # A single call is its own root: `to_spans` must not add one.
            "rootless": run.root.record.span_id
            in {step.record.span_id for step in run.steps},
            "steps": {},
            "tools": {},
            "others": [],
        }

    def log(self) -> StepLog:
        """The finished log."""
        calls, loose = self._group_calls()
        for number, call in enumerate(calls):
            if _is_marked(call.span):
                self._add_native_step(call.span)
            else:
                self._add_derived_step(
                    call, last=number == len(calls) - 1, first=number == 0
                )
            self._add_tool_messages(call.tools, self.steps[-1].id)
        self._add_tool_messages(loose, None)
        left = self._read_unplaced()
        return StepLog(
            steps=tuple(self.steps),
            metrics=(*self.metrics, *left.metrics),
            messages=(*self.messages, *left.messages),
            provider_traces=(*self.provider_traces, *left.provider_traces),
            otel=self.otel,
            other=left.other,
        )

    def _group_calls(self) -> tuple[list[_Call], list[RunSpan]]:
        """The model calls, each with its tools, and the tools without any call."""
        steps = self._list_steps()
        calls = [_Call(each) for each in steps if _is_call(each)]
        loose: list[RunSpan] = []
        latest = calls[0] if calls else None
        known = {call.span.record.span_id: call for call in calls}
        for each in steps:
            latest = known.get(each.record.span_id, latest)
            if _is_call(each) or TOOL_MARK in each.record.attributes:
                self._keep_marked(each)
            elif each.kind not in TOOLS:
                self.otel["others"].append(write_facts(each))
            elif latest is not None:
                latest.tools.append(each)
            else:
                loose.append(each)
        calls.sort(key=_sort_key)
        return calls, loose

    def _list_steps(self) -> list[RunSpan]:
        """The run's steps, without tools inferred from messages that Letta itself kept."""
        steps = list(self.run.steps)
        if not any(_is_marked(step) for step in steps):
            return steps
        real = {span.record.span_id for span in (self.run.root, *self.run.spans)}
        return [step for step in steps if step.record.span_id in real]

    def _keep_marked(self, span: RunSpan) -> None:
        # Its messages are kept elsewhere, so only its ids and times are kept.
        key = as_text(span.record.attributes.get(TOOL_MARK))
        if key is not None:
            self.otel["tools"][key] = write_facts(span)

    def _add_native_step(self, span: RunSpan) -> None:
        """Add a step that `to_spans` wrote."""
        attributes = span.record.attributes
        inner = read_each(attributes.get("letta.step.messages"), message_of)
        step = replace(step_of(step_mapping(attributes)), messages=tuple(inner))
        if attributes.get(STATUS) == "":
            step = replace(step, status=None)
        self.steps.append(step)
        self.otel["steps"][step.id] = write_facts(span)
        self.metrics += read_each([json_object(attributes.get(METRICS))], metrics_of)
        self.messages += read_each(attributes.get(MESSAGES), message_of)
        raw = attributes.get(PROVIDER_TRACES)
        self.provider_traces += read_each(raw, provider_trace_of)

    def _add_derived_step(self, call: _Call, *, last: bool, first: bool) -> None:
        """Add a step for a model call of another instrumentation."""
        span = call.span
        record, normalized = span.record, span.normalized
        step_id = as_text(record.attributes.get("step_id")) or make_id(
            "step", record.trace_id, record.span_id
        )
        root = self.run.root
        step = Step(
            id=step_id,
            agent_id=normalized.agent_id or root.normalized.agent_id,
            run_id=as_text(root.record.attributes.get("letta.run.id")),
            organization_id=_read_server_attribute(span, root, "organization.id"),
            project_id=_read_server_attribute(span, root, "project.id"),
            origin=_read_server_attribute(span, root, "source"),
            provider_name=to_letta_provider(normalized.provider),
            model=normalized.model_requested or normalized.model,
            model_endpoint=_endpoint(record),
            trace_id=record.trace_id,
            stop_reason=get_stop_reason(span, last=last),
            status=get_status(span),
            tags=(EMBEDDING,) if span.kind == "embedding" else (),
            **get_error_fields(span),
            **_token_counts(normalized.usage, newer=self.newer),
        )
        if self.newer and step.model and step.provider_name:
            step = replace(step, model_handle=f"{step.provider_name}/{step.model}")
        self.steps.append(step)
        tools = [tool.record for tool in call.tools]
        self.metrics.append(to_metrics(step, record, tools))
        self.messages += call_messages(span, step, with_prompt=first)
        self.otel["steps"][step_id] = write_facts(span)

    def _add_tool_messages(self, tools: list[RunSpan], step_id: str | None) -> None:
        for tool in tools:
            message = tool_message(tool, step_id)
            self.messages.append(message)
            self.otel["tools"][f"{message.id}:0"] = write_facts(tool)

    def _read_unplaced(self) -> StepLog:
        """The records on the root, which belong to no step."""
        found = read_fields(self.run.root.record.attributes, LOG, StepLog)
        return StepLog(
            metrics=tuple(read_each(found.pop("metrics", None), metrics_of)),
            messages=tuple(read_each(found.pop("messages", None), message_of)),
            provider_traces=tuple(
                read_each(found.pop("provider_traces", None), provider_trace_of)
            ),
            other={k: found[k] for k in found if k not in ("steps", "otel")},
        )


def read_each(value: Any, loader: Callable[[Any], T]) -> list[T]:
    """The records in an attribute; invalid ones are skipped."""
    found: list[T] = []
    for each in json_list(value) or []:
        with suppress(InfiniumError):
            found.append(loader(each))
    return found


def _is_call(span: RunSpan) -> bool:
    return span.kind in CALLS or _is_marked(span)


def _is_marked(span: RunSpan) -> bool:
    return as_text(span.record.attributes.get(MARK)) is not None


def _sort_key(call: _Call) -> tuple[int, int]:
    """Sort key: steps that `to_spans` wrote in their order, then any others by start."""
    index = as_int(call.span.record.attributes.get(INDEX))
    return (0, index) if index is not None else (1, call.span.record.start_ns)


def _read_server_attribute(span: RunSpan, root: RunSpan, key: str) -> str | None:
    """An attribute that the Letta server sets on its request's span."""
    return as_text(span.record.attributes.get(key)) or as_text(
        root.record.attributes.get(key)
    )


def _endpoint(record: SpanRecord) -> str | None:
    host = as_text(record.attributes.get("server.address"))
    port = as_int(record.attributes.get("server.port"))
    if host is None:
        return None
    if "://" in host:
        return host
    if port in SCHEMES:
        return f"{SCHEMES[port]}://{host}"
    return f"{host}:{port}"


def _token_counts(usage: Usage | None, *, newer: bool) -> dict[str, Any]:
    if usage is None:
        return {}
    known = [each for each in (usage.input, usage.output) if each is not None]
    found: dict[str, Any] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": sum(known) if known else usage.total,
        **to_token_details(usage),
    }
    if newer:
        found |= {
            "cached_input_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
            "reasoning_tokens": usage.reasoning,
        }
    return drop_nulls(found)
