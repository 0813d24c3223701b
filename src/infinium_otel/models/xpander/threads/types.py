"""xpander.ai's activity thread and its entries, field for field: see `tasks`.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import (
    OMIT_NULL,
    empty_mapping,
    other_keys,
    when_missing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.xpander.tasks import Task, User


@dataclass(frozen=True, slots=True)
class ToolCallRequestReasoning:
    """Why a tool was called."""

    title: str | None = None
    description: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadMessageContent:
    """The content of a message."""

    text: str | None = None
    files: tuple[str, ...] = ()
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadMessage:
    """A message of the user or of the agent; `role` is "user" or "agent"."""

    id: str
    created_at: str
    role: str
    content: AgentActivityThreadMessageContent = field(
        metadata=when_missing(AgentActivityThreadMessageContent)
    )
    sub_execution_result: bool = False
    user: User | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadToolCall:
    """A tool's call and its result; `payload` is its input."""

    id: str
    created_at: str
    tool_name: str
    payload: Any = field(metadata=when_missing(lambda: None))
    is_error: bool = False
    reasoning: ToolCallRequestReasoning | None = None
    result: Any = None
    plan_task_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadReasoning:
    """A thought; `type` is "think" or "analyze", `confidence` from 0 to 1."""

    id: str
    created_at: str
    type: str
    title: str
    confidence: float
    thought: str | None = None
    action: str | None = None
    result: str | None = None
    analysis: str | None = None
    plan_task_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadSubAgentTrigger:
    """A call of another agent."""

    id: str
    created_at: str
    agent_id: str
    reasoning: ToolCallRequestReasoning = field(
        default_factory=ToolCallRequestReasoning
    )
    query: str | None = None
    files: tuple[str, ...] = ()
    plan_task_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadAuth:
    """A sign-in to a tool's server; `data` may hold a token and is in no repr or span."""

    id: str
    created_at: str
    type: str
    data: Mapping[str, Any] = field(default_factory=empty_mapping, repr=False)
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadGatewayDecision:
    """The decision of a gateway.

    Args:
        action: create_execution, ask_execution, stop_execution, continue_execution or
            get_executions_result; each has further keys, kept in `other`.
    """

    id: str
    created_at: str
    action: str
    reasoning: str
    agent_id: str | None = None
    title: str = ""
    description: str = ""
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadOtherEntry:
    """An entry of unknown kind, with all its keys."""

    id: str | None = None
    created_at: str | None = None
    agent_id: str | None = None
    other: Mapping[str, Any] = other_keys()


Entry = (
    AgentActivityThreadMessage
    | AgentActivityThreadToolCall
    | AgentActivityThreadReasoning
    | AgentActivityThreadSubAgentTrigger
    | AgentActivityThreadAuth
    | AgentActivityThreadGatewayDecision
    | AgentActivityThreadOtherEntry
)


@dataclass(frozen=True, slots=True)
class AgentActivityThread:
    """The activity of a task, in order.

    Args:
        messages: the entries; JSON has no key for their kind, so it is recognized by
            the other keys.
        task: our addition, for what a thread has no field for: status, tokens, times.
            xpander ignores it.
        otel: facts of spans that xpander has no field for, for an exact way back;
            ignored in comparisons and by xpander.
    """

    id: str
    created_at: str
    messages: tuple[Entry, ...] = field(metadata=when_missing(tuple))
    user: User | None = None
    task: Task | None = field(default=None, metadata=OMIT_NULL)
    otel: Mapping[str, Any] = field(
        default_factory=empty_mapping, compare=False, repr=False
    )
    other: Mapping[str, Any] = other_keys()
