"""Which spans are steps, and which only add to another one.

Transport spans fold into the call or tool they serve; the layers of one tool call
(framework, MCP client, MCP server) fold into the outermost.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.content_texts import is_dump, join_texts
from infinium_otel.mapping.domains import is_same_tool_name
from infinium_otel.mapping.failure_reports import has_no_message
from infinium_otel.mapping.frames import has_matter, has_own_matter, is_frame
from infinium_otel.mapping.merging import merge, merge_failures
from infinium_otel.mapping.previews import is_vector
from infinium_otel.mapping.tree import INVOCATIONS

if TYPE_CHECKING:
    from infinium_otel.mapping.decoded_content import DecodedContent
    from infinium_otel.mapping.tree import Node

TRANSPORT = frozenset({"http", "db", "messaging", "mcp"})
STEP_KINDS = INVOCATIONS | {
    "refused",
    "retrieval",
    "planning",
    "handoff",
    "guardrail",
    "evaluator",
    "memory",
}
RELAY = "relay"
"""A span that passes a call on to another server, where it may have another name."""
NON_STEP_KINDS = frozenset({"lifecycle", "messaging", "waiting", RELAY})
HTTP_ERROR = 400


def fold_tools(nodes: list[Node]) -> None:
    """Keep the outermost span of each call or fetch; merge its layers into it."""
    for node in nodes:
        if not node.folded and (node.kind == "tool" or _is_fetch(node)):
            for report in (node, *node.members):
                for layer in _find_layers(report):
                    node.span = merge(node.span, layer.span)
                    layer.fold_into(node)


def fold_retrievals(nodes: list[Node]) -> None:
    """Merge a retrieval into the one around it, if that contains exactly one."""
    for node in reversed(nodes):
        if node.kind == "retrieval":
            inner = _find_layers(node, most=2)
            if len(inner) == 1:
                node.span = merge(node.span, inner[0].span)
                inner[0].fold_into(node)


def fold_guardrails(nodes: list[Node]) -> None:
    """Merge the action of a guardrail, which has no name, into the named one around it."""
    for node in nodes:
        inner = [child for child in node.children if child.kind == "guardrail"]
        if node.kind == "guardrail" and _is_one_check(node, inner):
            node.span = merge(node.span, inner[0].span)
            inner[0].fold_into(node)


def _is_one_check(node: Node, inner: list[Node]) -> bool:
    if len(inner) != 1 or node.parent is None:
        return False
    return node.span.label is not None and inner[0].span.label is None


def complete_retrievals(nodes: list[Node]) -> None:
    """Add the query to a search by vector: the text that was embedded just before it."""
    embedded: dict[int, Node] = {}
    for node in nodes:
        if node.kind == "embedding" and not node.folded:
            embedded[id(node.nearest_actor)] = node
        elif node.kind == "retrieval" and _has_no_query(node):
            query = embedded.get(id(node.nearest_actor))
            if query is not None and query.end_ns <= node.start_ns:
                node.span = replace(node.span, input=join_texts(query.input_content))


def _has_no_query(node: Node) -> bool:
    """Whether nothing but the vector to search for was recorded of the query."""
    return node.span.input is None or is_vector(node.input_content.decoded)


def _find_layers(outer: Node, most: float = inf) -> list[Node]:
    """Spans below *outer* that report the same call; below a relay its name may differ."""
    found: list[Node] = []
    waiting = list(outer.children)
    while waiting and len(found) < most:
        node = waiting.pop()
        if node.kind in CALLS or node.kind == "agent" or node.folded:
            continue
        if node.kind in (outer.kind, RELAY):
            if not (_is_relayed(node) or _is_same_tool_call(outer, node)):
                continue
            found.append(node)
        waiting.extend(node.children)
    return found


def _is_relayed(node: Node) -> bool:
    return RELAY in (node.kind, node.parent and node.parent.kind)


def _is_same_tool_call(outer: Node, inner: Node) -> bool:
    if outer.kind == "mcp":
        one, other = outer.span, inner.span
        fetched = one.input, other.input
        return one.operation == other.operation and (
            None in fetched or fetched[0] == fetched[1]
        )
    names = outer.span.tool_name, inner.span.tool_name
    ids = outer.span.tool_call_id, inner.span.tool_call_id
    if all(ids) and ids[0] != ids[1]:
        return False
    if inner.span.operation == "tools/call" and _is_prefixed(*names):
        return True
    return not all(names) or is_same_tool_name(names[0] or "", names[1] or "")


def _is_prefixed(outer: str | None, inner: str | None) -> bool:
    """Whether a client has put a server's name before the tool's: `files_read`."""
    return outer is not None and inner is not None and outer.endswith(f"_{inner}")


def fold_agents(nodes: list[Node]) -> None:
    """Merge an agent reported twice in a row, or by a tool of its name, into one.

    Several agents of one name below an agent of that name are its iterations, which stay.
    """
    same: list[tuple[Node, Node]] = []
    iterations: dict[int, int] = {}
    for node in nodes:
        if node.kind == "agent" and not node.folded:
            above = _find_same_agent(node)
            if above is not None:
                same.append((above, node))
                iterations[id(above)] = iterations.get(id(above), 0) + 1
    for above, node in same:
        if iterations[id(above)] == 1 or above.kind == "tool":
            _merge_agent(above, node)


def _find_same_agent(agent: Node) -> Node | None:
    """The span above that reports the same agent, with no work in between."""
    actor = agent.nearest_actor
    if actor is None:
        return None
    if actor.kind == "agent":
        return actor if actor.span.agent_name == agent.span.agent_name else None
    is_agent_tool = actor.kind == "tool" and actor.span.tool_name == agent.record.name
    return actor if is_agent_tool else None


def _merge_agent(above: Node, agent: Node) -> None:
    if above.kind == "agent":
        above.span = merge(above.span, agent.span)
    agent.fold_into(above)


def fold_transport(nodes: list[Node]) -> None:
    """Fold HTTP and database spans into the call or tool they served."""
    last: dict[int, tuple[Node, Node]] = {}
    for node in nodes:
        if node.kind in TRANSPORT and not node.folded:
            caller = node.nearest_call
            if caller is not None:
                caller = caller.representative
                _fold_transport_span(caller, node)
                last[id(caller)] = caller, node
    for caller, attempt in last.values():
        _explain_failure(caller, attempt)


def _explain_failure(caller: Node, attempt: Node) -> None:
    """Let a call that only says that it failed say what its last attempt does."""
    failure, cause = caller.span.failure, attempt.span.failure
    if failure is None or cause is None or failure.handled:
        return
    if has_no_message(failure) and not has_no_message(cause):
        merged = merge_failures(failure, cause)
        failure = merged and replace(merged, message=cause.message)
        caller.span = replace(caller.span, failure=failure)


def _fold_transport_span(caller: Node, transport: Node) -> None:
    """Fold *transport* into *caller*.

    The last attempt's status is the call's; failed attempts before it are retries.
    """
    status = transport.span.http_status
    span = caller.span
    if status is not None and transport.kind == "http":
        before = span.extra.get("http.attempts", 0)
        retries = max(before, span.retry_count or 0)
        caller.span = replace(
            span,
            http_status=status,
            retry_count=retries or None,
            extra={**span.extra, "http.attempts": before + 1}
            if status >= HTTP_ERROR
            else span.extra,
        )
    transport.fold_into(caller)


def is_step(node: Node, *, has_error: bool, everything: bool) -> bool:
    """Whether *node* is something the agent did, rather than a frame around it.

    The root is the task itself: it is a step only if it is a call or a tool, or for what
    it alone reports.

    Args:
        has_error: whether it has an error that no span below reports.
        everything: whether transport spans are steps too (`Config.include`).
    """
    if node.folded or node.kind in NON_STEP_KINDS:
        return False
    if node.parent is None and node.kind not in INVOCATIONS and node.children:
        return node.kind == "" and has_own_matter(node)
    if node.kind in STEP_KINDS:
        return True
    if node.kind == "mcp":
        return _is_fetch(node)
    if node.kind in TRANSPORT:
        return everything or (has_error and node.parent is not None)
    return _is_plain_step(node, has_error=has_error)


def _is_fetch(node: Node) -> bool:
    return node.kind == "mcp" and node.span.operation in (
        "resources/read",
        "prompts/get",
    )


def _is_plain_step(node: Node, *, has_error: bool) -> bool:
    """Unknown spans are kept; known frames only if they have no children, or an error."""
    if node.parent is None:
        return node.kind == "" and has_matter(node)
    if node.kind == "agent":
        return bool(node.span.agent_name)
    if has_error:
        return True
    if node.kind == "":
        return not is_frame(node)
    return not node.children and _did_work(node)


def _did_work(frame: Node) -> bool:
    """Whether a frame without children did work, rather than pass state along."""
    span = frame.span
    if span.input is None and span.output is None:
        return False
    if span.input == span.output:
        return False
    if frame.parent is not None and frame.parent.kind == "tool":
        return False
    return not any(map(_is_state, (frame.input_content, frame.output_content)))


def _is_state(content: DecodedContent) -> bool:
    """Whether *content* is what frameworks pass between steps: messages, printed objects."""
    if content.has_messages or is_dump(content):
        return True
    return isinstance(content.value, str) and " object at 0x" in content.value
