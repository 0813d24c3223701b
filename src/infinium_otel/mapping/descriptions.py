"""Steps in words: what was done, for readers who never saw the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.redaction import remove_credentials, truncate

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
MAX_REASON_LENGTH = 200
MAX_SENTENCE_LENGTH = 500


def get_action(node: Node) -> str:
    """The step's action; an agent inside a named agent is a subagent."""
    if node.kind == "agent":
        above = node.nearest_agent
        return "subagent" if above and above.span.agent_name else "agent"
    return ACTIONS.get(node.kind, node.kind)


def describe_step(node: Node, agent: str | None, error: ErrorDetail | None) -> str:
    """One sentence on *node*, with the reason if it failed."""
    sentence = _describe(node, agent)
    if error is not None:
        sentence = f"{sentence}: {_to_line(error.message)}"
    return truncate(sentence, MAX_SENTENCE_LENGTH)


def _to_line(message: str) -> str:
    start = truncate(message, 2 * MAX_REASON_LENGTH)
    if "\n" in start:  # some credentials are recognized by their place in a line
        start = remove_credentials(start)
    return truncate(" ".join(start.split()), MAX_REASON_LENGTH)


def _describe(node: Node, agent: str | None) -> str:
    span = node.span
    model = span.model_requested or span.model or "a model"
    by = f" ({agent})" if agent else ""
    if node.kind in _CALL_VERBS:
        return f"{_CALL_VERBS[node.kind]} {model}{by}"
    if node.kind == "tool":
        return f"Called {span.tool_name or node.record.name}"
    if node.kind == "agent":
        return f"Ran agent {span.agent_name or node.record.name}"
    if node.kind == "handoff":
        return f"Handed off: {span.agent_name or _get_name(node)}"
    return _VERBS.get(node.kind, "") + _get_name(node)


_CALL_VERBS = {
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


def _get_name(node: Node) -> str:
    return node.span.label or node.record.name or "unnamed span"
