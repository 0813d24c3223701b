"""Verdicts as OpenTelemetry: evaluation events in the run's trace, counts, a histogram.

Source: opentelemetry/semantic-conventions-genai, model/gen-ai/events.yaml,
`gen_ai.evaluation.result`: its parent is the operation that is judged.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.metrics import get_meter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from infinium_otel.delivery.transport.suppression import FLUSHING, OWN_WORK
from infinium_otel.redaction import remove_credentials
from infinium_otel.runtime.metrics import METER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.metrics import Counter, Histogram

    from infinium_otel.delivery.verdicts import AwaitedRun
    from infinium_otel.records import Evaluation

logger = logging.getLogger(__name__)

EVENT = "gen_ai.evaluation.result"
EVALUATION_ID = "infinium.evaluation.id"
OTHER = "_OTHER"
"""Source: OpenTelemetry semantic conventions, "error.type": the fallback of a set."""
MAX_NAMES = 100
"""Names and labels that the metrics of a process tell apart."""
FLUSH_MILLIS = 10_000
SCORE_BOUNDS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 3, 4, 5, 10, 100)


def emit_verdict(
    run: AwaitedRun, evaluations: Iterable[Evaluation], *, with_texts: bool
) -> bool:
    """Emit the evaluations of a run, and have them exported.

    Args:
        run: whose trace they belong to.
        evaluations: of its interpretation.
        with_texts: whether explanations are included.

    Returns:
        False if a processor of the application's logs could not flush, as after its
        shutdown: then it is not known whether they were exported.
    """
    from opentelemetry._logs import (  # noqa: PLC0415 - the SDK's logs take time to import
        LogRecord,
        SeverityNumber,
        get_logger_provider,
    )

    provider: Any = get_logger_provider()
    events = provider.get_logger("infinium_otel")
    context = _make_context(run)
    token = otel_context.attach(OWN_WORK)
    try:
        places: dict[str, int] = {}
        for each in evaluations:
            now_ns = time.time_ns()
            place = places.get(each.name, 0)
            places[each.name] = place + 1
            record = LogRecord(
                timestamp=now_ns,
                observed_timestamp=now_ns,
                context=context,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                event_name=EVENT,
                attributes=describe_evaluation(run, each, place, with_texts=with_texts),
            )
            events.emit(record)
            _count(each)
    finally:
        otel_context.detach(token)
    return _flush(provider)


def describe_evaluation(
    run: AwaitedRun, evaluation: Evaluation, place: int = 0, *, with_texts: bool
) -> Mapping[str, Any]:
    """The attributes of the event; a boolean is 1 or 0, with its word as the label.

    Args:
        place: among the run's evaluations of that name, from 0.
    """
    score, label = evaluation.score, evaluation.label
    if isinstance(score, bool):
        label = label or str(score).lower()
    named = f"{run.key}\0{evaluation.name}" + (f"\0{place}" if place else "")
    identity = sha256(named.encode("utf-8", "replace"))
    found = {
        "gen_ai.evaluation.name": evaluation.name,
        "gen_ai.evaluation.score.value": None if score is None else float(score),
        "gen_ai.evaluation.score.label": label,
        "gen_ai.evaluation.explanation": evaluation.explanation if with_texts else None,
        "gen_ai.agent.name": run.agent or None,
        "infinium.trace_id": run.result_id,
        EVALUATION_ID: identity.hexdigest()[:32],
    }
    return {
        key: remove_credentials(value) if isinstance(value, str) else value
        for key, value in found.items()
        if value is not None
    }


def count_outcome(outcome: str, runs: int = 1) -> None:
    """Count runs that are not awaited any more, and why."""
    _get_outcomes().add(runs, {"infinium.interpretation.outcome": outcome})


def _make_context(run: AwaitedRun) -> otel_context.Context:
    span = SpanContext(
        int(run.trace_id, 16),
        int(run.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(span), otel_context.Context())


def _flush(provider: Any) -> bool:
    """Flush the application's processors; ours return at once, see `is_flushing`."""
    flush = getattr(provider, "force_flush", None)
    if flush is None:
        _warn_unflushable(type(provider).__name__)
        return True
    token = otel_context.attach(FLUSHING)
    try:
        return flush(FLUSH_MILLIS) is not False
    finally:
        otel_context.detach(token)


@cache
def _warn_unflushable(kind: str) -> None:
    logger.warning(
        "The logger provider %s has no force_flush: whether verdicts were exported is "
        "unknown; set up the provider of opentelemetry-sdk",
        kind,
    )


_names: set[str] = set()


def _bound(name: str) -> str:
    if name not in _names and len(_names) >= MAX_NAMES:
        return OTHER
    _names.add(name)
    return name


def _count(evaluation: Evaluation) -> None:
    attributes = {"gen_ai.evaluation.name": _bound(evaluation.name)}
    if evaluation.score is not None:
        _get_scores().record(float(evaluation.score), attributes)
    if evaluation.label:
        attributes["gen_ai.evaluation.score.label"] = _bound(evaluation.label)
    _get_counts().add(1, attributes)


@cache
def _get_counts() -> Counter:
    return get_meter(METER).create_counter(
        "infinium.evaluation.count",
        unit="{evaluation}",
        description="Evaluations in the interpretations of runs.",
    )


@cache
def _get_scores() -> Histogram:
    return get_meter(METER).create_histogram(
        "infinium.evaluation.score",
        unit="1",
        description="Scores in the interpretations of runs.",
        explicit_bucket_boundaries_advisory=SCORE_BOUNDS,
    )


@cache
def _get_outcomes() -> Counter:
    return get_meter(METER).create_counter(
        "infinium.interpretation.count",
        unit="{run}",
        description="Delivered runs whose interpretation is not awaited any more.",
    )
