"""All kinds of credentials in one table, for the docs."""

from __future__ import annotations

from infinium_otel.redaction.credentials.known_commands import COMMANDS
from infinium_otel.redaction.credentials.known_prefixes import PREFIXED
from infinium_otel.redaction.credentials.known_shapes import SHAPED


def make_docs_rows() -> list[tuple[str, str, str]]:
    """The rows of the docs' table: kind, how it looks, source."""
    prefixed = [
        (row.kind, f"`{'`, `'.join(row.prefixes.split())}`", row.source)
        for row in PREFIXED
    ]
    shaped = [
        (row.kind, f"`{row.example}`", row.source) for row in (*SHAPED, *COMMANDS)
    ]
    return sorted(prefixed + shaped)
