"""What the doctor found: a level, a sentence, and what mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEVELS = ("ok", "note", "warning", "error")
"""From what is well to what keeps runs from arriving."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        topic: the heading it stands under.
        level: one of `LEVELS`.
        says: one sentence.
        mend: the command that mends it; None if there is nothing to mend.
    """

    topic: str
    level: str
    says: str
    mend: str | None = None


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings there are, by level."""
    levels = [finding.level for finding in findings]
    return {level: levels.count(level) for level in LEVELS}


def as_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """The findings as a JSON object."""
    listed = list(findings)
    return {"counts": counted(listed), "findings": [asdict(each) for each in listed]}


def as_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """The findings as a person reads them: under headings, then a summary."""
    listed = list(findings)
    topic = None
    for finding in listed:
        if finding.topic != topic:
            yield f"{'' if topic is None else chr(10)}{finding.topic}"
            topic = finding.topic
        yield f"  {finding.level:8}{finding.says}"
        if finding.mend is not None:
            yield f"          mend: {finding.mend}"
    totals = counted(listed)
    yield f"\n{totals['error']} errors, {totals['warning']} warnings"
