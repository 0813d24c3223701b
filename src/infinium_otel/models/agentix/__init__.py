"""agentix's outcomes to spans and back, with every field of theirs.

| what cannot be carried | to spans | from spans |
| --- | --- | --- |
| times, the models' names and tokens by turn | - (an outcome has none: spans follow a nanosecond apart, marked synthetic) | in `other["otel"]`, which `to_spans` reads again |
| a live object in `parsed` | its JSON, or its text | JSON |
| `meta` that is no JSON | as text | `{}` when absent |
| `trusted` | on each message | fails closed: never true of a tool, nor of an unknown role without a mark |
| the model's reasoning | - | left out: a message has no room for it |
| a subagent's own run | - (its spend alone is in the outcome) | in `other["subagents"]` |
| `run_id` | `other["run_id"]`, as `agentix.run.id` | likewise |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.agentix.calls import Naming
from infinium_otel.models.agentix.messages import acceptable
from infinium_otel.models.agentix.run_from_spans import (
    outcomes_from_spans as from_spans,
)
from infinium_otel.models.agentix.run_to_spans import outcome_to_spans
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
from infinium_otel.models.content import without_content

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

    A call that a guard denied or a human declined has its span, and so has one that
    still waits.

    Args:
        document: the outcome.
        start_ns: where the run begins, ns since the epoch: an outcome has no times.
        agent_name: of the agent; an outcome names none.
        model: of the model calls; likewise.
        provider: of the model, in the conventions' words ("anthropic").
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
    """
    spans = outcome_to_spans(document, Naming(agent_name, model, provider), start_ns)
    return spans if capture_content else without_content(spans)


def to_outcome(records: Iterable[SpanRecord | LogEvent]) -> AgentOutcome:
    """The outcome of the first run in *records*.

    Raises:
        InfiniumError: there is no run in them.
    """
    found = from_spans(records)
    if not found:
        raise InfiniumError("no spans, so no outcome", field="records")
    return found[0]


def load(mapping: Any) -> AgentOutcome:
    """An outcome from JSON.

    Args:
        mapping: what `dump` or agentix's codec wrote, the form agentix serves over
            HTTP, or a store's checkpoint (`{"run_id", "messages", ...}`).

    Raises:
        InfiniumError: it is no JSON object, or lacks what cannot be missing.
    """
    said = documents.mapping_of(mapping)
    if said is not None and "messages" in said and "status" not in said:
        return outcome_of_checkpoint(said)
    return outcome_of(mapping)


def dump(document: AgentOutcome) -> dict[str, Any]:
    """JSON that agentix's codec reads, and that keeps `parsed`, `cost_usd`, `pending`."""
    told: dict[str, Any] = documents.dump(document)
    return {"schema_version": SCHEMA_VERSION, **told}


def checkpoint(document: AgentOutcome, run_id: str | None = None) -> dict[str, Any]:
    """The state a store keeps, from which `Agent.resume(run_id)` goes on.

    Args:
        document: the run; one that waits for approval ends with the turn that asks.
        run_id: the store's key; None takes the one that the outcome brought.

    Raises:
        InfiniumError: nobody gave a run id.
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
        "messages": [documents.dump(acceptable(m)) for m in document.transcript],
    }
