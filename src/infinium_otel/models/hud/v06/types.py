"""HUD's types as its 0.6 releases have them: a run is a list of typed steps.

HUD's classes reject unknown keys, so `dump` omits `other`.

Source: hud 0.6.21, hud/types.py, hud/agents/types.py, hud/eval/run.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from infinium_otel.errors import InfiniumError
from infinium_otel.models.documents import (
    as_list,
    empty_mapping,
    fill,
    load_each,
    other_keys,
)
from infinium_otel.models.hud import mcp
from infinium_otel.models.spans import as_text

if TYPE_CHECKING:
    from infinium_otel.models import documents

DEEPEST = 20
"""How deep subagents may nest; runs made from spans never nest deeper."""

STEP_SCHEMA = "hud.step.v1"
ROBOT_STEP_SCHEMA = "hud.robot.step.v1"


@dataclass(frozen=True, slots=True)
class MCPToolCall(mcp.MCPToolCall):
    """A tool call, with the reason for it and the provider's name of the tool."""

    annotation: str | None = None
    provider_name: str | None = None


@dataclass(frozen=True, slots=True)
class MCPToolResult(mcp.MCPToolResult):
    """A tool's result, with the id of its call."""

    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCall:
    """A call that sets a task up or evaluates it; `phase` is "setup" or "evaluate"."""

    phase: str
    name: str
    arguments: Any = None
    result: Any = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage the model names as its source."""

    type: str = "citation"
    text: str = ""
    source: str = ""
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Sample:
    """Tokens of one turn, for training."""

    prompt_token_ids: tuple[Any, ...] = ()
    prompt_chunks: tuple[Any, ...] | None = None
    output_token_ids: tuple[Any, ...] = ()
    output_logprobs: tuple[Any, ...] = ()
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token usage and cost of one turn; None if unknown."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    llm_call_count: int | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run; its subclasses add their own fields.

    Args:
        step_id: 1-based; HUD numbers the steps of a trace itself.
        source: "user", "agent", "tool", "task", "subagent", "system", or a robot's.
        started_at: ISO 8601, as is `ended_at`. None is common.
    """

    closed: ClassVar[bool] = True
    schema: ClassVar[str] = STEP_SCHEMA

    step_id: int | None = None
    source: str = "system"
    messages: tuple[Any, ...] = ()
    task_call: TaskCall | None = None
    error: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    extra: Mapping[str, Any] = field(default_factory=empty_mapping)
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AgentStep(Step):
    """The model's turn."""

    source: str = "agent"
    content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[MCPToolCall, ...] = ()
    done: bool = False
    finish_reason: str | None = None
    stop_reason: str | None = None
    refusal: str | None = None
    citations: tuple[Citation, ...] = ()
    raw: Any = None
    model: str | None = None
    usage: Usage | None = None
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class ToolStep(Step):
    """A tool call with its result; whether it failed is in the result."""

    source: str = "tool"
    call: MCPToolCall | None = None
    result: MCPToolResult | None = None


@dataclass(frozen=True, slots=True)
class StateFeature:
    """A group of a robot's measurements."""

    names: tuple[Any, ...] = ()
    values: tuple[Any, ...] = ()
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ObservationStep(Step):
    """The observation of a robot's policy at one tick."""

    schema: ClassVar[str] = ROBOT_STEP_SCHEMA

    source: str = "observation"
    tick: int = 0
    images: Mapping[str, Any] = field(default_factory=empty_mapping)
    state: Mapping[str, Any] = field(default_factory=empty_mapping)


@dataclass(frozen=True, slots=True)
class InferenceStep(Step):
    """The actions of a robot's policy at one tick."""

    schema: ClassVar[str] = ROBOT_STEP_SCHEMA

    source: str = "inference"
    tick: int = 0
    chunk: tuple[Any, ...] = ()
    chunk_length: int = 1
    names: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoSegmentStep(Step):
    """A fragment of a camera's video."""

    schema: ClassVar[str] = ROBOT_STEP_SCHEMA

    source: str = "video_segment"
    camera: str = ""
    index: int = 0
    fps: int = 10
    segment: Mapping[str, Any] = field(default_factory=empty_mapping)


