"""What spans are to the runs inside a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord, SpanStart

AGENT, WORKFLOW, CALL, UNKNOWN = "agent", "workflow", "call", "unknown"
"""What a span can be to a run; "" is none of them. `UNKNOWN` is a span that still runs
and may turn out to be an agent."""


class Roles(Protocol):
    """Finds out what spans are to runs; the assembler does not read attributes."""

    def find_role(self, record: SpanRecord) -> str:
        """The role of an ended span."""
        ...

    def find_start_role(self, start: SpanStart) -> str:
        """The role of a span that runs, as far as its start shows it."""
        ...
