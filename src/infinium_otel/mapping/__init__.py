"""One trace to one task: the steps of the mapping, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import Dialect, read
from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.mapping import summaries
from infinium_otel.mapping.annotations import (
    build_expected_outcome,
    build_sections,
    collect_annotations,
    is_skipped,
)
from infinium_otel.mapping.call_inputs import cut_late_inputs, link_histories
from infinium_otel.mapping.calls import inherit_parameters, unify_calls
from infinium_otel.mapping.capture_policy import CapturePolicy
from infinium_otel.mapping.domains import find_domains
from infinium_otel.mapping.enclosing_messages import complete_calls
from infinium_otel.mapping.environment import build_environment, find_end_ns
from infinium_otel.mapping.evaluations import assign_evaluations
from infinium_otel.mapping.failure_reports import (
    adopt_failures,
    claim_failed_tools,
    settle_failures,
)
from infinium_otel.mapping.failures import find_failures, list_errors
from infinium_otel.mapping.folding import (
    complete_retrievals,
    fold_agents,
    fold_guardrails,
    fold_retrievals,
    fold_tools,
    fold_transport,
    is_step,
)
from infinium_otel.mapping.graph_agents import name_graph_agents
from infinium_otel.mapping.inferred_tools import infer_tools
from infinium_otel.mapping.kinds import settle_kinds
from infinium_otel.mapping.logs import attach_logs
from infinium_otel.mapping.prompts import assign_prompts, build_prompt_studio
from infinium_otel.mapping.signs import is_agentic
from infinium_otel.mapping.step_parents import name_enclosing_steps
from infinium_otel.mapping.step_times import find_start_ns, to_iso
from infinium_otel.mapping.steps import build_inferred_step, build_step
from infinium_otel.mapping.tool_content import complete_tools
from infinium_otel.mapping.tree import (
    Node,
    attach_orphans,
    link_nodes,
    remove_placeholders,
    set_nearest,
    sort_by_start,
    unlink,
)
from infinium_otel.mapping.usage import find_costs, find_usage_spans, sum_usage
from infinium_otel.mapping.withheld_texts import withhold_texts
from infinium_otel.taskdata import TaskData, TimeTracking
from infinium_otel.taskdata.encoding import PROMPT_STUDIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infinium_otel.config import Config
    from infinium_otel.records import NormalizedSpan, SpanRecord, Trace
    from infinium_otel.taskdata import ErrorDetail, ExecutionStep

__all__ = ["build_tree", "go_on", "map_trace"]


def go_on() -> None:
    """Do not pause."""


def map_trace(
    trace: Trace,
    config: Config,
    readers: tuple[Dialect, ...] = (),
    pause: Callable[[], None] = go_on,
) -> TaskData | None:
    """The task that *trace* becomes.

    Args:
        trace: the spans of one run, with their log events.
        config: `include` and `capture_content` are read.
        readers: dialects of other distributions, tried after the built-in ones.
        pause: called between two spans, steps or stages, so that others can work too.

    Returns:
        None if it is not to be sent: no model, tool or agent span (`Config.include`),
        or the user excluded it (`infinium.skip`).
    """
    nodes = build_tree(trace, readers, pause)
    try:
        return _build_if_included(trace, nodes, config, pause) if nodes else None
    finally:
        unlink(nodes)


def build_tree(
    trace: Trace,
    readers: tuple[Dialect, ...] = (),
    pause: Callable[[], None] = go_on,
) -> list[Node]:
    """The spans of *trace* as a tree in start order, with duplicate reports folded.

    The first node is the root. A node that is `folded` is represented by another.
    """
    records = attach_logs(sort_by_start(trace.records), trace.logs)
    nodes = link_nodes(_read_all(records, readers, pause))
    attach_orphans(nodes, trace.root_id)
    nodes = remove_placeholders(nodes)
    link_histories(nodes)
    settle_kinds(nodes)
    name_graph_agents(nodes)
    settle_failures(nodes, trace.root_id)
    unify_calls(nodes, find_domains(nodes))
    pause()
    complete_calls(nodes)
    pause()
    cut_late_inputs(nodes)
    pause()
    claim_failed_tools(nodes)
    fold_tools(nodes)
    adopt_failures(nodes)
    fold_retrievals(nodes)
    fold_guardrails(nodes)
    set_nearest(nodes)
    inherit_parameters(nodes)
    complete_retrievals(nodes)
    fold_agents(nodes)
    fold_transport(nodes)
    complete_tools(nodes)
    assign_evaluations(nodes)
    assign_prompts(nodes)
    return _put_root_first(nodes, trace.root_id)


def _read_all(
    records: Iterable[SpanRecord],
    readers: tuple[Dialect, ...],
    pause: Callable[[], None],
) -> Iterator[tuple[SpanRecord, NormalizedSpan]]:
    for record in records:
        pause()
        yield record, read(record, readers)


def _put_root_first(nodes: list[Node], root_id: str) -> list[Node]:
    """The root comes first, even if a child's clock was ahead of it."""
    if nodes and nodes[0].record.span_id == root_id:
        return nodes
    return sorted(nodes, key=lambda node: node.record.span_id != root_id)


