"""Letta's records of a run, field for field.

Where Letta has an enumeration the field is a string, so that values of newer servers
are kept; `dump` writes only what Letta's classes accept.

Source: letta 0.16.4 and 0.16.8, `letta.schemas`; letta-client 1.12.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

from infinium_otel.models.documents import OMIT_NULL, empty_mapping, other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


class StopReasonType(str, Enum):
    """Why a step ended; `insufficient_credits` is newer than 0.16.4."""

    end_turn = "end_turn"
    error = "error"
    llm_api_error = "llm_api_error"
    invalid_llm_response = "invalid_llm_response"
    invalid_tool_call = "invalid_tool_call"
    max_steps = "max_steps"
    max_tokens_exceeded = "max_tokens_exceeded"
    no_tool_call = "no_tool_call"
    tool_rule = "tool_rule"
    cancelled = "cancelled"
    insufficient_credits = "insufficient_credits"
    requires_approval = "requires_approval"
    context_window_overflow_in_system_prompt = (
        "context_window_overflow_in_system_prompt"
    )


class StepStatus(str, Enum):
    """The state of a step."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepProgression(IntEnum):
    """How far a step got; Letta does not store it."""

    START = 1
    STREAM_RECEIVED = 2
    RESPONSE_RECEIVED = 3
    STEP_LOGGED = 4
    LOGGED_TRACE = 5
    FINISHED = 6


class MessageRole(str, Enum):
    """The role of a message."""

    assistant = "assistant"
    user = "user"
    tool = "tool"
    function = "function"
    system = "system"
    approval = "approval"
    summary = "summary"


@dataclass(frozen=True, slots=True)
class ToolReturn:
    """The result of one tool.

    Args:
        status: "success" or "error".
        func_response: a string, or a list of content parts.
    """

    status: str
    tool_call_id: Any = None
    stdout: tuple[str, ...] | None = None
    stderr: tuple[str, ...] | None = None
    func_response: Any = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an agent.

    Args:
        id: `message-<uuid>`.
        role: a `MessageRole`.
        content: parts, each with a `type`.
        tool_calls: in OpenAI's form; `arguments` is JSON text.
        created_at: ISO 8601.
    """

    closed: ClassVar[bool] = True

    id: str
    role: str
    agent_id: str | None = None
    model: str | None = None
    content: tuple[Any, ...] | None = None
    name: str | None = None
    tool_calls: tuple[Any, ...] | None = None
    tool_call_id: str | None = None
    step_id: str | None = None
    run_id: str | None = None
    otid: str | None = None
    tool_returns: tuple[ToolReturn, ...] | None = None
    group_id: str | None = None
    sender_id: str | None = None
    batch_item_id: str | None = None
    conversation_id: str | None = None
    is_err: bool | None = None
    approval_request_id: str | None = None
    approve: bool | None = None
    denial_reason: str | None = None
    approvals: tuple[Any, ...] | None = None
    created_at: str | None = field(default=None, metadata=OMIT_NULL)
    created_by_id: str | None = None
    last_updated_by_id: str | None = None
    updated_at: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Step:
    """One model call of an agent, as the server stores it.

    It has no times: see `StepMetrics`. The four `NEWER_FIELDS` were added after 0.16.4.

    Args:
        id: `step-<uuid>`.
        trace_id: the OpenTelemetry trace id, 32 hex digits.
        stop_reason: a `StopReasonType`; None where more steps follow.
        feedback: "positive" or "negative".
        error_data: `{"message", "traceback", "details"}`.
        status: a `StepStatus`.
        messages: the step's messages; deprecated by Letta.
    """

    closed: ClassVar[bool] = True

    id: str
    origin: str | None = None
    organization_id: str | None = None
    provider_id: str | None = None
    run_id: str | None = None
    agent_id: str | None = None
    provider_name: str | None = None
    provider_category: str | None = None
    model: str | None = None
    model_handle: str | None = None
    model_endpoint: str | None = None
    context_window_limit: int | None = None
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    completion_tokens_details: Mapping[str, Any] | None = None
    prompt_tokens_details: Mapping[str, Any] | None = None
    stop_reason: str | None = None
    tags: tuple[str, ...] = ()
    tid: str | None = None
    trace_id: str | None = None
    request_id: str | None = None
    messages: tuple[Message, ...] = ()
    feedback: str | None = None
    project_id: str | None = None
    error_type: str | None = None
    error_data: Mapping[str, Any] | None = None
    status: str | None = "pending"
    other: Mapping[str, Any] = other_keys()


NEWER_FIELDS = frozenset(
    {"model_handle", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens"}
)


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """The start of a step and the durations of its parts, in ns.

    Args:
        id: the step's id.
        step_start_ns: ns since the epoch, as is `llm_request_start_ns`.
    """

    closed: ClassVar[bool] = True

    id: str
    organization_id: str | None = None
    provider_id: str | None = None
    run_id: str | None = None
    agent_id: str | None = None
    step_start_ns: int | None = None
    llm_request_start_ns: int | None = None
    llm_request_ns: int | None = None
    tool_execution_ns: int | None = None
    step_ns: int | None = None
    base_template_id: str | None = None
    template_id: str | None = None
    project_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ProviderTrace:
    """The raw request to a provider and its response.

    Args:
        id: `provider_trace-<uuid>`.
        created_at: ISO 8601.
    """

    closed: ClassVar[bool] = True

    id: str
    request_json: Mapping[str, Any] = field(default_factory=empty_mapping)
    response_json: Mapping[str, Any] = field(default_factory=empty_mapping)
    step_id: str | None = None
    agent_id: str | None = None
    agent_tags: tuple[str, ...] | None = None
    call_type: str | None = None
    run_id: str | None = None
    source: str | None = None
    org_id: str | None = None
    user_id: str | None = None
    compaction_settings: Mapping[str, Any] | None = None
    llm_config: Mapping[str, Any] | None = None
    billing_context: Mapping[str, Any] | None = None
    created_at: str | None = field(default=None, metadata=OMIT_NULL)
    created_by_id: str | None = None
    last_updated_by_id: str | None = None
    updated_at: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class StepLog:
    """One run: its steps and the records that belong to them.

    The container is ours; the records in it are Letta's.

    Args:
        otel: facts of spans that Letta has no field for, for an exact way back;
            ignored in comparisons.
    """

    steps: tuple[Step, ...] = ()
    metrics: tuple[StepMetrics, ...] = ()
    messages: tuple[Message, ...] = ()
    provider_traces: tuple[ProviderTrace, ...] = ()
    otel: Mapping[str, Any] = field(
        default_factory=empty_mapping, compare=False, repr=False
    )
    other: Mapping[str, Any] = other_keys()
