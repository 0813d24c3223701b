"""agentix's outcomes to spans and back, with all their fields.

| not converted | to spans | from spans |
| --- | --- | --- |
| times, the models' names and tokens by turn | - (an outcome has none: spans are a nanosecond apart, marked synthetic) | in `other["otel"]`, which `to_spans` reads |
| a live object in `parsed` | its JSON, or its text | JSON |
| `meta` that is not JSON | as text | `{}` if absent |
| `trusted` | on each message | fails closed: never true for a tool, nor for an unknown role without the attribute |
| the model's reasoning | - | omitted: a message has no field for it |
| a subagent's own run | - (the outcome has only its cost and tokens) | in `other["subagents"]` |
| `run_id` | `other["run_id"]`, as `agentix.run.id` | the same |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.agentix import _to_spans
from infinium_otel.models.agentix._from_spans import from_spans
from infinium_otel.models.agentix.calls import Naming
from infinium_otel.models.agentix.messages import conform
from infinium_otel.models.agentix.types import (
    SCHEMA_VERSION,
    AgentOutcome,
    MediaPart,
    Message,
    ModelResponse,
    PendingApproval,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
    audio_part,
    document_part,
    image_part,
    outcome_of,
    outcome_of_checkpoint,
)
from infinium_otel.models.content import remove_content
from infinium_otel.models.documents import normalize_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord

__all__ = [
    "AgentOutcome",
    "MediaPart",
    "Message",
    "ModelResponse",
    "PendingApproval",
    "Role",
    "TextPart",
    "ToolCall",
    "ToolResult",
    "audio_part",
    "checkpoint",
    "document_part",
    "dump",
    "from_spans",
    "image_part",
    "load",
    "to_outcome",
    "to_spans",
]


def to_spans(  # noqa: PLR0913 - every one is optional and given by name
    document: AgentOutcome,
    *,
    start_ns: int = 0,
    agent_name: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    capture_content: bool = True,
) -> list[SpanRecord]:
    """The spans of one outcome, its root first.

    Calls that a guard denied, that a human declined or that still wait have spans too.

    Args:
        document: the outcome.
        start_ns: start of the run, ns since the epoch: an outcome has no times.
        agent_name: the agent's name, which an outcome does not contain.
        model: the model's name, which an outcome does not contain either.
        provider: the model's provider, as the conventions name it ("anthropic").
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """
    naming = Naming(agent_name, model, provider)
    spans = _to_spans.to_spans(normalize_values(document), naming, start_ns)
    return spans if capture_content else remove_content(spans)


def to_outcome(records: Iterable[SpanRecord | LogEvent]) -> AgentOutcome:
    """The outcome of the first run in *records*.

    Raises:
        InfiniumError: *records* contain no run.
    """
    found = from_spans(records)
    if not found:
        raise InfiniumError("no spans, so no outcome", field="records")
    return found[0]


def load(mapping: Any) -> AgentOutcome:
    """An outcome from JSON.

    Args:
        mapping: the output of `dump` or of agentix's codec, the form agentix serves
            over HTTP, or a store's checkpoint (`{"run_id", "messages", ...}`).

    Raises:
        InfiniumError: it is not a JSON object, or a required key is missing.
    """
    fields = documents.as_mapping(mapping)
    if fields is not None and "messages" in fields and "status" not in fields:
        return outcome_of_checkpoint(fields)
    return outcome_of(mapping)


def dump(document: AgentOutcome) -> dict[str, Any]:
    """JSON that agentix's codec reads, with `parsed`, `cost_usd` and `pending` too."""
    fields: dict[str, Any] = documents.dump(document)
    return {"schema_version": SCHEMA_VERSION, **fields}


def checkpoint(document: AgentOutcome, run_id: str | None = None) -> dict[str, Any]:
    """The state in a store from which `Agent.resume(run_id)` continues.

    Args:
        document: the run; one that waits for approval ends with the model's request.
        run_id: the store's key; None takes the outcome's own.

    Raises:
        InfiniumError: there is no run id.
    """
    key = run_id or document.other.get("run_id")
    if not isinstance(key, str) or not key:
        raise InfiniumError("a checkpoint needs a run id", field="run_id")
    return {
        "run_id": key,
        "schema_version": SCHEMA_VERSION,
        "steps": document.steps,
        "tokens_used": document.tokens_used,
        "cost_usd": document.cost_usd,
        "messages": [documents.dump(conform(m)) for m in document.transcript],
    }