def _build_if_included(
    trace: Trace, nodes: list[Node], config: Config, pause: Callable[[], None]
) -> TaskData | None:
    records = (node.record for node in nodes)
    annotations = collect_annotations(records, trace.root_id, config.trust)
    if is_skipped(annotations) or not (config.include == "all" or is_agentic(nodes)):
        return None
    return _build_task(trace, nodes, annotations, config, pause)


def _build_task(
    trace: Trace,
    nodes: list[Node],
    annotations: dict[str, Any],
    config: Config,
    pause: Callable[[], None],
) -> TaskData:
    policy = CapturePolicy(config.capture_content)
    if not policy.allows_content:
        withhold_texts(nodes)
    failures = find_failures(nodes, policy)
    steps = _build_steps(
        nodes, failures.errors, policy, pause, everything=config.include == "all"
    )
    input_summary = summaries.find_input(nodes, policy)
    name = to_text(annotations.get("task.name") or summaries.find_name(nodes))
    root = nodes[0].record
    end_ns = find_end_ns(nodes)
    ended_at = to_iso(end_ns)
    task = TaskData(
        name=name,
        description=to_text(
            annotations.get("task.description")
            or summaries.find_description(
                nodes if policy.allows_content else [], input_summary, name
            )
        ),
        current_datetime=ended_at,
        duration=(end_ns - root.start_ns) / 1e9,
        time_tracking=TimeTracking(to_iso(root.start_ns), ended_at),
        input_summary=input_summary,
        output_summary=summaries.find_output(nodes, policy, failed=failures.fatal),
        steps=steps or None,
        errors=_build_errors(failures.errors, steps),
    )
    _add_usage(task, trace, nodes, policy)
    if failures.cancelled and task.environment and task.environment.custom_tags:
        task.environment.custom_tags["cancelled"] = "true"
    _add_annotations(task, nodes, annotations, policy)
    prompts = build_prompt_studio(nodes)
    if prompts is not None:
        setattr(task, PROMPT_STUDIO, prompts)
    return task


def _build_steps(
    nodes: list[Node],
    errors: dict[int, ErrorDetail],
    policy: CapturePolicy,
    pause: Callable[[], None],
    *,
    everything: bool,
) -> list[ExecutionStep]:
    """The steps in the order in which they happened, numbered from 1."""
    orders = {id(node): float(order) for order, node in enumerate(nodes)}
    timed = []
    placed = []
    for node in nodes:
        if is_step(node, has_error=id(node) in errors, everything=everything):
            pause()
            step = build_step(node, errors.get(id(node)), policy)
            timed.append((find_start_ns(node), orders[id(node)], step))
            placed.append((node, step))
    pause()
    for tool in infer_tools(nodes):
        order = orders[id(tool.before)] + (0.5 if tool.is_inside_call else -0.5)
        step = build_inferred_step(tool, policy)
        timed.append((tool.start_ns, order, step))
        placed.append((tool.after, step))
    name_enclosing_steps(nodes, placed)
    timed.sort(key=lambda entry: entry[:2])
    steps = [step for _, _, step in timed]
    for number, step in enumerate(steps, 1):
        step.step_number = number
    return steps


def _build_errors(
    errors: dict[int, ErrorDetail], steps: list[ExecutionStep]
) -> list[ErrorDetail] | None:
    on_steps = {id(step.error) for step in steps if step.error}
    details = list(errors.values())
    known = {id(detail) for detail in details}
    details += [s.error for s in steps if s.error and id(s.error) not in known]
    return list_errors(details, on_steps=on_steps) or None


def _add_usage(
    task: TaskData, trace: Trace, nodes: list[Node], policy: CapturePolicy
) -> None:
    reporting = find_usage_spans(nodes)
    calls = [s.llm_call for s in task.steps or () if s.llm_call]
    task.llm_usage = sum_usage(reporting, calls, find_costs(reporting, nodes))
    task.environment = build_environment(trace, nodes, reporting, policy)


def _add_annotations(
    task: TaskData,
    nodes: list[Node],
    annotations: dict[str, Any],
    policy: CapturePolicy,
) -> None:
    for name, section in build_sections(annotations).items():
        setattr(task, name, section)
    expected: dict[str, Any] = {}
    if policy.allows_content:
        for node in nodes:
            if node.span.expected:
                expected = {**node.span.expected, **expected}
    task.expected_outcome = build_expected_outcome(annotations, expected)
    _add_step_annotations(task, nodes)


def _add_step_annotations(task: TaskData, nodes: list[Node]) -> None:
    """Apply `infinium.step.*` of each span to its own step."""
    by_id = {n.record.span_id: n.record.attributes for n in nodes}
    for step in task.steps or ():
        attributes = by_id.get(str((step.metadata or {}).get("otel.span_id")), {})
        if "infinium.step.action" in attributes:
            step.action = to_text(attributes["infinium.step.action"])
        if "infinium.step.purpose" in attributes and step.llm_call:
            purpose = to_text(attributes["infinium.step.purpose"])
            step.llm_call = replace(step.llm_call, purpose=purpose)
