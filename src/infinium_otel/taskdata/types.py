"""Infinium's types as plain dataclasses.

Source: infinium-o2 1.2.0, `infinium.types`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Texts = str | list[str]


@dataclass
class TimeTracking:
    """When the run took place, as ISO 8601 texts."""

    start_time: str | None = None
    end_time: str | None = None


@dataclass
class Customer:
    """The customer the run was for."""

    customer_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    customer_address: str | None = None
    client_company: str | None = None
    client_industry: str | None = None


@dataclass
class Support:
    """The support ticket the run worked on."""

    call_id: str | None = None
    issue_description: str | None = None
    issue_type: str | None = None
    resolution: str | None = None
    priority: str | None = None
    follow_up_required: bool | None = None
    agent_notes: str | None = None


@dataclass
class Sales:
    """The sales pipeline the run worked in."""

    lead_source: str | None = None
    sales_stage: str | None = None
    deal_value: float | None = None
    conversion_rate: float | None = None
    sales_notes: str | None = None


@dataclass
class Marketing:
    """The campaign the run worked on."""

    campaign_name: str | None = None
    campaign_type: str | None = None
    target_audience: str | None = None
    marketing_channel: str | None = None
    engagement_metrics: str | None = None
    conversion_metrics: str | None = None


@dataclass
class Content:
    """What kind of content the run produced."""

    content_type: str | None = None
    content_format: str | None = None
    content_length: int | None = None
    content_topic: str | None = None
    target_platform: str | None = None


@dataclass
class Research:
    """What the run researched, and how."""

    research_topic: str | None = None
    research_method: str | None = None
    data_sources: Texts | None = None
    research_findings: str | None = None
    analysis_type: str | None = None
    sources_consulted: int | None = None
    key_findings: list[str] | None = None
    confidence_level: str | None = None
    data_quality: str | None = None


@dataclass
class Project:
    """The project the run belongs to."""

    project_name: str | None = None
    project_phase: str | None = None
    deliverables: Texts | None = None
    stakeholders: Texts | None = None
    project_status: str | None = None
    milestone_achieved: str | None = None
    task_priority: str | None = None
    resource_utilization: float | None = None
    risk_assessment: str | None = None
    blockers: list[str] | None = None


@dataclass
class Development:
    """The software work the run did."""

    programming_language: str | None = None
    framework_used: str | None = None
    bugs_found: int | None = None
    bugs_fixed: int | None = None
    test_coverage: float | None = None
    performance_metrics: str | dict[str, Any] | None = None
    deployment_status: str | None = None
    technical_debt: str | None = None
    files_modified: list[str] | None = None
    tests_run: int | None = None
    tests_passed: int | None = None


@dataclass
class Executive:
    """The meeting the run served."""

    meeting_type: str | None = None
    attendees_count: int | None = None
    agenda_items: Texts | None = None
    action_items: Texts | None = None
    calendar_conflicts: int | None = None
    decisions_made: list[str] | None = None


@dataclass
class ErrorDetail:
    """A factual error record."""

    error_type: str
    message: str
    recoverable: bool = False
    retry_count: int = 0
    stack_trace: str | None = None
    error_code: str | None = None


@dataclass
class General:
    """Facts that fit into no other section."""

    tools_used: Texts | None = None
    agent_notes: str | None = None
    errors_encountered: list[ErrorDetail] | None = None
    retries: int | None = None
    warnings: list[str] | None = None
    external_apis_called: list[str] | None = None
    data_sources_accessed: list[str] | None = None
    tags: list[str] | None = None


@dataclass
class ToolCall:
    """A tool or API invocation; `duration_ms` in milliseconds."""

    tool_name: str
    duration_ms: int | None = None
    input_summary: str | None = None
    output_summary: str | None = None
    error: ErrorDetail | None = None
    http_status: int | None = None


@dataclass
class LlmCall:
    """A single LLM invocation; token counts include cached and reasoning tokens."""

    model: str
    provider: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_ms: int | None = None
    temperature: float | None = None
    purpose: str | None = None


@dataclass
class LlmUsage:
    """Token and cost totals of the whole run."""

    model: str | None = None
    provider: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    estimated_cost_usd: float | None = None
    api_calls_count: int | None = None
    total_latency_ms: int | None = None
    calls: list[LlmCall] | None = None


@dataclass
class ExecutionStep:
    """One thing the agent did."""

    step_number: int
    action: str
    description: str
    duration_ms: int | None = None
    input_preview: str | None = None
    output_preview: str | None = None
    error: ErrorDetail | None = None
    tool_call: ToolCall | None = None
    llm_call: LlmCall | None = None
    metadata: dict[str, Any] | None = None


@dataclass
class ExpectedOutcome:
    """What the judge compares the run with."""

    task_objective: str
    required_deliverables: list[str] | None = None
    constraints: list[str] | None = None
    acceptance_criteria: list[str] | None = None


@dataclass
class EnvironmentContext:
    """Where the run took place; values of `custom_tags` are texts."""

    framework: str | None = None
    framework_version: str | None = None
    python_version: str | None = None
    sdk_version: str | None = None
    runtime: str | None = None
    region: str | None = None
    custom_tags: dict[str, str] | None = None


@dataclass
class TaskData:
    """One complete run of an agent; `duration` in seconds of wall-clock time."""

    name: str
    description: str
    current_datetime: str
    duration: float
    time_tracking: TimeTracking | None = None
    customer: Customer | None = None
    support: Support | None = None
    sales: Sales | None = None
    marketing: Marketing | None = None
    content: Content | None = None
    research: Research | None = None
    project: Project | None = None
    development: Development | None = None
    executive: Executive | None = None
    general: General | None = None
    llm_usage: LlmUsage | None = None
    input_summary: str | None = None
    output_summary: str | None = None
    steps: list[ExecutionStep] | None = None
    expected_outcome: ExpectedOutcome | None = None
    environment: EnvironmentContext | None = None
    errors: list[ErrorDetail] | None = None


@dataclass
class ApiResponse:
    """The service's response to one request."""

    success: bool
    status_code: int | None = None
    message: str = ""
    data: dict[str, Any] | None = None


@dataclass
class BatchResult:
    """The outcome of a batch; `results` are in the order of the tasks."""

    successful: int
    failed: int
    results: list[ApiResponse]
    errors: list[str]


@dataclass
class PromptContent:
    """A stored prompt; `rendered_content` once variables are filled in."""

    prompt_id: str
    name: str
    version: int
    content: str
    created_at: str
    rendered_content: str | None = None


SECTIONS: dict[str, type[Any]] = {
    "time_tracking": TimeTracking,
    "customer": Customer,
    "support": Support,
    "sales": Sales,
    "marketing": Marketing,
    "content": Content,
    "research": Research,
    "project": Project,
    "development": Development,
    "executive": Executive,
    "general": General,
}
"""The sections of a task: flat on the dataclass, nested under `sections` on the wire."""
