"""annotate(): what a run was for, where OpenTelemetry has no attribute for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from infinium_otel.taskdata import SECTIONS, ExpectedOutcome, coerce, plain

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from infinium_otel.taskdata import (
        Content,
        Customer,
        Development,
        Executive,
        General,
        Marketing,
        Project,
        Research,
        Sales,
        Support,
        TimeTracking,
    )

logger = logging.getLogger(__name__)


def annotate(  # noqa: PLR0913 - one argument for each part of a task that can be said
    *,
    name: str | None = None,
    description: str | None = None,
    expected_outcome: ExpectedOutcome | Mapping[str, Any] | None = None,
    time_tracking: TimeTracking | Mapping[str, Any] | None = None,
    customer: Customer | Mapping[str, Any] | None = None,
    support: Support | Mapping[str, Any] | None = None,
    sales: Sales | Mapping[str, Any] | None = None,
    marketing: Marketing | Mapping[str, Any] | None = None,
    content: Content | Mapping[str, Any] | None = None,
    research: Research | Mapping[str, Any] | None = None,
    project: Project | Mapping[str, Any] | None = None,
    development: Development | Mapping[str, Any] | None = None,
    executive: Executive | Mapping[str, Any] | None = None,
    general: General | Mapping[str, Any] | None = None,
    step_action: str | None = None,
    step_purpose: str | None = None,
    skip: bool | None = None,
    span: Span | None = None,
) -> None:
    """Say of the current run what its spans cannot know.

    The words go onto a span as `infinium.*` attributes, so they reach the task however
    the span does. Said on several spans of a run, the root's word wins, else the first
    span's. Where no span is recording nothing happens, and the log says so once.

    Args:
        name: the task's name; `description` its description.
        expected_outcome: what the run is to be judged against.
        customer: whom the run was for; likewise the other sections of a task, each an
            instance of its class or a mapping of its fields.
        step_action: what the step of this span did, in the service's vocabulary.
        step_purpose: why it did it.
        skip: True keeps the whole run from being sent.
        span: the span to write on; None for the current one.

    Raises:
        ValidationError: a section is none, or lacks what it requires.
    """
    sections = {
        "expected_outcome": expected_outcome,
        "time_tracking": time_tracking,
        "customer": customer,
        "support": support,
        "sales": sales,
        "marketing": marketing,
        "content": content,
        "research": research,
        "project": project,
        "development": development,
        "executive": executive,
        "general": general,
    }
    attributes: dict[str, Any] = {
        "infinium.task.name": name,
        "infinium.task.description": description,
        "infinium.step.action": step_action,
        "infinium.step.purpose": step_purpose,
        "infinium.skip": skip,
    }
    for section, value in sections.items():
        if value is not None:
            attributes |= _section_attributes(section, value)
    _write(span or trace.get_current_span(), attributes)


def _section_attributes(section: str, value: Any) -> dict[str, Any]:
    kind: type[Any] = SECTIONS.get(section, ExpectedOutcome)
    filled = coerce(value, kind, path=section)
    return {
        f"infinium.{section}.{field.name}": _attribute(getattr(filled, field.name))
        for field in fields(kind)
    }


def _attribute(value: Any) -> Any:
    """*value* as an attribute: lists of texts as sequences, what nests as JSON."""
    value = plain(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if isinstance(value, (list, Mapping)):
        return json.dumps(value, ensure_ascii=False)
    return value


_unheard: set[str] = set()


def _write(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.is_recording():
        span.set_attributes({k: v for k, v in attributes.items() if v is not None})
    elif not _unheard:
        _unheard.add("said")
        logger.warning("annotate() was called where no span is recording")
