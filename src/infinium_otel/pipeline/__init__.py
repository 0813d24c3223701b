"""The pure steps as one object: spans in, finished tasks out."""

from infinium_otel.pipeline.offline import spans_to_tasks
from infinium_otel.pipeline.own_requests import OWN_REQUEST
from infinium_otel.pipeline.pipeline import (
    BETWEEN_RUNS,
    COPY,
    EXCLUDED,
    CompletedTask,
    Pipeline,
)
from infinium_otel.pipeline.routing import (
    DROPPED,
    NO_RULE,
    SAMPLED_OUT,
    Condition,
    Router,
    Rule,
)
from infinium_otel.pipeline.skipped import NOT_INCLUDED, SkippedTraces

__all__ = [
    "BETWEEN_RUNS",
    "COPY",
    "DROPPED",
    "EXCLUDED",
    "NOT_INCLUDED",
    "NO_RULE",
    "OWN_REQUEST",
    "SAMPLED_OUT",
    "CompletedTask",
    "Condition",
    "Pipeline",
    "Router",
    "Rule",
    "SkippedTraces",
    "spans_to_tasks",
]
