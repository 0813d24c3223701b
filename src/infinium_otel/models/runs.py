"""Any instrumentation's spans as agent runs: the input of each system's `from_spans`.

A run is one root and the steps below it. Each model call and each tool call appears
once, whatever the dialects and however many layers of instrumentation reported it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import is_root
from infinium_otel.dialects.messages import decode_messages
from infinium_otel.mapping import build_tree
from infinium_otel.mapping.dedup import ReportedCall, ReportedRun, find_copies
from infinium_otel.mapping.folding import is_step
from infinium_otel.mapping.inferred_tools import infer_tools
from infinium_otel.mapping.step_times import MAX_LATENCY_MS
from infinium_otel.mapping.tool_failures import describe_failure, has_failed
from infinium_otel.mapping.tree import INVOCATIONS, sort_by_start
from infinium_otel.mapping.usage import find_usage_spans
from infinium_otel.models.spans import make_span_id
from infinium_otel.models.trees import drop_repeated, find_root_spans
from infinium_otel.records import Failure, LogEvent, NormalizedSpan, SpanRecord, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.inferred_tools import InferredTool
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Usage

FRAMES = frozenset({"", "http", "messaging", "lifecycle"})
"""Kinds of spans that may enclose a run without being part of it."""

DEEPEST = 20
"""How deep agents' runs may nest in one record."""


@dataclass(frozen=True, slots=True)
class RunSpan:
    """A span of a run with its normalized content.

    Args:
        kind: the normalized span's kind, corrected by the rest of the trace.
        parent_id: the nearest span above that is a step too, or the run's root.
    """

    record: SpanRecord
    normalized: NormalizedSpan
    kind: str
    parent_id: str | None

    @property
    def failure(self) -> Failure | None:
        """The failure that was not handled inside the span."""
        failure = self.normalized.failure
        return None if failure is None or failure.handled else failure


