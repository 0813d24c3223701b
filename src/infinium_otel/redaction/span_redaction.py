"""Removes credentials from spans and log events, for what is made of spans directly."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from infinium_otel.records import LogEvent, SpanRecord
from infinium_otel.redaction.credentials.budget import limit_search
from infinium_otel.redaction.task_redaction import plan_redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infinium_otel.config import Config
    from infinium_otel.records import Attributes
    from infinium_otel.redaction.task_redaction import Redaction

    Record = SpanRecord | LogEvent


def redact_records(
    records: Iterable[Record], config: Config, go_on: Callable[[], bool] = lambda: True
) -> list[Record]:
    """*records* without credentials; those without any are the same objects.

    Args:
        config: as for `redact`; the key that a callable gets begins with the part of the
            record: `name`, `status_message`, `attributes`, `events`, `links`, `resource`
            or `body`.
        go_on: called before each record; once it is false, this and the records behind it
            are left out.
    """
    resources = _Resources(config)
    with limit_search():
        searched = takewhile(lambda _: go_on(), records)
        return [_redact_record(record, config, resources) for record in searched]


class _Resources:
    """Redacts each resource once: the records of a process share it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._redacted: dict[int, tuple[Attributes, Attributes]] = {}

    def redact(self, resource: Attributes) -> Attributes:
        known = self._redacted.get(id(resource))
        if known is None:
            redaction = plan_redaction(resource, self._config)
            clean = resource
            if redaction is not None:
                clean = redaction.redact_mapping(resource, "resource")
            known = self._redacted[id(resource)] = resource, clean
        return known[1]


def _redact_record(record: Record, config: Config, resources: _Resources) -> Record:
    resource = resources.redact(record.resource)
    parts = _get_parts(record)
    redaction = plan_redaction(parts, config)
    if redaction is None and resource is record.resource:
        return record
    changes = {} if redaction is None else _redact_parts(record, redaction)
    return replace(record, resource=resource, **changes)


def _get_parts(record: Record) -> list[Any]:
    """What has texts of others: all but ids, times and the scope."""
    if isinstance(record, LogEvent):
        return [record.name, record.attributes, record.body]
    return [
        record.name,
        record.status_message,
        record.attributes,
        *((event.name, event.attributes) for event in record.events),
        *(link.attributes for link in record.links),
    ]


def _redact_parts(record: Record, redaction: Redaction) -> dict[str, Any]:
    changes = {
        "name": redaction.redact_value(record.name, "name"),
        "attributes": redaction.redact_mapping(record.attributes, "attributes"),
    }
    if isinstance(record, LogEvent):
        return {**changes, "body": redaction.redact_value(record.body, "body")}
    events = tuple(
        replace(
            event,
            name=redaction.redact_value(event.name, "events.name"),
            attributes=redaction.redact_mapping(event.attributes, "events.attributes"),
        )
        for event in record.events
    )
    links = tuple(
        replace(
            link,
            attributes=redaction.redact_mapping(link.attributes, "links.attributes"),
        )
        for link in record.links
    )
    message = redaction.redact_value(record.status_message, "status_message")
    return {**changes, "status_message": message, "events": events, "links": links}
