"""One node to one `ExecutionStep`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import CALLS
from infinium_otel.mapping import content_texts, previews
from infinium_otel.mapping.descriptions import describe_step, get_action
from infinium_otel.mapping.failure_reports import remove_error_prefix
from infinium_otel.mapping.step_metadata import DOCUMENTS, build_metadata
from infinium_otel.mapping.step_times import get_latency_ms, get_working_ms, to_iso
from infinium_otel.mapping.tool_failures import describe_failure, has_failed
from infinium_otel.redaction import truncate
from infinium_otel.taskdata import ErrorDetail, ExecutionStep, LlmCall, ToolCall
from infinium_otel.taskdata.limits import MAX_PREVIEW_LENGTH, MAX_TOOL_OUTPUT_LENGTH

if TYPE_CHECKING:
    from infinium_otel.mapping.capture_policy import CapturePolicy
    from infinium_otel.mapping.inferred_tools import InferredTool
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan


def build_llm_call(node: Node, agent: str | None) -> LlmCall:
    """The model call that *node* represents.

    Args:
        agent: the agent that made it; None if unknown.
    """
    span = node.span
    usage = span.usage
    return LlmCall(
        model=span.model or span.model_requested or "unknown",
        provider=span.provider,
        prompt_tokens=usage.input if usage else None,
        completion_tokens=usage.output if usage else None,
        latency_ms=get_latency_ms(node),
        temperature=span.temperature,
        purpose=span.purpose or agent or span.operation,
    )


def build_step(
    node: Node, error: ErrorDetail | None, policy: CapturePolicy
) -> ExecutionStep:
    """The step of *node*, not yet numbered.

    Args:
        error: the failure that belongs to this node; None if there is none.
        policy: whether texts may be sent.
    """
    agent = node.agent_name
    is_tool = node.kind == "tool"
    input_text, output_text = (
        _read_tool_texts(node.span) if is_tool else _read_texts(node)
    )
    preview = _to_preview(policy.text_or_none(input_text))
    return ExecutionStep(
        step_number=0,
        action=get_action(node),
        description=describe_step(node, agent, error),
        duration_ms=get_latency_ms(node),
        input_preview=preview,
        output_preview=_to_preview(policy.text_or_none(output_text)),
        error=error,
        tool_call=_build_tool_call(node, preview, output_text, error, policy)
        if is_tool
        else None,
        llm_call=build_llm_call(node, agent) if node.kind in CALLS else None,
        metadata=build_metadata(node, agent, input_text, output_text, policy),
    )


def _to_preview(text: str | None) -> str | None:
    return truncate(text, MAX_PREVIEW_LENGTH) if text else None


def _read_texts(node: Node) -> tuple[str | None, str | None]:
    span = node.span
    if node.kind == "embedding":
        return content_texts.join_texts(node.input_content), None
    if node.kind == "llm":
        return content_texts.find_newest(node.input_content), content_texts.find_answer(
            node.output_content
        )
    if node.kind == "agent":
        return content_texts.find_question(
            node.input_content
        ), content_texts.find_answer(node.output_content)
    output_text = span.output if span.output is not None else span.result
    found = previews.join_documents(span.extra.get(DOCUMENTS))
    if found is None and node.kind == "retrieval":
        found = previews.join_documents(output_text)
    return previews.extract_text(span.input), found or previews.extract_text(
        output_text
    )


def _read_tool_texts(span: NormalizedSpan) -> tuple[str | None, str | None]:
    return previews.extract_arguments(span.arguments), previews.extract_text(
        span.result
    )


def _build_tool_call(
    node: Node,
    input_preview: str | None,
    output_text: str | None,
    error: ErrorDetail | None,
    policy: CapturePolicy,
) -> ToolCall:
    return ToolCall(
        tool_name=node.span.tool_name or node.record.name or "unknown",
        duration_ms=get_working_ms(node),
        input_summary=input_preview,
        output_summary=_to_output_summary(policy.text_or_none(output_text)),
        error=error,
        http_status=node.span.http_status,
    )


def _to_output_summary(text: str | None) -> str | None:
    return truncate(text, MAX_TOOL_OUTPUT_LENGTH) if text else None


def build_inferred_step(tool: InferredTool, policy: CapturePolicy) -> ExecutionStep:
    """The step of a tool run that only messages report, not yet numbered."""
    request, response = tool.request, tool.response
    input_text = previews.extract_arguments(request.arguments)
    output_text = previews.extract_text(response.result) if response else None
    error = (
        _build_inferred_error(describe_failure(response.result), policy)
        if response and has_failed(response)
        else None
    )
    return ExecutionStep(
        step_number=0,
        action="tool_use",
        description=f"Called {request.name}",
        input_preview=_to_preview(policy.text_or_none(input_text)),
        output_preview=_to_preview(policy.text_or_none(output_text)),
        error=error,
        tool_call=ToolCall(
            tool_name=request.name,
            input_summary=_to_preview(policy.text_or_none(input_text)),
            output_summary=_to_output_summary(policy.text_or_none(output_text)),
            error=error,
        ),
        metadata=_build_inferred_metadata(tool),
    )


def _build_inferred_error(reason: str, policy: CapturePolicy) -> ErrorDetail:
    message = remove_error_prefix(reason)
    return ErrorDetail(
        "tool_error", policy.message_or_length(message), recoverable=True
    )


def _build_inferred_metadata(tool: InferredTool) -> dict[str, Any]:
    facts = {
        "source": "messages",
        "start_time": to_iso(tool.start_ns),
        "otel.parent_span_id": tool.after.record.parent_id,
        "gen_ai.tool.call.id": tool.request.id,
    }
    return {name: value for name, value in facts.items() if value is not None}
