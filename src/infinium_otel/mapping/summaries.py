"""The run as a whole: its name, what was asked and what came of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.mapping import previews
from infinium_otel.mapping.calls import is_call
from infinium_otel.mapping.tree import top_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.mapping.content import Content
    from infinium_otel.mapping.tree import Node

FRAMES = frozenset({"agent", "workflow"})
_PREFIXES = re.compile(r"^(invoke_agent|invoke_workflow|execute_tool)\s+")
_NAMELESS = frozenset(
    ("invocation", "workflow.run", "invoke_graph", "Agent Workflow", "agent run")
)
"""What frameworks call every run of theirs."""
_TRANSPORT = frozenset({"http", "messaging", "db"})


def name_of(nodes: list[Node]) -> str:
    """The run's name: the framework's own, else the root span's, cleaned."""
    root = nodes[0]
    named = root.reading.task_name or _own_name(root)
    if _is_nameless(named):
        frame = next((n for n in nodes if n.kind in FRAMES and _is_named(n)), None)
        named = _own_name(frame) if frame else named
    return named or root.record.name.strip() or "unnamed run"


def _is_named(frame: Node) -> bool:
    return not _is_nameless(_own_name(frame))


def _is_nameless(name: str | None) -> bool:
    """Whether a name, less the application's in brackets, is every run's."""
    return name is None or name.partition(" [")[0] in _NAMELESS


def _own_name(node: Node) -> str | None:
    """What a span calls the run; a transport's name says nothing of it."""
    if node.kind in _TRANSPORT:
        return None
    name = _PREFIXES.sub("", node.record.name).strip()
    if node.kind == "agent":
        return node.reading.agent_name or name
    return node.reading.label or name or None


def input_of(nodes: list[Node], content: Content) -> str | None:
    """What was asked: of the root, else of the outermost frame, else of the model."""
    telling = (n for n in _accounts(nodes, "input") if n.reading.input is not None)
    return _summary(map(_asked, _dumps_last(telling)), previews.SUMMARY_IN, content)


def _dumps_last(nodes: Iterable[Node]) -> Iterator[Node]:
    """*nodes*, each looked at only when the ones before it said nothing."""
    dumps = []
    for node in nodes:
        if previews.is_dump(node.asked):
            dumps.append(node)
        else:
            yield node
    yield from dumps


def _asked(node: Node) -> str | None:
    if node.kind == "embedding":
        return previews.everything(node.asked)
    return previews.asked(node.asked)


def output_of(nodes: list[Node], content: Content) -> str | None:
    """What came of it: the root's output, else the outermost frame's, else the last answer."""
    return _summary(_outputs(nodes), previews.SUMMARY_OUT, content)


def _outputs(nodes: list[Node]) -> Iterator[str | None]:
    """Conclusions first; else what was answered, of the calls only by the last."""
    telling: list[Node] = []
    for node in _accounts(nodes, "output"):
        if node.reading.output is not None and node.kind != "embedding":
            telling.append(node)
            yield previews.concluded(node.answered)
    last = next((node for node in telling if node.kind == "llm"), None)
    for node in telling:
        if node.kind != "llm" or node is last:
            yield previews.answered(node.answered)
    if not any(node.kind in ("llm", "agent") for node in nodes):
        yield from _results(nodes)


def _results(nodes: list[Node]) -> Iterator[str | None]:
    """Of a run without model or agent what its tools gave, the last first."""
    tools = (node for node in nodes if node.kind == "tool" and not node.folded)
    for tool in sorted(tools, key=_end, reverse=True):
        yield previews.content(tool.reading.result)


def _summary(texts: Iterator[str | None], limit: int, content: Content) -> str | None:
    found = next((text for text in texts if text), None)
    return content.text(previews.cut(found, limit)) if found else None


def _accounts(nodes: list[Node], side: str) -> Iterator[Node]:
    """Spans that may tell the run's *side*, the best first."""
    root = nodes[0]
    if root.kind != "tool":
        yield root
    yield from root.members
    frames = [n for n in nodes if n.kind in FRAMES and n is not root]
    calls = [
        n for n in nodes if n.kind == "llm" and is_call(n) and not n.reading.utility
    ]
    if side == "input":
        yield from frames
        yield from calls
        yield from (
            n for n in nodes if n.kind in ("step", "retrieval", "embedding", "")
        )
    else:
        yield from _outermost_last(frames, nodes)
        yield from sorted(calls, key=_end, reverse=True)
        yield from sorted(
            (n for n in nodes if n.kind in ("step", "")), key=_end, reverse=True
        )


def _outermost_last(frames: list[Node], nodes: list[Node]) -> Iterator[Node]:
    """Outermost frames before those inside them; the one that ended last first."""
    if len(frames) < 2:
        return iter(frames)
    depths: dict[int, int] = {}
    for node in top_down(nodes):
        above = node.parent
        inside = above is not None and above.kind in FRAMES
        depths[id(node)] = (depths[id(above)] if above else 0) + inside
    return iter(sorted(frames, key=lambda n: (depths[id(n)], -n.record.end_ns)))


def _end(node: Node) -> int:
    return node.record.end_ns


def description_of(nodes: list[Node], asked: str | None, name: str) -> str:
    """What the run was about: the agent's own description, the request, or its name."""
    described = next(
        (n.reading.agent_description for n in nodes if n.reading.agent_description),
        None,
    )
    return asked or described or name