@dataclass(frozen=True, slots=True)
class Run:
    """One agent's run.

    Args:
        root: the outermost span of the run; a web server's span above it is excluded.
        steps: what the agent did, in start order, without repetitions; the root is
            included where it is itself a model call or a tool call.
        spans: every span below the root, repeated reports and frames included.
    """

    root: RunSpan
    steps: tuple[RunSpan, ...]
    spans: tuple[RunSpan, ...] = ()
    _below: dict[str | None, list[RunSpan]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for step in self.steps:
            self._below.setdefault(step.parent_id, []).append(step)

    def below(self, span_id: str) -> tuple[RunSpan, ...]:
        """The steps directly below a span."""
        return tuple(self._below.get(span_id, ()))

    @property
    def is_step(self) -> bool:
        """Whether the root is itself one of the steps: a call without an agent."""
        return self.root.record.span_id in {
            t.record.span_id for t in self._below.get(None, ())
        }

    def members(self, root: RunSpan, depth: int) -> list[RunSpan]:
        """The steps of one agent, without the steps of its subagents.

        Args:
            root: the run's root, or a subagent's span.
            depth: the number of agents above; from `DEEPEST` on, a subagent's steps
                count as its agent's, so that nesting is bounded.
        """
        found = [root] if root is self.root and self.is_step else []
        waiting = [*reversed(self.below(root.record.span_id))]
        while waiting:
            step = waiting.pop()
            found.append(step)
            if step.kind != "agent" or depth >= DEEPEST:
                waiting += reversed(self.below(step.record.span_id))
        return found


def find_runs(records: Iterable[SpanRecord | LogEvent], mark: str) -> list[Run]:
    """The runs in any spans and their log events, in order of the traces' start.

    A trace with several roots holds several runs; spans whose parent is missing belong
    to the first of them.

    Args:
        mark: an attribute that makes a span a step, whatever its kind.
    """
    given = drop_repeated(records)
    logs = [each for each in given if isinstance(each, LogEvent)]
    spans = sort_by_start(each for each in given if isinstance(each, SpanRecord))
    by_trace: dict[str, list[SpanRecord]] = {}
    for record in spans:
        by_trace.setdefault(record.trace_id, []).append(record)
    runs = [
        run for group in by_trace.values() for run in _split_runs(group, logs, mark)
    ]
    copied = {
        copy.index for copy in find_copies([_to_reported_run(run) for run in runs])
    }
    return [run for index, run in enumerate(runs) if index not in copied]


def _to_reported_run(run: Run) -> ReportedRun:
    """The model calls that *run* reports, to find runs reported by two libraries."""
    calls = [step for step in run.steps if step.kind == "llm"]
    own = {span.record.span_id for span in run.spans} | {run.root.record.span_id}
    work = [step for step in run.steps if step.record.span_id in own]
    return ReportedRun(
        tuple(_to_reported_call(call) for call in calls),
        len(run.steps),
        len(run.spans),
        all(step.kind == "llm" for step in work),
    )


def _to_reported_call(call: RunSpan) -> ReportedCall:
    start_ns, end_ns = call.record.start_ns, call.record.end_ns
    latency_ms = call.normalized.latency_ms
    is_log = start_ns == end_ns and latency_ms is not None
    return ReportedCall(
        scope=call.record.scope_name or None,
        start_ns=start_ns - round(min(latency_ms or 0, MAX_LATENCY_MS) * 1e6)
        if is_log
        else start_ns,
        end_ns=end_ns,
        response_id=call.normalized.response_id,
        tokens=_count_tokens(call.normalized.usage),
        question=get_prompt_text(call),
        answer=get_output_text(call),
        model=call.normalized.model or call.normalized.model_requested,
        service=call.record.resource.get("service.name"),
        failed=call.failure is not None,
        is_log=is_log,
    )


def _count_tokens(usage: Usage | None) -> tuple[int, int] | None:
    if usage is None or usage.input is None or usage.output is None:
        return None
    return usage.input, usage.output


def _split_runs(
    records: list[SpanRecord], logs: list[LogEvent], mark: str
) -> list[Run]:
    groups = _group_by_root(records)
    return [_make_run(root_id, group, logs, mark) for root_id, group in groups.items()]


def _group_by_root(records: list[SpanRecord]) -> dict[str, list[SpanRecord]]:
    """The spans of one trace by their root, in order; orphans go to the first root."""
    found = find_root_spans(records)
    roots = [found[record.trace_id, record.span_id] for record in records]
    own = dict.fromkeys(root.span_id for root in roots if is_root(root))
    first = next(iter(own), roots[0].span_id)
    groups: dict[str, list[SpanRecord]] = {}
    for record, root in zip(records, roots, strict=True):
        root_id = root.span_id if root.span_id in own else first
        groups.setdefault(root_id, []).append(record)
    return groups


def _make_run(
    root_id: str, records: list[SpanRecord], logs: list[LogEvent], mark: str
) -> Run:
    ids = {(record.trace_id, record.span_id) for record in records}
    own = tuple(log for log in logs if (log.trace_id, log.span_id) in ids)
    nodes = build_tree(Trace(records[0].trace_id, root_id, tuple(records), own))
    if not nodes:
        return _make_empty_run(records[0])
    root = _find_outermost(nodes)
    counting = {id(node) for node in find_usage_spans(nodes)}
    steps = [n for n in nodes if n is not root and _is_step(n, mark)]
    if root.kind in INVOCATIONS and not root.folded:
        steps.insert(0, root)
    kept = {id(node) for node in steps}
    spans = [_to_run_span(n, _find_parent(n, kept, root), counting) for n in steps]
    spans += [_infer_tool_span(tool, root) for tool in infer_tools(nodes)]
    spans.sort(key=lambda each: (each.record.start_ns, -each.record.end_ns))
    return Run(
        _to_run_span(root, None, counting), tuple(spans), _list_spans_below(root, nodes)
    )


def _list_spans_below(root: Node, nodes: list[Node]) -> tuple[RunSpan, ...]:
    frames = {id(above) for above in root.ancestors()} | {id(root)}
    return tuple(
        RunSpan(n.record, n.span, n.kind, n.record.parent_id)
        for n in nodes
        if id(n) not in frames
    )


def _is_step(node: Node, mark: str) -> bool:
    return mark in node.record.attributes or is_step(
        node, has_error=node.failed, everything=False
    )


def _make_empty_run(record: SpanRecord) -> Run:
    """The run of a trace that contains only placeholders."""
    return Run(RunSpan(record, NormalizedSpan(), "", None), ())


def _find_outermost(nodes: list[Node]) -> Node:
    """The run's own span: the agent below frames that contain nothing else."""
    root = nodes[0]
    frames = [root]
    while root.kind in FRAMES and len(root.children) == 1:
        root = root.children[0]
        frames.append(root)
    lone = root.kind == "agent" and len(frames) + len(list(root.descendants())) == len(
        nodes
    )
    return root if lone else nodes[0]


def _find_parent(node: Node, kept: set[int], root: Node) -> str | None:
    if node is root:
        return None
    for above in node.ancestors():
        if id(above) in kept:
            return above.record.span_id
    return root.record.span_id


def _to_run_span(node: Node, parent_id: str | None, counting: set[int]) -> RunSpan:
    normalized = node.span if id(node) in counting else replace(node.span, usage=None)
    return RunSpan(node.record, normalized, node.kind, parent_id)


def _infer_tool_span(tool: InferredTool, root: Node) -> RunSpan:
    """A span for a tool run that only appears in messages."""
    call, response = tool.request, tool.response
    record = SpanRecord(
        trace_id=root.record.trace_id,
        span_id=make_span_id(root.record.trace_id, "tool", call.id, tool.start_ns),
        parent_id=root.record.span_id,
        name=f"execute_tool {call.name}",
        start_ns=tool.start_ns,
        end_ns=tool.end_ns,
    )
    normalized = NormalizedSpan(
        kind="tool",
        operation="execute_tool",
        tool_name=call.name,
        tool_call_id=call.id,
        arguments=call.arguments,
        result=response.result if response else None,
        failure=Failure("tool_error", describe_failure(response.result))
        if response and has_failed(response)
        else None,
    )
    return RunSpan(record, normalized, "tool", root.record.span_id)


def get_output_text(span: RunSpan) -> str | None:
    """The text of a span's output; None if there is none."""
    found = decode_messages(span.normalized.output, "assistant")
    texts = [message.text for message in found if message.text]
    return texts[-1] if texts else None


def get_prompt_text(span: RunSpan) -> str | None:
    """The user's last message; None if the span does not contain one."""
    found = decode_messages(span.normalized.input)
    texts = [
        message.text for message in found if message.role == "user" and message.text
    ]
    return texts[-1] if texts else None
