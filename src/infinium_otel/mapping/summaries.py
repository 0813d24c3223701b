"""The run as a whole: its name, its input and its output."""

from __future__ import annotations

import re
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS, split_scope
from infinium_otel.mapping import content_texts, previews
from infinium_otel.mapping.inferred_tools import ToolSpans
from infinium_otel.mapping.tree import AGENTIC, sort_top_down
from infinium_otel.records.caching import cache_names
from infinium_otel.redaction import truncate
from infinium_otel.taskdata.limits import (
    MAX_INPUT_SUMMARY_LENGTH,
    MAX_OUTPUT_SUMMARY_LENGTH,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.mapping.capture_policy import CapturePolicy
    from infinium_otel.mapping.tree import Node

FRAMES = frozenset({"agent", "workflow"})
_NOT_IN_NAME = re.compile(
    r"^(invoke_agent|invoke_workflow|execute_tool)\s+"
    r"|(?<=\w) (unknown|None|null|undefined|N/A)$"
)
"""The operation before a name, and a word for a name that was not known."""
_NUMBER = re.compile(r"\d")
_GENERIC_WORDS = frozenset(
    "agent agents agentic ai application system app workflow run trace invocation invoke "
    "graph chain session task turn thread execute execution enter handle request default "
    "main loop root openai sdk langgraph runnable sequence crew "
    "alarm fetch scheduled queue handler lambda webhook".split()
)
"""Words of which frameworks make the name of every run: `Agent workflow`, `agent.run`.

Platforms name the run of a function for what triggered it: `alarm`, `lambda_handler`.
"""
_TRANSPORT = frozenset({"http", "messaging", "db"})


def find_name(nodes: list[Node]) -> str:
    """The run's name: the framework's own, else the root span's, cleaned."""
    root = nodes[0]
    name = root.span.task_name or _get_own_name(root)
    if root.kind == "lifecycle" or _is_generic(name):
        frame = next((n for n in nodes if n.kind in FRAMES and _is_named(n)), None)
        if frame is not None and not _calls_models(root, nodes):
            name = _get_own_name(frame)
    return name or root.record.name.strip() or "unnamed run"


def _calls_models(root: Node, nodes: list[Node]) -> bool:
    """Whether *root* is an agent with calls of its own, beside those of its agents."""
    if root.kind != "agent":
        return False
    return any(n.kind in CALLS and n.nearest_agent is root for n in nodes)


def _is_named(frame: Node) -> bool:
    return not _is_generic(_get_own_name(frame))


@cache_names(maxsize=1024)
def _is_generic(name: str | None) -> bool:
    """Whether a name, without the application in brackets, is one of every run.

    One with a number (`run 7`) was given to a single run.
    """
    if name is None:
        return True
    own = name.partition(" [")[0]
    return _NUMBER.search(own) is None and _GENERIC_WORDS.issuperset(split_scope(own))


def _get_own_name(node: Node) -> str | None:
    """The name that a span gives the run; None for transport spans."""
    if node.kind in _TRANSPORT:
        return None
    name = _NOT_IN_NAME.sub("", node.record.name).strip()
    if node.kind == "agent" or (node.kind in CALLS and node.span.maybe_call):
        return node.span.agent_name or name
    return node.span.label or name or None


def find_input(nodes: list[Node], policy: CapturePolicy) -> str | None:
    """The question: to the root, else to the outermost frame, else to the model."""
    reporting = (n for n in _rank_sources(nodes, "input") if n.span.input is not None)
    return _make_summary(
        map(_find_question, _defer_poor_inputs(reporting)),
        MAX_INPUT_SUMMARY_LENGTH,
        policy,
    )


def _defer_poor_inputs(nodes: Iterable[Node]) -> Iterator[Node]:
    """*nodes*, first those whose input has a question; evaluated lazily.

    Dumps of state, and messages of the system and the model without one of the user, may
    come before it.
    """
    poor = []
    for node in nodes:
        content = node.input_content
        if content_texts.is_dump(content) or content_texts.lacks_question(content):
            poor.append(node)
        else:
            yield node
    yield from poor


def _find_question(node: Node) -> str | None:
    if node.kind == "embedding":
        return content_texts.join_texts(node.input_content)
    return content_texts.find_question(node.input_content)


def find_output(
    nodes: list[Node], policy: CapturePolicy, *, failed: bool = False
) -> str | None:
    """The result: the root's output, else the outermost frame's, else the last answer.

    Args:
        failed: the run ended by a failure, so that what was requested last was not done.
    """
    return _make_summary(
        _iter_outputs(nodes, _Work(nodes, failed=failed)),
        MAX_OUTPUT_SUMMARY_LENGTH,
        policy,
    )


class _Work:
    """What ran in a trace: an answer is what no more work followed."""

    def __init__(self, nodes: list[Node], *, failed: bool) -> None:
        self.failed = failed
        self._nodes = nodes
        working = (n for n in nodes if n.kind in AGENTIC and not n.folded)
        self._latest = sorted(working, key=lambda n: n.record.start_ns)[-2:]
        self._ends = [n.record.end_ns for n in nodes if n.kind == "tool"]

    @cached_property
    def _tools(self) -> ToolSpans:
        return ToolSpans(self._nodes)

    def is_final(self, node: Node) -> bool:
        """Whether the output of *node* can be the run's."""
        if self.failed and self._is_continued(node):
            return False
        request = content_texts.find_request(node.output_content)
        if request is None or (request.text and self._has_run_its_tools(node)):
            return True
        return not (
            self.failed
            or any(map(self._tools.cover, request.tool_calls))
            or (node.kind == "llm" and self._is_continued(node))
        )

    def _has_run_its_tools(self, node: Node) -> bool:
        """Whether *node* is a turn of an agent elsewhere: tools ran and ended inside it.

        Its one message holds what was requested on the way and the answer.
        """
        start_ns, end_ns = node.record.start_ns, node.record.end_ns
        ended = [at_ns for at_ns in self._ends if at_ns > start_ns]
        return bool(ended) and max(ended) < end_ns and not self._is_continued(node)

    def _is_continued(self, node: Node) -> bool:
        """Whether other work began when that of *node* had ended."""
        end_ns = node.record.end_ns
        return any(n is not node and n.record.start_ns >= end_ns for n in self._latest)


def _iter_outputs(nodes: list[Node], work: _Work) -> Iterator[str | None]:
    """Conclusions first; then other outputs, of the calls only the last one's."""
    reporting: list[Node] = []
    after_ns: float = 0
    for node in _rank_sources(nodes, "output"):
        if node.span.output is None or node.kind == "embedding":
            continue
        if node.record.start_ns < after_ns:
            continue  # what came before a request for tools is not final either
        if work.is_final(node):
            reporting.append(node)
            yield content_texts.find_conclusion(node.output_content)
        elif node.kind == "llm" and not any(c.kind in AGENTIC for c in node.children):
            after_ns = inf if work.failed else node.record.end_ns
    last = next((node for node in reporting if node.kind == "llm"), None)
    for node in reporting:
        if node.kind == "llm" and node is not last:
            continue
        if not (work.failed and content_texts.is_dump(node.output_content)):
            yield content_texts.find_answer(node.output_content)
    if not any(node.kind in ("llm", "agent") for node in nodes):
        yield from _iter_tool_results(nodes)


def _iter_tool_results(nodes: list[Node]) -> Iterator[str | None]:
    """The tool results of a run without model or agent, the last first."""
    tools = (node for node in nodes if node.kind == "tool" and not node.folded)
    for tool in sorted(tools, key=_get_end_ns, reverse=True):
        yield previews.extract_text(tool.span.result)


def _make_summary(
    texts: Iterator[str | None], limit: int, policy: CapturePolicy
) -> str | None:
    found = next((text for text in texts if text), None)
    return policy.text_or_none(truncate(found, limit)) if found else None


def _rank_sources(nodes: list[Node], side: str) -> Iterator[Node]:
    """Nodes that may contain the run's input or output (*side*), the best first."""
    root = nodes[0]
    if root.kind != "tool" and not (side == "output" and _is_followed(root, nodes)):
        yield root
    yield from root.members
    frames = [n for n in nodes if n.kind in FRAMES and n is not root]
    calls = [
        n for n in nodes if n.kind == "llm" and not n.folded and not n.span.utility
    ]
    if side == "output":
        calls.sort(key=_get_end_ns, reverse=True)
    aside = _find_side_work(nodes)
    calls.sort(key=lambda call: id(call) in aside)
    if side == "input":
        chains = _find_chains(nodes)
        yield from sorted([*frames, *chains], key=lambda n: n.record.start_ns)
        yield from calls
        yield from (
            n for n in nodes if n.kind in ("step", "retrieval", "embedding", "")
        )
    else:
        yield from _sort_outermost_first(frames, nodes)
        yield from calls
        yield from sorted(
            (n for n in nodes if n.kind in ("step", "")), key=_get_end_ns, reverse=True
        )


_SIDE_WORK = frozenset({"memory", "guardrail", "evaluator"})


def _find_side_work(nodes: list[Node]) -> set[int]:
    """The ids of the nodes below one that remembers, guards or judges, and of those."""
    found: set[int] = set()
    if not any(node.kind in _SIDE_WORK for node in nodes):
        return found
    for node in sort_top_down(nodes):
        if node is not nodes[0] and (
            node.kind in _SIDE_WORK or id(node.parent) in found
        ):
            found.add(id(node))
    return found


def _is_followed(root: Node, nodes: list[Node]) -> bool:
    """Whether a run's root is one call, or turn of a loop, and others began after it."""
    later = [n for n in nodes if n is not root and _began_after(n, root)]
    if root.kind in FRAMES:
        return any(n.kind == root.kind and _is_same_work(n, root) for n in later)
    return root.kind in CALLS and any(n.kind in CALLS and not n.folded for n in later)


def _began_after(node: Node, earlier: Node) -> bool:
    return node.record.start_ns >= earlier.record.end_ns


def _is_same_work(node: Node, other: Node) -> bool:
    return node.record.name == other.record.name


def _find_chains(nodes: list[Node]) -> list[Node]:
    """The outermost steps around model calls, whose prompts hold more than a question."""
    outermost: dict[int, Node] = {}
    chains: dict[int, Node] = {}
    for node in sort_top_down(nodes):
        above = outermost.get(id(node.parent)) if node.parent else None
        if above is None and node.kind == "step" and node is not nodes[0]:
            above = node
        if above is not None:
            outermost[id(node)] = above
            if node.kind == "llm" and not node.folded:
                chains[id(above)] = above
    return list(chains.values())


def _sort_outermost_first(frames: list[Node], nodes: list[Node]) -> Iterator[Node]:
    """Frames from the outermost inwards; at each depth the one that ended last first."""
    if len(frames) < 2:
        return iter(frames)
    depths: dict[int, int] = {}
    for node in sort_top_down(nodes):
        above = node.parent
        inside = above is not None and above.kind in FRAMES
        if above and inside and _is_same_work(node, above):
            inside = not _began_after(node, above)
        depths[id(node)] = (depths[id(above)] if above else 0) + inside
    return iter(sorted(frames, key=lambda n: (depths[id(n)], -n.record.end_ns)))


def _get_end_ns(node: Node) -> int:
    return node.record.end_ns


def find_description(nodes: list[Node], input_summary: str | None, name: str) -> str:
    """What the run was about: the question, the agent's description, or the name."""
    description = next(
        (n.span.agent_description for n in nodes if n.span.agent_description),
        None,
    )
    return input_summary or description or name
