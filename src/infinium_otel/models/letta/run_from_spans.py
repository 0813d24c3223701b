"""Any instrumentation's spans to Letta's records."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.errors import InfiniumError
from infinium_otel.models.carrying import uncarried
from infinium_otel.models.facts import facts_of
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
    details_of,
    letta_provider,
    made_id,
    step_mapping,
)
from infinium_otel.models.letta.documents import (
    message_of,
    metrics_of,
    provider_trace_of,
    step_of,
)
from infinium_otel.models.letta.from_messages import call_messages, tool_message
from infinium_otel.models.letta.outcome import error_of, status_of, stop_reason_of
from infinium_otel.models.letta.own_spans import is_own, own_logs
from infinium_otel.models.letta.timing import metrics_of_spans
from infinium_otel.models.letta.types import (
    Message,
    ProviderTrace,
    Step,
    StepLog,
    StepMetrics,
)
from infinium_otel.models.runs import runs_of
from infinium_otel.models.spans import json_list, json_object, present, text, whole
from infinium_otel.models.trees import distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.models.runs import Run, Told
    from infinium_otel.records import LogEvent, SpanRecord, Usage

T = TypeVar("T")

CALLS = frozenset({"llm", "embedding"})
SCHEMES = {None: "https", 443: "https", 80: "http"}
"""What a port tells of an address; any other may speak either."""

TOOLS = frozenset({"tool", "refused"})


def logs_from_spans(
    records: Iterable[SpanRecord | LogEvent], *, newer: bool = False
) -> list[StepLog]:
    """One log of steps for each run in *records*.

    Args:
        records: spans of any instrumentation, the Letta server's own among them, and
            log events that belong to them.
        newer: fill the four fields of a step that came after 0.16.4 too.
    """
    given = distinct(records)
    own = {record.trace_id for record in given if is_own(record)}
    others = [record for record in given if record.trace_id not in own]
    logs = [_Reading(run, newer=newer).log() for run in runs_of(others, MARK)]
    return [*logs, *own_logs(given, own, newer=newer)]


@dataclass(slots=True)
class _Call:
    """A model call and the tools that ran after it."""

    told: Told
    tools: list[Told] = field(default_factory=list)


class _Reading:
    """The log of one run as it comes about."""

    def __init__(self, run: Run, *, newer: bool) -> None:
        self.run = run
        self.newer = newer
        self.steps: list[Step] = []
        self.metrics: list[StepMetrics] = []
        self.messages: list[Message] = []
        self.provider_traces: list[ProviderTrace] = []
        self.otel: dict[str, Any] = {
            "trace_id": run.root.record.trace_id,
            "root": facts_of(run.root),
            # A lone call is its own root: the way back makes none.
            "rootless": run.root.record.span_id
            in {step.record.span_id for step in run.steps},
            "steps": {},
            "tools": {},
            "others": [],
        }

    def log(self) -> StepLog:
        """All of it."""
        calls, loose = self._calls()
        for number, call in enumerate(calls):
            if _is_marked(call.told):
                self._exact(call.told)
            else:
                self._derived(call, last=number == len(calls) - 1, first=number == 0)
            self._tool_messages(call.tools, self.steps[-1].id)
        self._tool_messages(loose, None)
        left = self._unplaced()
        return StepLog(
            steps=tuple(self.steps),
            metrics=(*self.metrics, *left.metrics),
            messages=(*self.messages, *left.messages),
            provider_traces=(*self.provider_traces, *left.provider_traces),
            otel=self.otel,
            other=left.other,
        )

    def _calls(self) -> tuple[list[_Call], list[Told]]:
        """The model calls, each with its tools; tools where there is no call at all."""
        told = self._told()
        calls = [_Call(each) for each in told if _is_call(each)]
        loose: list[Told] = []
        latest = calls[0] if calls else None
        known = {call.told.record.span_id: call for call in calls}
        for each in told:
            latest = known.get(each.record.span_id, latest)
            if _is_call(each) or TOOL_MARK in each.record.attributes:
                self._keep_marked(each)
            elif each.kind not in TOOLS:
                self.otel["others"].append(facts_of(each))
            elif latest is not None:
                latest.tools.append(each)
            else:
                loose.append(each)
        calls.sort(key=_place)
        return calls, loose

    def _told(self) -> list[Told]:
        """The run's steps; of Letta's own messages no tool is guessed once more."""
        steps = list(self.run.steps)
        if not any(_is_marked(step) for step in steps):
            return steps
        real = {span.record.span_id for span in (self.run.root, *self.run.spans)}
        return [step for step in steps if step.record.span_id in real]

    def _keep_marked(self, told: Told) -> None:
        # The messages that tell of it are kept elsewhere, so only its shape is kept.
        key = text(told.record.attributes.get(TOOL_MARK))
        if key is not None:
            self.otel["tools"][key] = facts_of(told)

    def _exact(self, told: Told) -> None:
        """A step that `to_spans` wrote."""
        attributes = told.record.attributes
        inner = readable(attributes.get("letta.step.messages"), message_of)
        step = replace(step_of(step_mapping(attributes)), messages=tuple(inner))
        if attributes.get(STATUS) == "":
            step = replace(step, status=None)
        self.steps.append(step)
        self.otel["steps"][step.id] = facts_of(told)
        self.metrics += readable([json_object(attributes.get(METRICS))], metrics_of)
        self.messages += readable(attributes.get(MESSAGES), message_of)
        raw = attributes.get(PROVIDER_TRACES)
        self.provider_traces += readable(raw, provider_trace_of)

    def _derived(self, call: _Call, *, last: bool, first: bool) -> None:
        """A step of a call that somebody else's instrumentation told."""
        told = call.told
        record, reading = told.record, told.reading
        step_id = text(record.attributes.get("step_id")) or made_id(
            "step", record.trace_id, record.span_id
        )
        root = self.run.root
        step = Step(
            id=step_id,
            agent_id=reading.agent_id or root.reading.agent_id,
            run_id=text(root.record.attributes.get("letta.run.id")),
            organization_id=_server_said(told, root, "organization.id"),
            project_id=_server_said(told, root, "project.id"),
            origin=_server_said(told, root, "source"),
            provider_name=letta_provider(reading.provider),
            model=reading.model_requested or reading.model,
            model_endpoint=_endpoint(record),
            trace_id=record.trace_id,
            stop_reason=stop_reason_of(told, last=last),
            status=status_of(told),
            tags=(EMBEDDING,) if told.kind == "embedding" else (),
            **error_of(told),
            **_counts(reading.usage, newer=self.newer),
        )
        if self.newer and step.model and step.provider_name:
            step = replace(step, model_handle=f"{step.provider_name}/{step.model}")
        self.steps.append(step)
        tools = [tool.record for tool in call.tools]
        self.metrics.append(metrics_of_spans(step, record, tools))
        self.messages += call_messages(told, step, asked=first)
        self.otel["steps"][step_id] = facts_of(told)

    def _tool_messages(self, tools: list[Told], step_id: str | None) -> None:
        for told in tools:
            message = tool_message(told, step_id)
            self.messages.append(message)
            self.otel["tools"][f"{message.id}:0"] = facts_of(told)

    def _unplaced(self) -> StepLog:
        """What the root keeps: records that belong to no step."""
        found = uncarried(self.run.root.record.attributes, LOG, StepLog)
        return StepLog(
            metrics=tuple(readable(found.pop("metrics", None), metrics_of)),
            messages=tuple(readable(found.pop("messages", None), message_of)),
            provider_traces=tuple(
                readable(found.pop("provider_traces", None), provider_trace_of)
            ),
            other={k: found[k] for k in found if k not in ("steps", "otel")},
        )


