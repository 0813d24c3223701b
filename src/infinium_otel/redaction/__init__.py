"""Credentials: found in any text, and removed from it."""

from infinium_otel.redaction.credentials.budget import SearchBudget, limit_search
from infinium_otel.redaction.credentials.search import find_credentials
from infinium_otel.redaction.span_redaction import redact_records
from infinium_otel.redaction.task_redaction import (
    REDACTED,
    UNREADABLE,
    redact,
    redact_copy,
    remove_credentials,
)
from infinium_otel.redaction.truncation import find_cut, truncate, truncate_start

__all__ = [
    "REDACTED",
    "UNREADABLE",
    "SearchBudget",
    "find_credentials",
    "find_cut",
    "limit_search",
    "redact",
    "redact_copy",
    "redact_records",
    "remove_credentials",
    "truncate",
    "truncate_start",
]
