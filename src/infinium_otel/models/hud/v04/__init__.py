"""HUD's types as its 0.4 releases have them, and their conversion to and from spans."""

from __future__ import annotations

from infinium_otel.models.hud.mcp import (
    AudioContent,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    MCPToolCall,
    MCPToolResult,
    ResourceLink,
    TextContent,
    tool_call_of,
    tool_result_of,
)
from infinium_otel.models.hud.v04.types import (
    AgentResponse,
    AgentType,
    BaseAgentConfig,
    Task,
    Trace,
    TraceStep,
    agent_config_of,
    response_of,
    step_of,
    task_of,
    trace_of,
)

__all__ = [
    "AgentResponse",
    "AgentType",
    "AudioContent",
    "BaseAgentConfig",
    "ContentBlock",
    "EmbeddedResource",
    "ImageContent",
    "MCPToolCall",
    "MCPToolResult",
    "ResourceLink",
    "Task",
    "TextContent",
    "Trace",
    "TraceStep",
    "agent_config_of",
    "response_of",
    "step_of",
    "task_of",
    "tool_call_of",
    "tool_result_of",
    "trace_of",
]
