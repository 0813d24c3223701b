"""Infinium's types, field for field those of the vendor's SDK, and their JSON.

Source: infinium-o2 1.2.0, `infinium.types` and `infinium.client`.
"""

from infinium_otel.taskdata.coercion import coerce, task_from_dict
from infinium_otel.taskdata.encoding import task_to_dict
from infinium_otel.taskdata.types import (
    SECTIONS,
    ApiResponse,
    BatchResult,
    Content,
    Customer,
    Development,
    EnvironmentContext,
    ErrorDetail,
    ExecutionStep,
    Executive,
    ExpectedOutcome,
    General,
    LlmCall,
    LlmUsage,
    Marketing,
    Project,
    PromptContent,
    Research,
    Sales,
    Support,
    TaskData,
    Texts,
    TimeTracking,
    ToolCall,
)
from infinium_otel.taskdata.values import plain, text

__all__ = [
    "SECTIONS",
    "ApiResponse",
    "BatchResult",
    "Content",
    "Customer",
    "Development",
    "EnvironmentContext",
    "ErrorDetail",
    "ExecutionStep",
    "Executive",
    "ExpectedOutcome",
    "General",
    "LlmCall",
    "LlmUsage",
    "Marketing",
    "Project",
    "PromptContent",
    "Research",
    "Sales",
    "Support",
    "TaskData",
    "Texts",
    "TimeTracking",
    "ToolCall",
    "coerce",
    "plain",
    "task_from_dict",
    "task_to_dict",
    "text",
]
