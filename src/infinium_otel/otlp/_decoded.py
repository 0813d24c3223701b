"""What decoding a request came to: its records, and what had to be left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from infinium_otel.records import LogEvent, SpanRecord

Record = SpanRecord | LogEvent

MAX_PROBLEMS = 20
"""Sentences kept of one request; the rest are only counted."""

MAX_DEPTH = 64
"""How deep an attribute's value may nest. Source: protobuf's parsers stop at 100
messages, and a level of a value costs two of them or less."""

REMOTE_PARENT = 0x300
"""Span flags: bit 8 says that bit 9 is meant, bit 9 that the parent is remote."""

KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
"""By number; 0 is "unspecified", which the specification reads as internal."""

STATUSES = ("unset", "ok", "error")
"""By number."""


@dataclass(slots=True)
class Decoded:
    """The records of one request, in the order in which it holds them.

    Args:
        rejected_spans: spans without usable ids, left out; `rejected_logs` likewise.
        unrelated_logs: log records that belong to no span, left out: not a mistake.
        unreadable: whole requests that could not be read, such as a line of a file.
        problem_count: how often something was left out or replaced.
        problems: the first of these, a sentence each, free of the request's content.
    """

    records: list[Record] = field(default_factory=list)
    rejected_spans: int = 0
    rejected_logs: int = 0
    unrelated_logs: int = 0
    unreadable: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """Items that a reader of the input would miss."""
        return self.rejected_spans + self.rejected_logs + self.unreadable

    def note(self, problem: str) -> None:
        """Count a problem, and keep its sentence if there is still room."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)

    def reject_span(self, problem: str) -> None:
        """Leave a span out."""
        self.rejected_spans += 1
        self.note(problem)

    def reject_log(self, problem: str) -> None:
        """Leave a log record out."""
        self.rejected_logs += 1
        self.note(problem)


def times(start_ns: int, end_ns: int) -> tuple[int, int]:
    """Start and end, where the one that is missing (0) is taken from the other.

    A span of unknown length is better told as a short one than as one of fifty years.
    """
    return start_ns or end_ns, end_ns or start_ns
