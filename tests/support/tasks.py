"""Tasks to test with."""

from __future__ import annotations

from infinium_otel.taskdata import (
    Customer,
    EnvironmentContext,
    ErrorDetail,
    ExecutionStep,
    ExpectedOutcome,
    General,
    LlmCall,
    LlmUsage,
    TaskData,
    TimeTracking,
    ToolCall,
)

NOW = "2026-01-02T03:04:05Z"


def small(name: str = "Answer a question", **fields) -> TaskData:
    """A task with the required fields."""
    return TaskData(
        name=name, description="One run", current_datetime=NOW, duration=1.5, **fields
    )


def full() -> TaskData:
    """A task with a value in every kind of field."""
    return small(
        input_summary="what?",
        output_summary="that",
        expected_outcome=ExpectedOutcome("answer", ["text"], [], None),
        steps=[
            ExecutionStep(
                1,
                "llm_inference",
                "ask",
                duration_ms=0,
                llm_call=LlmCall("gpt-4o", "openai", 7, 3, temperature=0.0),
                metadata={"otel.span_id": "ab", "nothing": None, "empty": []},
            ),
            ExecutionStep(
                2,
                "tool_use",
                "look",
                error=ErrorDetail("Timeout", "slow"),
                tool_call=ToolCall("search", 12, http_status=504),
            ),
        ],
        errors=[ErrorDetail("Timeout", "slow", recoverable=True, retry_count=1)],
        llm_usage=LlmUsage(prompt_tokens=7, calls=[LlmCall("gpt-4o")]),
        time_tracking=TimeTracking(NOW, NOW),
        customer=Customer(),
        general=General(tools_used="search", tags=["a"]),
        environment=EnvironmentContext(framework="", custom_tags={"k": "v"}),
    )
