"""Evaluations of a run: on the step that they judge, and in the task's tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.redaction import truncate

if TYPE_CHECKING:
    from infinium_otel.mapping.capture_policy import CapturePolicy
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Evaluation, NormalizedSpan

MAX_TAGS = 20
MAX_NAME_LENGTH = 60
MAX_TEXT_LENGTH = 500
JUDGES = frozenset({"", "step", "evaluator"})
"""Kinds of spans that can contain the evaluation of another."""


def assign_evaluations(nodes: list[Node]) -> None:
    """Move each evaluation to the node that it judges.

    It is the call with the response id that the evaluation names, else the call or tool
    inside which an evaluator ran, else the span that has it.
    """
    judging = [node for node in nodes if node.span.evaluations]
    if not judging:
        return
    by_response = {n.span.response_id: n for n in nodes if n.span.response_id}
    assigned: dict[int, list[Evaluation]] = {}
    judged: dict[int, Node] = {}
    for node in judging:
        for evaluation in node.span.evaluations:
            found = by_response.get(evaluation.response_id or "") or _find_judged(node)
            found = found.representative
            judged[id(found)] = found
            assigned.setdefault(id(found), []).append(evaluation)
        node.span = replace(node.span, evaluations=())
    for key, node in judged.items():
        evaluations = tuple(dict.fromkeys(assigned[key]))
        node.span = replace(node.span, evaluations=evaluations)


def _find_judged(node: Node) -> Node:
    caller = node.nearest_actor
    if node.kind in JUDGES and caller is not None and caller is node.nearest_call:
        return caller
    return node


def describe_evaluations(
    span: NormalizedSpan, policy: CapturePolicy
) -> list[dict[str, Any]] | None:
    """The evaluations of a step, for its metadata; explanations only with content."""
    described = []
    for evaluation in span.evaluations:
        values = {
            "name": truncate(evaluation.name, MAX_NAME_LENGTH),
            "score": evaluation.score,
            "label": _shorten(evaluation.label),
            "explanation": policy.text_or_none(_shorten(evaluation.explanation)),
            "error": _shorten(evaluation.error),
        }
        described.append({k: v for k, v in values.items() if v is not None})
    return described or None


def _shorten(text: str | None) -> str | None:
    return truncate(text, MAX_TEXT_LENGTH) if text else None


def build_evaluation_tags(nodes: list[Node]) -> dict[str, str]:
    """A tag `evaluation.NAME` for each name: its scores and labels, in order."""
    found: dict[str, dict[str, None]] = {}
    for node in nodes:
        for evaluation in node.span.evaluations:
            name = f"evaluation.{truncate(evaluation.name, MAX_NAME_LENGTH)}"
            if name in found or len(found) < MAX_TAGS:
                found.setdefault(name, {})[_describe_result(evaluation)] = None
    return {name: ", ".join(filter(None, results)) for name, results in found.items()}


def _describe_result(evaluation: Evaluation) -> str:
    score, label = evaluation.score, evaluation.label
    if score is None:
        return label or (f"error: {evaluation.error}" if evaluation.error else "")
    shown = f"{score:g}" if isinstance(score, float) else str(score).lower()
    return f"{shown} ({label})" if label else shown
