"""The doctor's findings: a level, a message, and the command that fixes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEVELS = ("ok", "note", "warning", "error")
"""From "as it should be" to "runs do not arrive"."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        topic: the heading to list it under.
        level: one of `LEVELS`.
        message: one sentence.
        fix: the command that fixes it; None if there is nothing to fix.
    """

    topic: str
    level: str
    message: str
    fix: str | None = None


def count_levels(findings: Iterable[Finding]) -> dict[str, int]:
    """Count the findings, by level."""
    levels = [finding.level for finding in findings]
    return {level: levels.count(level) for level in LEVELS}


def to_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the findings as a JSON object."""
    listed = list(findings)
    return {
        "counts": count_levels(listed),
        "findings": [asdict(each) for each in listed],
    }


def to_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Write the findings for a terminal: under headings, then a summary."""
    listed = list(findings)
    topic = None
    for finding in listed:
        if finding.topic != topic:
            yield f"{'' if topic is None else chr(10)}{finding.topic}"
            topic = finding.topic
        yield f"  {finding.level:8}{finding.message}"
        if finding.fix is not None:
            yield f"          fix: {finding.fix}"
    totals = count_levels(listed)
    counts = (
        f"{totals[level]} {level}{'s' * (totals[level] != 1)}"
        for level in ("error", "warning")
    )
    yield f"\n{', '.join(counts)}"
