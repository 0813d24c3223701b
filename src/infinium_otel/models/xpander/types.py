"""xpander.ai's records of a run, field for field.

Where xpander has an enumeration the field is its text, so that a value of a newer
platform is kept. Keys a class has no word for are kept in `other`; xpander ignores
them.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import nothing, other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


_UNSAID = {"unsaid": True}
# Where xpander requires a field and spans may not know it, it is never written as null.


@dataclass(frozen=True, slots=True)
class User:
    """Whom a run was for; xpander requires `email`."""

    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = field(default=None, metadata=_UNSAID)
    additional_attributes: Mapping[str, Any] | None = None
    timezone: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentExecutionInput:
    """What a task was asked: a text, the addresses of files, or both."""

    text: str | None = ""
    files: tuple[str, ...] = ()
    user: User | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of a whole task.

    `total_tokens`, which xpander computes, is not among them.
    """

    completion_tokens: int = 0
    prompt_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ToolCallRequestReasoning:
    """Why a tool was called."""

    title: str | None = None
    description: str | None = None
    other: Mapping[str, Any] = other_keys()


# The activity thread


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
class Task:
    """A run of an agent.

    Of a real task only `id` is certain here: `agent_id`, `organization_id`,
    `created_at` and `input`, which xpander requires, are None where spans do not say.
    """

    id: str
    agent_id: str | None = field(default=None, metadata=_UNSAID)
    organization_id: str | None = field(default=None, metadata=_UNSAID)
    input: AgentExecutionInput | None = field(default=None, metadata=_UNSAID)
    status: str | None = "pending"
    internal_status: str | None = None
    last_executed_node_id: str | None = None
    agent_version: str | None = None
    created_at: str | None = field(default=None, metadata=_UNSAID)
    started_at: str | None = None
    paused_at: str | None = None
    finished_at: str | None = None
    result: str | None = None
    parent_execution: str | None = None
    conversation_id: str | None = None
    conversation_kind: str | None = None
    sub_executions: tuple[str, ...] = ()
    should_update_parent: bool = False
    is_manually_stopped: bool = False
    payload_extension: Mapping[str, Any] | None = None
    execution_kind: str | None = None
    hitl_request: Mapping[str, Any] | None = None
    pending_eca_request: Mapping[str, Any] | None = field(default=None, repr=False)
    source: str | None = None
    voice_id: str | None = None
    output_format: str | None = None
    output_schema: Mapping[str, Any] | None = None
    events_streaming: bool = False
    is_orchestration: bool = False
    is_gateway: bool = False
    is_app: bool = False
    background_auth_eligible: bool = False
    additional_context: str | None = None
    tool_call_limit: int | None = None
    instructions_override: str | None = None
    test_run_node_id: str | None = None
    user_oidc_token: str | None = field(default=None, repr=False)
    expected_output: str | None = None
    mcp_servers: tuple[Any, ...] = field(default=(), repr=False)
    triggering_agent_id: str | None = None
    title: str | None = None
    think_mode: str | None = "default"
    disable_attachment_injection: bool = False
    user_tokens: Mapping[str, Any] | None = field(default=None, repr=False)
    deep_planning: Mapping[str, Any] | None = field(default=None, metadata=_UNSAID)
    must_deep_plan: bool = False
    execution_attempts: int = 1
    return_metrics: bool = False
    llm_model_provider: str | None = None
    llm_model_name: str | None = None
    llm_reasoning_effort: str | None = None
    harness_cli: str | None = None
    permission_mode: str | None = None
    tokens: Tokens | None = None
    used_tools: tuple[str, ...] = ()
    duration: float = 0
    other: Mapping[str, Any] = other_keys()


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
    task: Task | None = field(default=None, metadata={"unsaid": True})
    otel: Mapping[str, Any] = field(default_factory=nothing, compare=False, repr=False)
    other: Mapping[str, Any] = other_keys()


# The event stream


@dataclass(frozen=True, slots=True)
class _ToolEvent:
    """What a tool's request and its result both say."""

    request_id: str
    operation_id: str
    tool_call_id: str | None = None
    graph_node_id: str | None = None
    tool_name: str | None = None
    payload: Any = None
    reasoning: ToolCallRequestReasoning | None = None
    plan_task_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ToolCallRequest(_ToolEvent):
    """A tool is asked for."""


@dataclass(frozen=True, slots=True)
class ToolCallResult(_ToolEvent):
    """A tool has answered the request of the same `request_id`."""

    result: Any = None
    is_error: bool = False
    approval_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TaskUpdateEvent:
    """Something that happened in a task.

    Args:
        type: a `TaskUpdateEventType`.
        time: ISO 8601.
        data: a `ToolCallRequest` or `ToolCallResult` where it is one, else JSON.
    """

    type: str
    task_id: str
    organization_id: str | None = field(default=None, metadata=_UNSAID)
    time: str | None = field(default=None, metadata=_UNSAID)
    data: Any = field(default=None, repr=False)
    identity: Mapping[str, Any] | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class EventStream:
    """The events of a task, in order; the container is ours."""

    events: tuple[TaskUpdateEvent, ...] = ()
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class TaskReportRequest:
    """A run that took place outside xpander, as its API takes it.

    Args:
        duration: seconds.
    """

    id: str | None = None
    input: str | None = None
    llm_response: Any = None
    tokens: Tokens | None = None
    is_success: bool = True
    result: str | None = None
    duration: float = 0
    used_tools: tuple[str, ...] = ()
    other: Mapping[str, Any] = other_keys()
