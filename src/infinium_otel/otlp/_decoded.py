"""The result of decoding a request: its records, and what was skipped."""

from __future__ import annotations

from dataclasses import dataclass, field

from infinium_otel.records import LogEvent, SpanRecord
from infinium_otel.records.bounds import Budget

Record = SpanRecord | LogEvent

MAX_PROBLEMS = 20
"""Problems kept per request; further ones are only counted."""

MAX_DEPTH = 64
"""How deep an attribute's value may nest. Source: protobuf's parsers stop at 100
messages, and one level of a value needs at most two of them."""

REMOTE_PARENT = 0x300
"""Span flags: bit 8 means that bit 9 is set on purpose, bit 9 that the parent is remote."""

KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
"""By number; 0 is "unspecified", which the specification reads as internal."""

STATUSES = ("unset", "ok", "error")
"""By number."""


@dataclass(slots=True)
class Decoded:
    """The records of one request, in the order in which it holds them.

    Args:
        rejected_spans: skipped spans without usable ids.
        rejected_logs: skipped log records with malformed ids.
        unrelated_logs: skipped log records that have no span: not a mistake.
        unreadable: whole requests that could not be read, such as a line of a file.
        problem_count: how often something was skipped or replaced.
        problems: the first of these, one sentence each, without the request's content.
        budget: what may still be made of the request.
    """

    records: list[Record] = field(default_factory=list)
    rejected_spans: int = 0
    rejected_logs: int = 0
    unrelated_logs: int = 0
    unreadable: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget, repr=False, compare=False)

    @property
    def skipped(self) -> int:
        """Spans, log records and requests that were skipped by mistake of the sender."""
        return self.rejected_spans + self.rejected_logs + self.unreadable

    def note(self, problem: str) -> None:
        """Count a problem, and keep its text if there is still room."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)

    def reject_span(self, problem: str) -> None:
        """Skip a span."""
        self.rejected_spans += 1
        self.note(problem)

    def reject_log(self, problem: str) -> None:
        """Skip a log record."""
        self.rejected_logs += 1
        self.note(problem)


def fill_times(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Start and end, where a missing one (0) is replaced by the other.

    A span of unknown length should appear as a short one, not as one of fifty years.
    """
    return start_ns or end_ns, end_ns or start_ns
