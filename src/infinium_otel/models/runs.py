"""Any instrumentation's spans as agent runs: what each pair of conversions reads.

Each run is one root and the steps below it, every model call and tool call told
once, whatever the dialects and however many layers of instrumentation told it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infinium_otel.jsontext import text_of
from infinium_otel.mapping import understood
from infinium_otel.mapping.copies import Account, responses_of, retold
from infinium_otel.mapping.folding import is_step
from infinium_otel.mapping.told_tools import told_tools
from infinium_otel.mapping.tree import WORKERS, in_order
from infinium_otel.mapping.usage import counted
from infinium_otel.messages import decode_messages
from infinium_otel.models.spans import span_id_of
from infinium_otel.models.trees import distinct, tops_of
from infinium_otel.records import Failure, LogEvent, Reading, SpanRecord, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.told_tools import ToldTool
    from infinium_otel.mapping.tree import Node

FRAMES = frozenset({"", "http", "messaging", "lifecycle"})
"""What may stand around a run without being it: a server's span, a job's."""

DEEPEST = 20
"""How deep agents' runs may nest in one record."""


@dataclass(frozen=True, slots=True)
class Told:
    """A span and what it says.

    Args:
        kind: the reading's kind, as the whole trace shows it.
        parent_id: the nearest span above that is a step too, or the run's root.
    """

    record: SpanRecord
    reading: Reading
    kind: str
    parent_id: str | None

    @property
    def failure(self) -> Failure | None:
        """What went wrong and was not handled inside the span."""
        failure = self.reading.failure
        return None if failure is None or failure.handled else failure


