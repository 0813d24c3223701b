"""xpander.ai's enumerations.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from enum import Enum


class AgentExecutionStatus(str, Enum):
    """Where a task stands."""

    Pending = "pending"
    Executing = "executing"
    Paused = "paused"
    Error = "error"
    Failed = "failed"
    Completed = "completed"
    Stopped = "stopped"


class AgentDeploymentType(str, Enum):
    """Where an agent runs."""

    Serverless = "serverless"
    Container = "container"


class OutputFormat(str, Enum):
    """What a task's result is; `html` of the reference is gone in 2.0.537, `voice` new."""

    Text = "text"
    Json = "json"
    Markdown = "markdown"
    Html = "html"
    Voice = "voice"


class AgentActivityThreadReasoningType(str, Enum):
    """What kind of thought."""

    Think = "think"
    Analyze = "analyze"


class MCPOAuthResponseType(str, Enum):
    """What became of a sign-in."""

    NOT_SUPPORTED = "not_supported"
    LOGIN_REQUIRED = "login_required"
    TOKEN_ISSUE = "token_issue"  # noqa: S105 - the platform's word, no token
    TOKEN_READY = "token_ready"  # noqa: S105 - the platform's word, no token


class TaskUpdateEventType(str, Enum):
    """What an event tells; all but six are newer than the reference."""

    Connected = "connected"
    TaskCreated = "task_created"
    TaskUpdated = "task_updated"
    TaskFinished = "task_finished"
    Chunk = "chunk"
    AuthEvent = "auth_event"
    ToolCallRequest = "tool_call_request"
    ToolCallResult = "tool_call_result"
    SubAgentTrigger = "sub_agent_trigger"
    Think = "think"
    Analyze = "analyze"
    PlanUpdated = "plan_updated"
    TaskCompactization = "task_compactization"
    ContextStatus = "context_status"
    AgentGatewayDecision = "agent_gateway_decision"
    ProcessStateChanged = "process_state_changed"
    ProcessUpdate = "process_update"
    GatewaySteerApplied = "gateway_steer_applied"
    AskUserQuestions = "ask_user_questions"
    SubTaskCreated = "sub_task_created"
    SubTaskUpdated = "sub_task_updated"
    SubTaskFinished = "sub_task_finished"
    InviteMember = "invite_member"
    MemberInvited = "member_invited"
    AskForSecret = "ask_for_secret"
    SecretSaved = "secret_saved"
    LiveSurfaceCreated = "live_surface_created"
    InlineCard = "inline_card"


GATEWAY_ACTIONS = frozenset(
    {
        "create_execution",
        "ask_execution",
        "stop_execution",
        "continue_execution",
        "get_executions_result",
    }
)
"""What the entries of a gateway may be."""
