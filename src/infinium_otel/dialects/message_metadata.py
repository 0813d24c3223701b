"""Model and usage that frameworks keep beside a message: `response_metadata`, `_meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import text
from infinium_otel.dialects._facts import dig, put_usage
from infinium_otel.dialects._usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import Usage

_USAGES = ("usage", "token_usage", "usage_metadata")


def read_model(metadata: Mapping[str, Any]) -> str | None:
    """The model that responded, from a message's metadata; None if it is not there."""
    return text(metadata.get("model")) or text(metadata.get("model_name"))


def read_message_usage(metadata: Mapping[str, Any]) -> Usage | None:
    """The usage of the call that made a message; None if it is not there."""
    facts: Facts = {}
    for key in _USAGES:
        put_usage(facts, dig(metadata, key))
    return read_usage(facts)
