"""HUD's types as its 0.4 releases have them.

Source: hud-python 0.4.74, hud/types.py; `Task.system_prompt` as in 0.4.45.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from infinium_otel.models.documents import empty_mapping, fill, load_each, other_keys
from infinium_otel.models.hud.mcp import MCPToolCall, tool_call_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class AgentType(str, Enum):
    """HUD's own agents."""

    CLAUDE = "claude"
    OPENAI = "openai"
    OPERATOR = "operator"
    GEMINI = "gemini"
    GEMINI_CUA = "gemini_cua"
    OPENAI_COMPATIBLE = "openai_compatible"
    INTEGRATION_TEST = "integration_test"


@dataclass(frozen=True, slots=True)
class BaseAgentConfig:
    """The agent's configuration, as far as a task can override it."""

    closed: ClassVar[bool] = True

    allowed_tools: tuple[str, ...] | None = None
    disallowed_tools: tuple[str, ...] | None = None
    response_tool_name: str | None = None
    system_prompt: str | None = None
    append_setup_output: bool = True
    initial_screenshot: bool = True
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is to do, and in which environment.

    Args:
        mcp_config: the servers by name; without credentials if it was read from spans.
        setup_tool: a call, a list of calls, or HUD's shorthand for either.
        evaluate_tool: in the same form as `setup_tool`.
    """

    prompt: str
    mcp_config: Mapping[str, Any]
    id: str | None = None
    system_prompt: str | None = None
    setup_tool: Any = None
    evaluate_tool: Any = None
    integration_test_tool: Any = None
    agent_config: BaseAgentConfig | None = None
    metadata: Mapping[str, Any] = field(default_factory=empty_mapping)
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentResponse:
    """One response of the model."""

    tool_calls: tuple[MCPToolCall, ...] = ()
    done: bool = False
    content: str | None = None
    reasoning: str | None = None
    info: Mapping[str, Any] = field(default_factory=empty_mapping)
    isError: bool = False  # noqa: N815 - HUD's own name
    raw: Any = None
    start_timestamp: str | None = None
    end_timestamp: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One span of a run; all other attributes of the span are in `other`.

    Args:
        category: "mcp", "agent", "function" or the user's own word.
        request: the input, as JSON.
        result: the output: JSON, or an `AgentResponse` or `MCPToolResult`.
        type: the span's kind in capitals.
        start_timestamp: ISO 8601, as is `end_timestamp`.
    """

    task_run_id: str | None = None
    job_id: str | None = None
    category: str = "mcp"
    request: Any = None
    result: Any = None
    type: str = "CLIENT"
    start_timestamp: str | None = None
    end_timestamp: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Trace:
    """The result of one run.

    Args:
        reward: 0 to 1.
        messages: the conversation in the provider's own format.
        trace: the steps; empty if HUD did not trace.
    """

    reward: float = 0.0
    done: bool = True
    info: Mapping[str, Any] = field(default_factory=empty_mapping)
    content: str | None = None
    isError: bool = False  # noqa: N815 - HUD's own name
    task: Task | None = None
    trace: tuple[TraceStep, ...] = ()
    messages: tuple[Any, ...] = ()
    other: Mapping[str, Any] = other_keys()


def trace_of(value: Any) -> Trace:
    """A trace from its JSON."""
    return fill(Trace, value, task=task_of, trace=load_each(step_of))


def step_of(value: Any) -> TraceStep:
    """A step from its JSON."""
    return fill(TraceStep, value)


def response_of(value: Any) -> AgentResponse:
    """A model's response from its JSON."""
    return fill(AgentResponse, value, tool_calls=load_each(tool_call_of))


def task_of(value: Any) -> Task:
    """A task from its JSON."""
    return fill(Task, value, agent_config=agent_config_of)


def agent_config_of(value: Any) -> BaseAgentConfig:
    """An agent configuration from its JSON."""
    return fill(BaseAgentConfig, value)