def readable(value: Any, loader: Callable[[Any], T]) -> list[T]:
    """The records in an attribute; what is none of them is passed over."""
    found: list[T] = []
    for each in json_list(value) or []:
        with suppress(InfiniumError):
            found.append(loader(each))
    return found


def _is_call(told: Told) -> bool:
    return told.kind in CALLS or _is_marked(told)


def _is_marked(told: Told) -> bool:
    return text(told.record.attributes.get(MARK)) is not None


def _place(call: _Call) -> tuple[int, int]:
    """Steps of ours in the order they had; any other by its start."""
    index = whole(call.told.record.attributes.get(INDEX))
    return (0, index) if index is not None else (1, call.told.record.start_ns)


def _server_said(told: Told, root: Told, key: str) -> str | None:
    """What the Letta server puts on its request's span."""
    return text(told.record.attributes.get(key)) or text(
        root.record.attributes.get(key)
    )


def _endpoint(record: SpanRecord) -> str | None:
    host = text(record.attributes.get("server.address"))
    port = whole(record.attributes.get("server.port"))
    if host is None:
        return None
    if "://" in host:
        return host
    if port in SCHEMES:
        return f"{SCHEMES[port]}://{host}"
    return f"{host}:{port}"


def _counts(usage: Usage | None, *, newer: bool) -> dict[str, Any]:
    if usage is None:
        return {}
    known = [each for each in (usage.input, usage.output) if each is not None]
    found: dict[str, Any] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": sum(known) if known else usage.total,
        **details_of(usage),
    }
    if newer:
        found |= {
            "cached_input_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
            "reasoning_tokens": usage.reasoning,
        }
    return present(found)
