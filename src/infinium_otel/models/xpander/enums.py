"""xpander.ai's enumerations.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from enum import Enum


class AgentExecutionStatus(str, Enum):
    """The state of a task."""

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
    """The format of a task's result.

    `Html` is in the reference but not in xpander-sdk 2.0.537; `Voice` only in the latter.
    """

    Text = "text"
    Json = "json"
    Markdown = "markdown"
    Html = "html"
    Voice = "voice"


class AgentActivityThreadReasoningType(str, Enum):
    """The kind of a thought."""

    Think = "think"
    Analyze = "analyze"


class MCPOAuthResponseType(str, Enum):
    """The state of a sign-in."""

    NOT_SUPPORTED = "not_supported"
    LOGIN_REQUIRED = "login_required"
    TOKEN_ISSUE = "token_issue"  # noqa: S105 - the platform's word, not a token
    TOKEN_READY = "token_ready"  # noqa: S105 - the platform's word, not a token


class TaskUpdateEventType(str, Enum):
    """The kind of an event; all but six were added after the reference."""

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
"""The actions of a gateway's entries."""