@dataclass(frozen=True, slots=True)
class Trace:
    """A run's trajectory.

    Args:
        status: "completed", "error" or "cancelled".
        stop_reason: "done", "max_steps", "length", "timeout", "malformed_tool_call".
    """

    closed: ClassVar[bool] = True

    steps: tuple[Step, ...] = ()
    status: str | None = None
    stop_reason: str | None = None
    content: str | None = None
    extra: Mapping[str, Any] = field(default_factory=empty_mapping)
    trace_id: str | None = None
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class SubagentStep(Step):
    """A nested run, embedded completely."""

    source: str = "subagent"
    subagent: Trace = field(default_factory=Trace)


@dataclass(frozen=True, slots=True)
class Grade:
    """The structured result of grading a run.

    Args:
        reward: 0 to 1.
        raw: the grader's response; its `subscores` are the parts of the reward.
    """

    reward: float = 0.0
    done: bool = True
    content: str | None = None
    info: Mapping[str, Any] = field(default_factory=empty_mapping)
    is_error: bool = False
    raw: Mapping[str, Any] = field(default_factory=empty_mapping)
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class Run:
    """A trajectory with its grade: a `Trace` of 0.6 has no reward of its own.

    Args:
        grade: None if the run was not graded.
    """

    trace: Trace
    grade: Grade | None = None
    job_id: str | None = None
    group_id: str | None = None
    other: Mapping[str, Any] = other_keys()


def tool_call_of(value: Any) -> MCPToolCall:
    """A tool call from its JSON."""
    return mcp.fill_call(MCPToolCall, value)


def tool_result_of(value: Any) -> MCPToolResult:
    """A tool result from its JSON."""
    return fill(MCPToolResult, value, content=mcp.blocks_of)


def _loader(cls: type[Any]) -> documents.Loader:
    return lambda value: fill(cls, value)


def trace_of(value: Any) -> Trace:
    """A trajectory from its JSON, whose subagents nest no deeper than `DEEPEST`.

    HUD 0.6.21's own class rejects its own dump, because it reads each step as the base
    class; here `source` selects the class of a step.
    """
    if _measure_nesting(value) > DEEPEST:
        raise InfiniumError("subagents nest too deeply", field="steps")
    return _load_trace(value)


def _load_trace(value: Any) -> Trace:
    return fill(Trace, value, steps=load_each(step_of))


def _measure_nesting(value: Any) -> int:
    """How deep the subagents of a trajectory's JSON nest."""
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        steps = [s for trace in level for s in as_list(_get(trace, "steps")) or ()]
        level = [found for s in steps if (found := _get(s, "subagent")) is not None]
        depth += bool(level)
    return depth


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


_SKELETON = {"task_call": _loader(TaskCall)}

_STEPS: dict[Any, tuple[type[Step], dict[str, documents.Loader]]] = {
    "agent": (
        AgentStep,
        {
            "tool_calls": load_each(tool_call_of),
            "citations": load_each(_loader(Citation)),
            "usage": _loader(Usage),
            "sample": _loader(Sample),
        },
    ),
    "tool": (ToolStep, {"call": tool_call_of, "result": tool_result_of}),
    "subagent": (SubagentStep, {"subagent": _load_trace}),
    "observation": (ObservationStep, {}),
    "inference": (InferenceStep, {}),
    "video_segment": (VideoSegmentStep, {}),
}


def step_of(value: Any) -> Step:
    """A step from its JSON, of the class its `source` names."""
    if not isinstance(value, Mapping):
        raise InfiniumError("Step must be a JSON object", field="steps")
    cls, nested = _STEPS.get(as_text(value.get("source")), (Step, {}))
    return fill(cls, value, **_SKELETON, **nested)


def run_of(value: Any) -> Run:
    """A graded run from its JSON: of the run, or of the trajectory alone."""
    if isinstance(value, Mapping) and "trace" not in value:
        return Run(trace_of(value))
    return fill(Run, value, trace=trace_of, grade=_loader(Grade))
