"""What a command reports of runs that did not become a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.pipeline import (
    COPY,
    DROPPED,
    EXCLUDED,
    NO_RULE,
    NOT_INCLUDED,
    OWN_REQUEST,
    SAMPLED_OUT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEXTS = {
    COPY: "merged as copies of other runs",
    EXCLUDED: "excluded by infinium.skip",
    OWN_REQUEST: "requests to Infinium",
    DROPPED: "dropped by a rule of --routes",
    SAMPLED_OUT: "not in the share of their rule",
    NO_RULE: "not sent (no rule fits, and there is no default agent)",
    NOT_INCLUDED: "skipped (no LLM, tool or agent span)",
}
MAX_SCOPES = 5
"""Scopes named, at most."""


def describe_filtered(
    runs: Mapping[str, int], scopes: Mapping[str, int], cure: str
) -> Iterator[str]:
    """One phrase for each reason, with the number of runs.

    Args:
        runs: how many runs, by reason.
        scopes: how many of those without a model, tool or agent had a span of a scope.
        cure: what makes tasks of those as well.
    """
    for reason, text in TEXTS.items():
        if not runs.get(reason):
            continue
        line = f"{text}: {runs[reason]}"
        if reason == NOT_INCLUDED:
            most = sorted(scopes, key=lambda name: (-scopes[name], name))
            names = [*most[:MAX_SCOPES], *(["..."] if most[MAX_SCOPES:] else [])]
            line += f" (spans of {', '.join(names)}; {cure})"
        yield line
