"""Agents in OpenInference's spans: which spans are one, and what it is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import member, text
from infinium_otel.dialects._facts import put
from infinium_otel.dialects._llama_index import find_current_agent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import SpanRecord


def refine_agent(record: SpanRecord, facts: Facts) -> None:
    """Correct AGENT where it is wrong.

    LangChain's callback writes it on every span with "agent" in its name, the Agents
    SDK's processor on the trace, which is the whole run.
    """
    attributes = record.attributes
    node = text(attributes.get("graph.node.id"))
    if _AGENTS_SDK.search(record.scope_name) and "agent_name" not in facts:
        if node is None:
            facts["kind"] = "workflow"
        else:
            facts["agent_name"] = node  # its ids are the agents' names
        return
    if "tool.name" in attributes:
        facts["kind"] = "tool"
        return
    put(facts, "weak_agent_name", _find_weak_name(record, node))
    running = _AGENT_NAME(attributes.get("metadata"))
    name = node or _strip_method(record.name)
    is_other = running not in (None, name)
    if "agent_name" not in facts and (is_other or _is_runnable(record)):
        del facts["kind"]
        facts["weak_kind"] = "step"
        facts["weak_agent_name"] = running


_AGENTS_SDK = re.compile(r"openai[-_.]?agents", re.IGNORECASE)
"""In the scopes of Python's and JavaScript's instrumentations."""
_LANGCHAIN = re.compile(r"instrumentation[-.]langchain", re.IGNORECASE)
_PART = re.compile(
    r"(Runnable|Prompt|Chat[A-Z]|Channel)\w*.*|\w+(Parser|Template|Prompt)(<.*)?|\w+<.*>"
)
"""Class names of LangChain's prompts, parsers and runnables."""
_CALLED = re.compile(r"(?:invoke_agent|ai\.(?:generate|stream)(?:Text|Object)) (.+)")
_METHOD = re.compile(
    r"\.(?:a?run|a?run_stream(?:ed|ing)?|a?invoke|__call__|query|a?kickoff)$"
)
_GENERATED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{16}|\d{6}")


def _is_runnable(record: SpanRecord) -> bool:
    """Whether LangChain's callback called it an agent only for a word in its class."""
    is_langchain = _LANGCHAIN.search(record.scope_name) is not None
    if not is_langchain:
        return False
    return record.name == _MODEL_NODE or _PART.fullmatch(record.name) is not None


_MODEL_NODE = "agent"
"""The node that asks the model, in the agent that LangGraph had until 1.0.

Source: langgraph 0.6, `prebuilt.chat_agent_executor.create_react_agent`.
"""


def _strip_method(name: str) -> str | None:
    return text(_METHOD.sub("", name))


def _find_weak_name(record: SpanRecord, node: str | None) -> str | None:
    """An agent's name from its node or its span's name; not from a generated id."""
    called = _CALLED.fullmatch(record.name)
    if called:
        return called[1].strip()
    if node is not None and not _GENERATED.search(node):
        return node
    return _strip_method(record.name)


_AGENT_NAME = member("lc_agent_name", text)


def put_running_agent(attributes: Mapping[str, Any], facts: Facts) -> None:
    """Add the agent of a LlamaIndex workflow, from what its steps take and return."""
    for key in ("output.value", "input.value"):
        name = find_current_agent(attributes.get(key))
        if name:
            facts.setdefault("agent_name", name)
            break
