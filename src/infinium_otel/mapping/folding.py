"""Which spans are steps, and which only tell more of one.

Transport spans fold into the call or tool they serve; the layers of one tool call
(framework, MCP client, MCP server) fold into the outermost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.previews import is_dump
from infinium_otel.mapping.tree import WORKERS
from infinium_otel.mapping.uniting import united

if TYPE_CHECKING:
    from infinium_otel.mapping.previews import Said
    from infinium_otel.mapping.tree import Node

TRANSPORT = frozenset({"http", "db", "messaging", "mcp"})
ALWAYS = WORKERS | {
    "refused",
    "retrieval",
    "planning",
    "handoff",
    "guardrail",
    "evaluator",
    "memory",
}
RELAY = "relay"
"""What passes a call on to another server, which may know it by another name."""
NEVER = frozenset({"lifecycle", "messaging", "waiting", RELAY})
HTTP_ERROR = 400


def fold_tools(nodes: list[Node]) -> None:
    """Keep the outermost span of each call or fetch; add what its layers know."""
    for node in nodes:
        if not node.folded and (node.kind == "tool" or _fetches(node)):
            for layer in list(_layers(node)):
                node.reading = united(node.reading, layer.reading)
                layer.fold_into(node)


def fold_retrievals(nodes: list[Node]) -> None:
    """A retrieval around exactly one other is a layer of it; around several it is more."""
    for node in reversed(nodes):
        if node.kind == "retrieval":
            inner = _layers(node)
            if len(inner) == 1:
                node.reading = united(node.reading, inner[0].reading)
                inner[0].fold_into(node)


def _layers(outer: Node) -> list[Node]:
    """Spans below *outer* that tell of the same call; a relay gives it another name."""
    found = []
    waiting = list(outer.children)
    while waiting:
        node = waiting.pop()
        if node.kind in CALLS or node.kind == "agent" or node.folded:
            continue
        if node.kind in (outer.kind, RELAY):
            if not (_is_relayed(node) or _is_same(outer, node)):
                continue
            found.append(node)
        waiting.extend(node.children)
    return found


def _is_relayed(node: Node) -> bool:
    return RELAY in (node.kind, node.parent and node.parent.kind)


def _is_same(outer: Node, inner: Node) -> bool:
    if outer.kind == "mcp":
        one, other = outer.reading, inner.reading
        fetched = one.input, other.input
        return one.operation == other.operation and (
            None in fetched or fetched[0] == fetched[1]
        )
    names = outer.reading.tool_name, inner.reading.tool_name
    ids = outer.reading.tool_call_id, inner.reading.tool_call_id
    if all(ids) and ids[0] != ids[1]:
        return False
    return not all(names) or names[0] == names[1]


def fold_agents(nodes: list[Node]) -> None:
    """An agent told twice in a row, or by a tool of its name, is one."""
    for node in nodes:
        if node.kind == "agent" and not node.folded:
            above = _teller_above(node)
            if above is not None:
                _take_over(above, node)


def _teller_above(agent: Node) -> Node | None:
    """The span above that tells of the same agent, with no work in between."""
    boss = agent.boss_above
    if boss is None:
        return None
    if boss.kind == "agent":
        return boss if boss.reading.agent_name == agent.reading.agent_name else None
    told = boss.kind == "tool" and boss.reading.tool_name == agent.record.name
    return boss if told else None


def _take_over(above: Node, agent: Node) -> None:
    if above.kind == "agent":
        above.reading = united(above.reading, agent.reading)
    agent.fold_into(above)


def fold_transport(nodes: list[Node]) -> None:
    """Fold HTTP and database spans into the call or tool they served."""
    for node in nodes:
        if node.kind in TRANSPORT and not node.folded:
            served = node.worker_above
            if served is not None:
                _serve(served.told_by, node)


def _serve(served: Node, transport: Node) -> None:
    """The last attempt's status is the call's; failed attempts before it are retries."""
    status = transport.reading.http_status
    reading = served.reading
    if status is not None and transport.kind == "http":
        before = reading.extra.get("http.attempts", 0)
        retries = max(before, reading.retry_count or 0)
        served.reading = replace(
            reading,
            http_status=status,
            retry_count=retries or None,
            extra={**reading.extra, "http.attempts": before + 1}
            if status >= HTTP_ERROR
            else reading.extra,
        )
    transport.fold_into(served)


def is_step(node: Node, *, erred: bool, everything: bool) -> bool:
    """Whether *node* is something the agent did, rather than a frame around it.

    Args:
        erred: whether it has an error of its own, that no span below tells.
        everything: whether transport is, too (`Config.include`).
    """
    if node.folded or node.kind in NEVER:
        return False
    if node.kind in ALWAYS:
        return True
    if node.kind in TRANSPORT:
        return everything if node.kind != "mcp" else _fetches(node)
    return _is_plain_step(node, erred=erred)


def _fetches(node: Node) -> bool:
    return node.kind == "mcp" and node.reading.operation in (
        "resources/read",
        "prompts/get",
    )


def _is_plain_step(node: Node, *, erred: bool) -> bool:
    """Unknown spans are kept; known frames only where they hold nothing, or erred.

    The root is the task itself: it is a step only for what it alone knows.
    """
    if node.parent is None:
        return node.kind == "" and any(map(_tells, node.record.attributes))
    if node.kind == "agent":
        return bool(node.reading.agent_name)
    return node.kind == "" or erred or (not node.children and _did(node))


_BOOKKEEPING = ("logfire.", "code.", "thread.", "otel.")


def _tells(key: str) -> bool:
    """Whether an attribute says something of the work, not only where it was done."""
    return not key.startswith(_BOOKKEEPING)


def _did(frame: Node) -> bool:
    """Whether a frame that holds nothing did work, rather than pass state along."""
    reading = frame.reading
    if reading.input is None and reading.output is None:
        return False
    if reading.input == reading.output:
        return False
    if frame.parent is not None and frame.parent.kind == "tool":
        return False
    return not any(map(_is_state, (frame.asked, frame.answered)))


def _is_state(said: Said) -> bool:
    """Messages and printed objects are what a framework hands from step to step."""
    if said.holds_messages or is_dump(said):
        return True
    return isinstance(said.value, str) and " object at 0x" in said.value
