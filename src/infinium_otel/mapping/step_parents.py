"""The step that each step is inside of: spans between the two are not always steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.mapping.tree import sort_top_down

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node
    from infinium_otel.taskdata import ExecutionStep

PARENT = "otel.parent_span_id"


def name_enclosing_steps(
    nodes: list[Node], steps: list[tuple[Node, ExecutionStep]]
) -> None:
    """Make the parent of each step the nearest span above it that is a step.

    Where there is none, the parent stays what the span has.

    Args:
        steps: each with the node that it is at the place of.
    """
    reported = {id(node) for node, step in steps if _is_of(node, step)}
    above: dict[int, Node | None] = {}
    for node in sort_top_down(nodes):
        found = above.get(id(node.parent)) if node.parent else None
        above[id(node)] = node if id(node) in reported else found
    for node, step in steps:
        enclosing = above.get(id(node.parent)) if node.parent else None
        if enclosing is not None and enclosing is not node and step.metadata:
            step.metadata[PARENT] = enclosing.record.span_id


def _is_of(node: Node, step: ExecutionStep) -> bool:
    """Whether a step is that node's own, and not one that its messages report."""
    facts = step.metadata or {}
    return facts.get("otel.span_id") == node.record.span_id
