"""The stored prompts of a run: on the calls, in the tags, and as Infinium's own record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import CALLS
from infinium_otel.redaction import truncate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import StoredPrompt

STORE = "prompt_studio"
MAX_PROMPTS = 20
"""Prompts of a run, and versions of one, that its task names."""
MAX_NAME_LENGTH = 60
USERS = CALLS | {"agent"}
"""Kinds of spans that use a prompt; a tool inside the same block does not.

Source: langfuse/langfuse#14962, where tools and plain spans had been linked to prompts."""


def assign_prompts(nodes: list[Node]) -> None:
    """Give the prompts of a folded node to the node that represents it."""
    for node in nodes:
        if node.span.prompts and node.folded:
            kept = node.representative
            both = dict.fromkeys((*kept.span.prompts, *node.span.prompts))
            kept.span = replace(kept.span, prompts=tuple(both))


def describe_prompts(node: Node) -> list[dict[str, Any]] | None:
    """The prompts of a call or an agent, for its step's metadata."""
    if node.kind not in USERS:
        return None
    return [
        {k: v for k, v in values.items() if v is not None}
        for each in node.span.prompts[:MAX_PROMPTS]
        for values in [
            {
                "name": each.name,
                "version": each.version,
                "id": each.id,
                "source": each.source,
            }
        ]
    ]


def build_prompt_tags(nodes: Iterable[Node]) -> dict[str, str]:
    """A tag `prompt.NAME` for each prompt of the run: its versions, in order."""
    found: dict[str, dict[str, None]] = {}
    for prompt in _list_prompts(nodes):
        name = truncate(prompt.name or prompt.id or "unnamed", MAX_NAME_LENGTH)
        tag = f"prompt.{name}"
        if tag in found or len(found) < MAX_PROMPTS:
            versions = found.setdefault(tag, {})
            shown = "unknown" if prompt.version is None else str(prompt.version)
            if len(versions) < MAX_PROMPTS:
                versions[shown] = None
    return {tag: ", ".join(versions) for tag, versions in found.items()}


def build_prompt_studio(nodes: Iterable[Node]) -> dict[str, Any] | None:
    """What the task tells Infinium of the prompts of its own store; None without any.

    Each version is listed once, with all variables that it was filled with and the time
    of its first use.

    Source: infinium-o2 1.2.0, tracing.py, `_build_prompt_studio_section`.
    """
    found: dict[tuple[str, Any], StoredPrompt] = {}
    for prompt in _list_prompts(nodes):
        key = (prompt.id or "", prompt.version)
        if prompt.source != STORE or not prompt.id:
            continue
        if key in found:
            found[key] = _join(found[key], prompt)
        elif len(found) < MAX_PROMPTS:
            found[key] = prompt
    if not found:
        return None
    return {
        "prompts_used": [
            {
                "prompt_id": prompt.id,
                "prompt_name": prompt.name,
                "version": prompt.version,
                "source": prompt.source,
                "variables_used": list(prompt.variables) if prompt.variables else None,
                "fetched_at": prompt.fetched_at,
            }
            for prompt in found.values()
        ]
    }


def _list_prompts(nodes: Iterable[Node]) -> dict[StoredPrompt, None]:
    """Every prompt that a span of the run names, each once, in order."""
    return dict.fromkeys(prompt for node in nodes for prompt in node.span.prompts)


def _join(first: StoredPrompt, second: StoredPrompt) -> StoredPrompt:
    names = dict.fromkeys((*(first.variables or ()), *(second.variables or ())))
    return replace(first, variables=tuple(names) or None)
