"""Delivers the agent runs your OpenTelemetry spans already describe to Infinium."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from infinium_otel.config import Config
    from infinium_otel.delivery.client import AsyncInfiniumClient, InfiniumClient
    from infinium_otel.errors import (
        AuthenticationError,
        BatchError,
        ClosedError,
        ConfigurationError,
        DecodingError,
        InfiniumError,
        InfiniumTimeoutError,
        MissingExtraError,
        NetworkError,
        NotFoundError,
        RateLimitError,
        ServerError,
        SpoolError,
        ValidationError,
    )
    from infinium_otel.exporter import (
        InfiniumLogExporter,
        InfiniumLogRecordProcessor,
        InfiniumSpanExporter,
        InfiniumSpanProcessor,
    )
    from infinium_otel.exporter.annotation import annotate
    from infinium_otel.exporter.prompts import PromptSpanProcessor, use_prompt
    from infinium_otel.exporter.registration import register
    from infinium_otel.otlp.files import load_otlp
    from infinium_otel.pipeline import spans_to_tasks
    from infinium_otel.runtime import Stats
    from infinium_otel.taskdata import (
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
        TimeTracking,
        ToolCall,
        task_from_dict,
        task_to_dict,
    )

__all__ = [
    "ApiResponse",
    "AsyncInfiniumClient",
    "AuthenticationError",
    "BatchError",
    "BatchResult",
    "ClosedError",
    "Config",
    "ConfigurationError",
    "Content",
    "Customer",
    "DecodingError",
    "Development",
    "EnvironmentContext",
    "ErrorDetail",
    "ExecutionStep",
    "Executive",
    "ExpectedOutcome",
    "General",
    "InfiniumClient",
    "InfiniumError",
    "InfiniumLogExporter",
    "InfiniumLogRecordProcessor",
    "InfiniumSpanExporter",
    "InfiniumSpanProcessor",
    "InfiniumTimeoutError",
    "LlmCall",
    "LlmUsage",
    "Marketing",
    "MissingExtraError",
    "NetworkError",
    "NotFoundError",
    "Project",
    "PromptContent",
    "PromptSpanProcessor",
    "RateLimitError",
    "Research",
    "Sales",
    "ServerError",
    "SpoolError",
    "Stats",
    "Support",
    "TaskData",
    "TimeTracking",
    "ToolCall",
    "ValidationError",
    "annotate",
    "load_otlp",
    "register",
    "spans_to_tasks",
    "task_from_dict",
    "task_to_dict",
    "use_prompt",
]

# The home of each name that is not in `taskdata` or `errors`. Imported on first use,
# so that importing the package costs the host next to nothing.
_HOMES = {
    "AsyncInfiniumClient": "delivery.client",
    "Config": "config",
    "InfiniumClient": "delivery.client",
    "InfiniumLogExporter": "exporter",
    "InfiniumLogRecordProcessor": "exporter",
    "InfiniumSpanExporter": "exporter",
    "InfiniumSpanProcessor": "exporter",
    "PromptSpanProcessor": "exporter.prompts",
    "Stats": "runtime",
    "annotate": "exporter.annotation",
    "load_otlp": "otlp.files",
    "register": "exporter.registration",
    "spans_to_tasks": "pipeline",
    "use_prompt": "exporter.prompts",
}


def __getattr__(name: str) -> object:
    if name == "__version__":  # computed where it is needed: it takes a millisecond
        return import_module("importlib.metadata").version("infinium-otel")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name) or ("errors" if name.endswith("Error") else "taskdata")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
