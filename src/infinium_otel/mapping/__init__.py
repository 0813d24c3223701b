"""One trace to one task: the order in which a run is understood."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import Dialect, read
from infinium_otel.jsontext import text_of
from infinium_otel.mapping import summaries
from infinium_otel.mapping.annotations import (
    annotations_of,
    expected_outcome_of,
    is_skipped,
    sections_of,
)
from infinium_otel.mapping.calls import inherit_parameters, is_call, unify_calls
from infinium_otel.mapping.content import Content
from infinium_otel.mapping.environment import environment_of
from infinium_otel.mapping.failures import as_errors, failures_of
from infinium_otel.mapping.folding import (
    fold_agents,
    fold_retrievals,
    fold_tools,
    fold_transport,
    is_step,
)
from infinium_otel.mapping.logs import with_logs
from infinium_otel.mapping.steps import answered_from, iso, step_of, told_step
from infinium_otel.mapping.told_tools import told_tools
from infinium_otel.mapping.tool_content import complete_tools
from infinium_otel.mapping.tree import (
    AGENTIC,
    Node,
    adopt,
    dissolve,
    in_order,
    look_up,
    tree_of,
    without_dropped,
)
from infinium_otel.mapping.usage import counted, totals
from infinium_otel.pricing import cost_of
from infinium_otel.taskdata import TaskData, TimeTracking

if TYPE_CHECKING:
    from infinium_otel.config import Config
    from infinium_otel.records import Trace
    from infinium_otel.taskdata import ErrorDetail, ExecutionStep

__all__ = ["map_trace", "understood"]

SECONDS_A_DAY = 86_400


def map_trace(
    trace: Trace, config: Config, readers: tuple[Dialect, ...] = ()
) -> TaskData | None:
    """The task that *trace* tells of.

    Args:
        readers: dialects from elsewhere, asked after the built-in ones.

    Returns:
        None if it is none to send: no model, tool or agent in it (`Config.include`),
        or the user said so (`infinium.skip`).
    """
    nodes = understood(trace, readers)
    try:
        return _task(trace, nodes, config) if nodes else None
    finally:
        dissolve(nodes)


def understood(trace: Trace, readers: tuple[Dialect, ...] = ()) -> list[Node]:
    """The spans of *trace* as a tree in start order, with retold work folded.

    The first node is the root. A node that is `folded` is told by another.
    """
    records = with_logs(in_order(trace.records), trace.logs)
    nodes = tree_of((record, read(record, readers)) for record in records)
    adopt(nodes, trace.root_id)
    nodes = without_dropped(nodes)
    unify_calls(nodes)
    fold_tools(nodes)
    fold_retrievals(nodes)
    look_up(nodes)
    inherit_parameters(nodes)
    fold_agents(nodes)
    fold_transport(nodes)
    complete_tools(nodes)
    return _root_first(nodes, trace.root_id)


def _root_first(nodes: list[Node], root_id: str) -> list[Node]:
    """The root leads, even if a child's clock was ahead of it."""
    if nodes and nodes[0].record.span_id == root_id:
        return nodes
    return sorted(nodes, key=lambda node: node.record.span_id != root_id)


def _task(trace: Trace, nodes: list[Node], config: Config) -> TaskData | None:
    annotations = annotations_of(n.record.attributes for n in nodes)
    agentic = any(node.kind in AGENTIC for node in nodes)
    if is_skipped(annotations) or not (agentic or config.include == "all"):
        return None
    return _told(trace, nodes, annotations, config)


def _told(
    trace: Trace, nodes: list[Node], annotations: dict[str, Any], config: Config
) -> TaskData:
    content = Content(config.capture_content)
    errors = failures_of(nodes, content)
    steps = _steps(nodes, errors, content, everything=config.include == "all")
    asked = summaries.input_of(nodes, content)
    name = text_of(annotations.get("task.name") or summaries.name_of(nodes))
    root = nodes[0].record
    end_ns = max(root.end_ns, root.start_ns)
    task = TaskData(
        name=name,
        description=text_of(
            annotations.get("task.description")
            or summaries.description_of(nodes if content.captured else [], asked, name)
        ),
        current_datetime=iso(end_ns),
        duration=(end_ns - root.start_ns) / 1e9,
        time_tracking=TimeTracking(iso(root.start_ns), iso(end_ns)),
        input_summary=asked,
        output_summary=summaries.output_of(nodes, content),
        steps=steps or None,
        errors=_task_errors(errors, steps),
    )
    _add_usage(task, trace, nodes)
    _add_annotations(task, nodes, annotations, content)
    return task


def _steps(
    nodes: list[Node],
    errors: dict[int, ErrorDetail],
    content: Content,
    *,
    everything: bool,
) -> list[ExecutionStep]:
    """The steps in the order of what happened, numbered from 1."""
    orders = {id(node): float(order) for order, node in enumerate(nodes)}
    timed = [
        (
            answered_from(node),
            orders[id(node)],
            step_of(node, errors.get(id(node)), content),
        )
        for node in nodes
        if is_step(node, erred=id(node) in errors, everything=everything)
    ]
    timed += [
        (told.start_ns, orders[id(told.before)] - 0.5, told_step(told, content))
        for told in told_tools(nodes)
    ]
    timed.sort(key=lambda entry: entry[:2])
    steps = [step for _, _, step in timed]
    for number, step in enumerate(steps, 1):
        step.step_number = number
    return steps


def _task_errors(
    errors: dict[int, ErrorDetail], steps: list[ExecutionStep]
) -> list[ErrorDetail] | None:
    on_steps = {id(step.error) for step in steps if step.error}
    details = list(errors.values())
    known = {id(detail) for detail in details}
    details += [s.error for s in steps if s.error and id(s.error) not in known]
    return as_errors(details, on_steps=on_steps) or None


def _add_usage(task: TaskData, trace: Trace, nodes: list[Node]) -> None:
    telling = counted(nodes)
    calls = [s.llm_call for s in task.steps or () if s.llm_call]
    costs = [cost_of(n.reading, n.record.start_ns) for n in telling if is_call(n)]
    if all(cost is None for cost in costs):
        costs = [n.reading.cost_usd for n in telling if not is_call(n)] or costs
    task.llm_usage = totals(telling, calls, costs)
    task.environment = environment_of(trace, nodes, telling)


def _add_annotations(
    task: TaskData, nodes: list[Node], annotations: dict[str, Any], content: Content
) -> None:
    for name, section in sections_of(annotations).items():
        setattr(task, name, section)
    told: dict[str, Any] = {}
    if content.captured:
        for node in nodes:
            if node.reading.expected:
                told = {**node.reading.expected, **told}
    task.expected_outcome = expected_outcome_of(annotations, told)
    if annotations:
        _add_step_annotations(task, nodes)


def _add_step_annotations(task: TaskData, nodes: list[Node]) -> None:
    """`infinium.step.*` on a span names its own step."""
    by_id = {n.record.span_id: n.record.attributes for n in nodes}
    for step in task.steps or ():
        attributes = by_id.get(str((step.metadata or {}).get("otel.span_id")), {})
        if "infinium.step.action" in attributes:
            step.action = text_of(attributes["infinium.step.action"])
        if "infinium.step.purpose" in attributes and step.llm_call:
            purpose = text_of(attributes["infinium.step.purpose"])
            step.llm_call = replace(step.llm_call, purpose=purpose)
