"""xpander.ai's records that are no part of a run: results of single calls, settings.

They have fields and JSON, but nothing converts them to spans.

Source: xpander.ai's SDK types reference; xpander-sdk 2.0.537.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import other_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ToolInvocationResult:
    """The result of one tool call.

    The reference requires `result`, `is_success`, `error` and `execution_time`; the
    package has `result`, `is_success` and the fields from `tool_id` on. All are
    optional here, so that either form can be read.

    Args:
        error: why it failed; of the reference, as is `execution_time` (seconds).
        tool_id: the tool's name; of the package, as all that follows.
    """

    result: Any = None
    is_success: bool = False
    error: str | None = None
    execution_time: float | None = None
    tool_id: str | None = None
    tool_call_id: str | None = None
    task_id: str | None = None
    payload: Any = None
    status_code: int | None = 200
    is_error: bool = False
    is_local: bool = False
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class KnowledgeBaseDocumentItem:
    """A document in a knowledge base; `added_at` is ISO 8601."""

    id: str
    document_url: str
    added_at: str
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class KnowledgeBaseSearchResult:
    """A passage found in a knowledge base; `score` from 0 to 1."""

    content: str
    score: float
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgnoToolCallsCompressionSettings:
    """How tool calls of the past are shortened."""

    enabled: bool = False
    threshold: int = 3
    instructions: str = ""
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgnoSettings:
    """Settings of the Agno framework; defaults are the reference's."""

    session_storage: bool = True
    learning: bool = False
    agent_memories: bool = False
    user_memories: bool = False
    agentic_memory: bool = False
    agentic_culture: bool = False
    session_summaries: bool = False
    num_history_runs: int = 3
    max_tool_calls_from_history: int = 0
    tool_call_limit: int | None = None
    coordinate_mode: bool = False
    pii_detection_enabled: bool = False
    pii_detection_mask: bool = True
    prompt_injection_detection_enabled: bool = False
    openai_moderation_enabled: bool = False
    openai_moderation_categories: tuple[str, ...] | None = None
    reasoning_tools_enabled: bool = False
    tool_calls_compression: AgnoToolCallsCompressionSettings | None = None
    other: Mapping[str, Any] = other_keys()