@dataclass(frozen=True, slots=True)
class Run:
    """One agent's run.

    Args:
        root: the outermost span of the run; a web server's span above it is not it.
        steps: what the agent did, in start order, each thing once; the root too where
            it is itself a model call or a tool call.
        spans: every span below the root as it stood, retold work and frames too.
    """

    root: Told
    steps: tuple[Told, ...]
    spans: tuple[Told, ...] = ()
    _below: dict[str | None, list[Told]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for step in self.steps:
            self._below.setdefault(step.parent_id, []).append(step)

    def below(self, span_id: str) -> tuple[Told, ...]:
        """The steps directly below a span."""
        return tuple(self._below.get(span_id, ()))

    @property
    def is_step(self) -> bool:
        """Whether the root is itself one of the steps: a call with nothing above it."""
        return self.root.record.span_id in {
            t.record.span_id for t in self._below.get(None, ())
        }

    def members(self, root: Told, depth: int) -> list[Told]:
        """What happened in one agent's run; what a subagent did is its own.

        Args:
            root: the run's root, or a subagent's span.
            depth: how many agents stand above; below `DEEPEST` of them a subagent's
                work counts as its agent's, so that no record nests without end.
        """
        found = [root] if root is self.root and self.is_step else []
        waiting = [*reversed(self.below(root.record.span_id))]
        while waiting:
            told = waiting.pop()
            found.append(told)
            if told.kind != "agent" or depth >= DEEPEST:
                waiting += reversed(self.below(told.record.span_id))
        return found


def runs_of(records: Iterable[SpanRecord | LogEvent], mark: str) -> list[Run]:
    """The runs in any spans and their log events, in order of the traces' start.

    A trace with several roots holds several runs; spans whose parent is missing
    belong to the first of them.

    Args:
        mark: an attribute by which a span is known to be a step in any case.
    """
    given = distinct(records)
    logs = [each for each in given if isinstance(each, LogEvent)]
    spans = in_order(each for each in given if isinstance(each, SpanRecord))
    by_trace: dict[str, list[SpanRecord]] = {}
    for record in spans:
        by_trace.setdefault(record.trace_id, []).append(record)
    runs = [run for group in by_trace.values() for run in _runs_in(group, logs, mark)]
    copied = retold([_account(run) for run in runs])
    return [run for index, run in enumerate(runs) if index not in copied]


def _account(run: Run) -> Account:
    """What *run* tells of model calls, to find runs that two instrumentations tell."""
    calls = [step for step in run.steps if step.kind == "llm"]
    own = {span.record.span_id for span in run.spans} | {run.root.record.span_id}
    work = [step for step in run.steps if step.record.span_id in own]
    return Account(
        responses_of(call.reading.response_id for call in calls),
        len(run.steps),
        all(step.kind == "llm" for step in work),
    )


def _runs_in(records: list[SpanRecord], logs: list[LogEvent], mark: str) -> list[Run]:
    groups = _by_root(records)
    return [_run(root_id, group, logs, mark) for root_id, group in groups.items()]


def _by_root(records: list[SpanRecord]) -> dict[str, list[SpanRecord]]:
    """The spans of one trace by the root they hang under, in order."""
    found = tops_of(records)
    tops = [found[record.trace_id, record.span_id] for record in records]
    own = dict.fromkeys(top.span_id for top in tops if _is_root(top))
    first = next(iter(own), tops[0].span_id)
    groups: dict[str, list[SpanRecord]] = {}
    for record, top in zip(records, tops, strict=True):
        groups.setdefault(top.span_id if top.span_id in own else first, []).append(
            record
        )
    return groups


def _is_root(record: SpanRecord) -> bool:
    return record.parent_id is None or record.parent_is_remote


def _run(
    root_id: str, records: list[SpanRecord], logs: list[LogEvent], mark: str
) -> Run:
    ids = {(record.trace_id, record.span_id) for record in records}
    own = tuple(log for log in logs if (log.trace_id, log.span_id) in ids)
    nodes = understood(Trace(records[0].trace_id, root_id, tuple(records), own))
    if not nodes:
        return _empty(records[0])
    root = _outermost(nodes)
    counting = {id(node) for node in counted(nodes)}
    steps = [n for n in nodes if n is not root and _is_step(n, mark)]
    if root.kind in WORKERS and not root.folded:
        steps.insert(0, root)
    kept = {id(node) for node in steps}
    told = [_told(n, _parent(n, kept, root), counting) for n in steps]
    told += [_told_tool(tool, root) for tool in told_tools(nodes)]
    told.sort(key=lambda each: (each.record.start_ns, -each.record.end_ns))
    return Run(_told(root, None, counting), tuple(told), _all_below(root, nodes))


def _all_below(root: Node, nodes: list[Node]) -> tuple[Told, ...]:
    frames = {id(above) for above in root.ancestors()} | {id(root)}
    return tuple(
        Told(n.record, n.reading, n.kind, n.record.parent_id)
        for n in nodes
        if id(n) not in frames
    )


def _is_step(node: Node, mark: str) -> bool:
    return mark in node.record.attributes or is_step(
        node, erred=node.failed, everything=False
    )


def _empty(record: SpanRecord) -> Run:
    """The run of a trace that holds nothing but placeholders."""
    return Run(Told(record, Reading(), "", None), ())


def _outermost(nodes: list[Node]) -> Node:
    """The run's own span: the agent below frames that hold nothing but it."""
    root = nodes[0]
    frames = [root]
    while root.kind in FRAMES and len(root.children) == 1:
        root = root.children[0]
        frames.append(root)
    lone = root.kind == "agent" and len(frames) + len(list(root.descendants())) == len(
        nodes
    )
    return root if lone else nodes[0]


def _parent(node: Node, kept: set[int], root: Node) -> str | None:
    if node is root:
        return None
    for above in node.ancestors():
        if id(above) in kept:
            return above.record.span_id
    return root.record.span_id


def _told(node: Node, parent_id: str | None, counting: set[int]) -> Told:
    reading = (
        node.reading if id(node) in counting else replace(node.reading, usage=None)
    )
    return Told(node.record, reading, node.kind, parent_id)


def _told_tool(tool: ToldTool, root: Node) -> Told:
    """A tool run that only messages tell of, as the span it might have had."""
    request, reply = tool.request, tool.reply
    record = SpanRecord(
        trace_id=root.record.trace_id,
        span_id=span_id_of(root.record.trace_id, "tool", request.id, tool.start_ns),
        parent_id=root.record.span_id,
        name=f"execute_tool {request.name}",
        start_ns=tool.start_ns,
        end_ns=tool.end_ns,
    )
    reading = Reading(
        kind="tool",
        operation="execute_tool",
        tool_name=request.name,
        tool_call_id=request.id,
        arguments=request.arguments,
        result=reply.result if reply else None,
        failure=Failure("tool_error", text_of(reply.result))
        if reply and reply.failed
        else None,
    )
    return Told(record, reading, "tool", root.record.span_id)


def output_text(told: Told) -> str | None:
    """The text of a span's answer; None if it holds none."""
    found = decode_messages(told.reading.output, "assistant")
    texts = [message.text for message in found if message.text]
    return texts[-1] if texts else None


def prompt_text(told: Told) -> str | None:
    """What the user asked last; None if the span does not say."""
    found = decode_messages(told.reading.input)
    texts = [
        message.text for message in found if message.role == "user" and message.text
    ]
    return texts[-1] if texts else None
