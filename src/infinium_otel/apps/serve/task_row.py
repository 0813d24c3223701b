"""A task's row in the list: what is shown, filtered by and searched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.checks import parse_time
from infinium_otel.apps.serve.listing import add_spaces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST = 2**53
"""The largest integer that JavaScript represents exactly; more is not plausible."""

MAX_WORDS = 1_048_576
"""Characters of one task in the search index: as many as a task can have."""

MAX_PREVIEW = 240
"""Characters of the question and of the answer that the list shows."""

MAX_TAGS = 60
MAX_TAG = 200
"""Tags of a task that can be filtered by, and the characters of each."""

SESSION_TAG, USER_TAG = "gen_ai.conversation.id", "user.id"

AGENT_TAGS = ("gen_ai.agent.name", "agent", "service.name", "otel.service.name")
"""Tags that name the agent, the most specific first."""

UNNAMED = "unknown_service"
"""How the SDK names a service without a name, before `:` and the program's.
Source: OpenTelemetry semantic conventions 1.43, `service.name`."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task in the list; None is unknown, never zero.

    Args:
        agent: the agent's name, else the framework's, else the agent id.
        ended_ms: when the run ended, ms since the epoch.
        models: every model that was called, each once, in order.
        otel_trace_id: the trace it was made of; None if unknown.
        incomplete: parts of the run are known to be missing.
        question: the beginning of the input, as one line.
        answer: the beginning of the output, as one line.
        fatal: errors from which the run did not recover.
        session: the conversation that the run belongs to; "" if unknown.
        user: the user's id; "" if unknown.
        tags: names and values to filter by, without the ids of the trace.
    """

    name: str
    agent: str
    ended_ms: int
    duration_s: float
    steps: int
    llm_calls: int
    tool_calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cost_usd: float | None
    errors: int
    models: tuple[str, ...]
    otel_trace_id: str | None
    incomplete: bool
    question: str = ""
    answer: str = ""
    fatal: int = 0
    session: str = ""
    user: str = ""
    tags: tuple[tuple[str, str], ...] = ()


def to_task_row(task: Mapping[str, Any], agent_id: str) -> TaskRow:
    """Build the row of *task*, a JSON object that passed the checks."""
    steps = as_objects(task.get("steps"))
    usage = as_mapping(task.get("llm_usage"))
    tags = as_mapping(as_mapping(task.get("environment")).get("custom_tags"))
    prompt, completion = (
        as_count(usage.get("prompt_tokens")),
        as_count(usage.get("completion_tokens")),
    )
    ended = parse_time(task["current_datetime"])
    return TaskRow(
        name=clean(task["name"]),
        agent=clean(_find_agent(task, tags) or agent_id),
        ended_ms=round(ended.timestamp() * 1000) if ended else 0,
        duration_s=float(task["duration"]),
        steps=len(steps),
        llm_calls=_count_llm_calls(steps, usage),
        tool_calls=sum(1 for step in steps if as_mapping(step.get("tool_call"))),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_sum_tokens(
            as_count(usage.get("total_tokens")), prompt, completion
        ),
        cost_usd=_to_money(usage.get("estimated_cost_usd")),
        errors=_count_errors(task, steps),
        models=tuple(dict.fromkeys(_find_models(steps, usage))),
        otel_trace_id=clean(as_text(tags.get("otel.trace_id"))) or None,
        incomplete=as_text(tags.get("otel.incomplete")).lower() == "true",
        question=_to_line(task.get("input_summary")),
        answer=_to_line(task.get("output_summary")),
        fatal=_count_fatal(task, steps),
        session=_to_tag(tags.get(SESSION_TAG)),
        user=_to_tag(tags.get(USER_TAG)),
        tags=tuple(_select_tags(tags)),
    )


def to_search_text(task: Mapping[str, Any], row: TaskRow) -> str:
    """Collect the searchable texts of *task*, truncated to `MAX_WORDS`."""
    texts = "\n".join(
        [
            *(row.name, row.agent, row.otel_trace_id or "", *row.models),
            *(as_text(task.get(key)) for key in ("description",)),
            *(as_text(task.get(key)) for key in ("input_summary", "output_summary")),
            *_collect_error_texts(as_objects(task.get("errors"))),
            *_collect_step_texts(as_objects(task.get("steps"))),
        ]
    )
    return clean(texts[:MAX_WORDS])


def to_index_text(trace_id: str, task: Mapping[str, Any], agent_id: str) -> str:
    """The text under which *task* is found: its ids and its searchable texts."""
    row = to_task_row(task, agent_id)
    return add_spaces(f"{trace_id}\n{to_search_text(task, row)}")


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return *value* if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the JSON objects in *value*, a list or anything else."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def as_text(value: Any) -> str:
    """Return *value* if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def list_span_ids(metadata: Mapping[str, Any]) -> list[str]:
    """The spans of a step: its own first, then those folded into it."""
    folded = metadata.get("otel.folded_span_ids")
    ids = [metadata.get("otel.span_id"), *(folded if isinstance(folded, list) else [])]
    return [span_id for span_id in map(as_text, ids) if span_id]


