"""Steps in words: what was done, for someone who never saw the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.mapping.previews import cut

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node
    from infinium_otel.taskdata import ErrorDetail

ACTIONS = {
    "llm": "llm_inference",
    "tool": "tool_use",
    "planning": "decision",
    "handoff": "decision",
    "mcp": "retrieval",
    "step": "span",
    "": "span",
    "refused": "guardrail",
}
MAX_REASON = 200
MAX_DESCRIPTION = 500


def action_of(node: Node) -> str:
    """The short word for a step; an agent inside one that has a name is a subagent."""
    if node.kind == "agent":
        above = node.agent_above
        return "subagent" if above and above.reading.agent_name else "agent"
    return ACTIONS.get(node.kind, node.kind)


def description_of(node: Node, agent: str | None, error: ErrorDetail | None) -> str:
    """One sentence on *node*, with the reason if it failed."""
    said = _said(node, agent)
    if error is not None:
        said = f"{said}: {_in_one_line(error.message)}"
    return cut(said, MAX_DESCRIPTION)


def _in_one_line(message: str) -> str:
    return cut(" ".join(message[: 2 * MAX_REASON].split()), MAX_REASON)


def _said(node: Node, agent: str | None) -> str:
    reading = node.reading
    model = reading.model_requested or reading.model or "a model"
    by = f" ({agent})" if agent else ""
    if node.kind in _ASKED:
        return f"{_ASKED[node.kind]} {model}{by}"
    if node.kind == "tool":
        return f"Called {reading.tool_name or node.record.name}"
    if node.kind == "agent":
        return f"Ran agent {reading.agent_name or node.record.name}"
    if node.kind == "handoff":
        return f"Handed off: {reading.agent_name or _name(node)}"
    return _VERBS.get(node.kind, "") + _name(node)


_ASKED = {
    "llm": "Asked",
    "embedding": "Embedded text with",
    "rerank": "Reranked documents with",
}
_VERBS = {
    "retrieval": "Retrieved documents: ",
    "guardrail": "Checked a guardrail: ",
    "evaluator": "Evaluated: ",
    "planning": "Planned: ",
    "memory": "Used memory: ",
}


def _name(node: Node) -> str:
    return node.reading.label or node.record.name or "unnamed span"
