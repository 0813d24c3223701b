"""xpander.ai's records of a task as a whole, field for field.

Where xpander has an enumeration the field is a string, so that values of a newer
platform are kept; a member of the enumeration is accepted too, as is a `datetime` where
a field holds ISO 8601 text. Unknown keys are kept in `other`; xpander ignores them.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models.documents import OMIT_NULL, other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class User:
    """The user a run was for; xpander requires `email`."""

    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = field(default=None, metadata=OMIT_NULL)
    additional_attributes: Mapping[str, Any] | None = None
    timezone: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentExecutionInput:
    """A task's input: a text, the URLs of files, or both.

    xpander requires a text or files. An input with only a user is accepted here, because
    a record of a task may lack its text.

    Raises:
        InfiniumError: nothing is provided.
    """

    text: str | None = ""
    files: tuple[str, ...] = ()
    user: User | None = None
    other: Mapping[str, Any] = other_keys()

    def __post_init__(self) -> None:
        if not self.text and not self.files and self.user is None:
            raise InfiniumError("text or files must be provided", field="text")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of a whole task.

    `total_tokens` is computed by xpander and is not a field.
    """

    completion_tokens: int = 0
    prompt_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Task:
    """A run of an agent.

    Only `id` is required here. xpander also requires `agent_id`, `organization_id`,
    `created_at` and `input`; they are None where spans do not contain them.
    """

    id: str
    agent_id: str | None = field(default=None, metadata=OMIT_NULL)
    organization_id: str | None = field(default=None, metadata=OMIT_NULL)
    input: AgentExecutionInput | None = field(default=None, metadata=OMIT_NULL)
    status: str | None = "pending"
    internal_status: str | None = None
    last_executed_node_id: str | None = None
    agent_version: str | None = None
    created_at: str | None = field(default=None, metadata=OMIT_NULL)
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
    deep_planning: Mapping[str, Any] | None = field(default=None, metadata=OMIT_NULL)
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
class TaskReportRequest:
    """A run that took place outside xpander, as its API accepts it.

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