def as_count(value: Any) -> int | None:
    """Return *value* if it is a plausible count, else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= LARGEST else None


def clean(value: str) -> str:
    """Replace lone surrogates, which JSON can contain and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _find_agent(task: Mapping[str, Any], tags: Mapping[str, Any]) -> str:
    names = [as_text(tags.get(tag)).strip() for tag in AGENT_TAGS]
    names = [name for name in names if name.partition(":")[0] != UNNAMED]
    framework = as_text(as_mapping(task.get("environment")).get("framework")).strip()
    return next((name for name in (*names, framework) if name), "")


def _count_llm_calls(steps: list[Mapping[str, Any]], usage: Mapping[str, Any]) -> int:
    calls = sum(1 for step in steps if as_mapping(step.get("llm_call")))
    return max(calls, as_count(usage.get("api_calls_count")) or 0)


def _sum_tokens(
    total: int | None, prompt: int | None, completion: int | None
) -> int | None:
    if total is not None or (prompt is None and completion is None):
        return total
    return (prompt or 0) + (completion or 0)


def _to_money(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= LARGEST else None


def _count_errors(task: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> int:
    """Count the errors: those of the task, or of the steps if there are more."""
    failed = sum(1 for step in steps if as_mapping(step.get("error")))
    return max(len(as_objects(task.get("errors"))), failed)


def _count_fatal(task: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> int:
    """Count the errors from which the run did not recover."""
    errors = as_objects(task.get("errors"))
    if not errors:
        errors = [as_mapping(step.get("error")) for step in steps if step.get("error")]
    return sum(1 for error in errors if error.get("recoverable") is not True)


def _to_line(value: Any) -> str:
    words = as_text(value)[: MAX_PREVIEW * 4].split()
    line = " ".join(words)
    return clean(line[:MAX_PREVIEW] + ("…" if len(line) > MAX_PREVIEW else ""))


def _to_tag(value: Any) -> str:
    return clean(as_text(value)[:MAX_TAG])


def _select_tags(tags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = [name for name in tags if not name.startswith("otel.")][:MAX_TAGS]
    selected = {_to_tag(name): _to_tag(tags[name]) for name in names}
    yield from ((name, value) for name, value in selected.items() if name and value)


def _find_models(
    steps: list[Mapping[str, Any]], usage: Mapping[str, Any]
) -> Iterator[str]:
    calls = [as_mapping(step.get("llm_call")) for step in steps]
    calls += as_objects(usage.get("calls"))
    names = [as_text(call.get("model")) for call in calls]
    if not any(names):
        names = [as_text(usage.get("model"))]
    for name in names:
        if name:
            yield clean(name)


def _collect_error_texts(errors: list[Mapping[str, Any]]) -> Iterator[str]:
    for error in errors:
        yield as_text(error.get("error_type"))
        yield as_text(error.get("message"))


def _collect_step_texts(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield as_text(step.get("description"))
        yield as_text(as_mapping(step.get("tool_call")).get("tool_name"))
        yield as_text(step.get("input_preview"))
        yield as_text(step.get("output_preview"))
