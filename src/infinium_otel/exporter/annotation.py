"""annotate(): facts about a run for which OpenTelemetry has no attribute."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from infinium_otel.records.from_sdk import ANNOTATED, ANNOTATION_MARK
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


def annotate(  # noqa: PLR0913 - one argument for each part of a task that can be set
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
    """Add to the current run what its spans do not contain.

    The values become `infinium.*` attributes of a span, so they reach the task in the
    same way as the span. If several spans of a run set a value, the root's wins, else
    the first span's. Set without this function, on another span than the root, they have
    no effect unless `Config.trust` is "all". If no span is recording, nothing happens
    except for one warning.

    Args:
        name: the task's name; `description` its description.
        expected_outcome: what the run is evaluated against.
        customer: whom the run was for. This and the other sections of a task are each
            an instance of their class or a mapping of its fields.
        step_action: what the step of this span did, in the service's vocabulary.
        step_purpose: why the step did it.
        skip: True prevents the whole run from being sent.
        span: the span to set the attributes on; None for the current one.

    Raises:
        ValidationError: a section has the wrong type or lacks a required field.
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
    attributes |= _read_sections(sections)
    _set_attributes(span or trace.get_current_span(), attributes)


def _read_sections(sections: Mapping[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for section, value in sections.items():
        if value is not None:
            attributes |= _read_section(section, value)
    return attributes


def _read_section(section: str, value: Any) -> dict[str, Any]:
    kind: type[Any] = SECTIONS.get(section, ExpectedOutcome)
    coerced = coerce(value, kind, path=section)
    return {
        f"infinium.{section}.{field.name}": _to_attribute(getattr(coerced, field.name))
        for field in fields(kind)
    }


def _to_attribute(value: Any) -> Any:
    """*value* as an attribute: lists of texts as sequences, nested values as JSON."""
    value = plain(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if isinstance(value, (list, Mapping)):
        return json.dumps(value, ensure_ascii=False)
    return value


_warnings: set[str] = set()


def _set_attributes(span: Span, attributes: Mapping[str, Any]) -> None:
    if span.is_recording():
        given = {k: v for k, v in attributes.items() if v is not None}
        span.set_attributes({**given, ANNOTATED: ANNOTATION_MARK})
    elif not _warnings:
        _warnings.add("not recording")
        logger.warning("annotate() was called where no span is recording")
