"""xpander.ai's activity thread and its entries, field for field: see `tasks`.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import UNSAID, nothing, other_keys

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
    """What a message says."""

    text: str | None = None
    files: tuple[str, ...] = ()
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadMessage:
    """Something the user or the agent said; `role` is "user" or "agent"."""

    id: str
    created_at: str
    role: str
    content: AgentActivityThreadMessageContent = field(
        default_factory=AgentActivityThreadMessageContent
    )
    sub_execution_result: bool = False
    user: User | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadToolCall:
    """A tool's call and its result; `payload` is what it was given."""

    id: str
    created_at: str
    tool_name: str
    payload: Any = None
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
    """The call of another agent."""

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
    """A sign-in to a tool's server; `data` may hold a token and is never shown."""

    id: str
    created_at: str
    type: str
    data: Mapping[str, Any] = field(default_factory=nothing, repr=False)
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentActivityThreadGatewayDecision:
    """What a gateway decided.

    Args:
        action: create_execution, ask_execution, stop_execution, continue_execution or
            get_executions_result; each has further keys, which stand in `other`.
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
    """An entry of no kind that is known; it is kept whole."""

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
    """All that happened in a task, in order.

    Args:
        messages: the entries; a key of an entry that tells its kind is missing, so
            each is told by what it holds.
        task: ours, for what a thread has no word for: status, tokens, times. xpander
            ignores it.
        otel: what spans said that xpander has no word for, so that the way back is
            exact; compares equal to any other, and xpander ignores it.
    """

    id: str
    created_at: str
    messages: tuple[Entry, ...] = ()
    user: User | None = None
    task: Task | None = field(default=None, metadata=UNSAID)
    otel: Mapping[str, Any] = field(default_factory=nothing, compare=False, repr=False)
    other: Mapping[str, Any] = other_keys()
