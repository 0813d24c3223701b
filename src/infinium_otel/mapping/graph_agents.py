"""Agents that are graphs: LangChain's have no span of their own kind.

Source: langchain 1.x (`create_agent`) and langgraph (`create_react_agent`): a graph with
the nodes "model" (before 1.0 "agent") and "tools", whose state holds the messages. Tracers
of LangChain's callbacks report it as a chain with the agent's name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node

FRAMES = frozenset({"workflow", "step", ""})
MODEL_NODES = frozenset({"model", "agent"})
UNNAMED = frozenset({"LangGraph", "CompiledStateGraph", "CHAIN", "graph"})
"""What a graph without a name is called."""


def name_graph_agents(nodes: list[Node]) -> None:
    """Give each graph that is an agent its span's name as the agent's."""
    for node in nodes:
        graph = node.parent
        if (
            node.record.name in MODEL_NODES
            and graph is not None
            and _is_nameless_graph(graph)
            and any(below.kind in CALLS for below in node.children)
            and graph.input_content.has_messages
        ):
            name = graph.record.name
            graph.span = replace(
                graph.span, agent_name=name, weak=(*graph.span.weak, "agent_name")
            )


def _is_nameless_graph(graph: Node) -> bool:
    return (
        graph.kind in FRAMES
        and graph.span.agent_name is None
        and graph.record.name not in UNNAMED
    )
