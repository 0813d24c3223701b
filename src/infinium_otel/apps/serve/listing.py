"""What a reader of the list asks for: a page of it, filtered and in an order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.serve.checks import RefusedError, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LIMIT = 500
MAX_OFFSET = 2**53
UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
AGO = re.compile(r"(\d{1,9})([smhd])")

ORDERS = {
    "newest": "seq DESC",
    "oldest": "seq ASC",
    "ended": "ended_ms DESC, seq DESC",
    "duration": "duration_s DESC, seq DESC",
    "steps": "steps DESC, seq DESC",
    "tokens": "total_tokens DESC NULLS LAST, seq DESC",
    "cost": "cost_usd DESC NULLS LAST, seq DESC",
    "errors": "errors DESC, seq DESC",
    "name": "name COLLATE NOCASE ASC, seq DESC",
}
"""The orders by name; `newest` is the last one that arrived."""

UNSPACED = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])")
"""Characters of scripts that put no space between words."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question to the list; None does not filter.

    Args:
        since_ms: only tasks that ended at or after it, ms since the epoch.
        errors: only tasks with an error.
    """

    limit: int = 100
    offset: int = 0
    words: str | None = None
    errors: bool = False
    model: str | None = None
    agent: str | None = None
    since_ms: int | None = None
    order: str = "newest"

    @classmethod
    def from_params(cls, params: Mapping[str, str], now_ms: int) -> Query:
        """The question that the parameters of an address ask.

        Raises:
            RefusedError: 400 for a parameter that cannot be understood.
        """
        return cls(
            limit=_whole(params, "limit", 100, 1, MAX_LIMIT),
            offset=_whole(params, "offset", 0, 0, MAX_OFFSET),
            words=params.get("q", "").strip() or None,
            errors=params.get("errors", "") not in ("", "0", "false"),
            model=params.get("model") or None,
            agent=params.get("agent") or None,
            since_ms=_since(params.get("since", ""), now_ms),
            order=_order(params.get("sort") or "newest"),
        )

    def where(self) -> tuple[str, list[object]]:
        """The SQL condition and its arguments."""
        conditions = list(self._conditions())
        sql = " AND ".join(condition for condition, _ in conditions)
        return sql or "1", [argument for _, given in conditions for argument in given]

    def _conditions(self) -> Iterator[tuple[str, list[object]]]:
        if self.errors:
            yield "errors > 0", []
        if self.agent is not None:
            yield "agent = ?", [self.agent]
        if self.since_ms is not None:
            yield "ended_ms >= ?", [self.since_ms]
        if self.model is not None:
            yield "seq IN (SELECT seq FROM models WHERE model = ?)", [self.model]
        if self.words is not None:
            sql = "seq IN (SELECT rowid FROM words WHERE words MATCH ?)"
            yield sql, [match_of(self.words)]


def spaced(text: str) -> str:
    """*text* with spaces where its script has none, so that a part of it is found."""
    return UNSPACED.sub(r" \1 ", text)


def match_of(words: str) -> str:
    """The full-text query for *words*: each must occur, at least as a beginning."""
    terms = (term.replace('"', '""').replace("\0", " ") for term in words.split())
    return " AND ".join(f'"{spaced(term).strip()}"*' for term in terms)


def _whole(
    params: Mapping[str, str], name: str, default: int, least: int, most: int
) -> int:
    given = params.get(name) or str(default)
    digits = given.isascii() and given.isdecimal() and len(given) < len(str(most)) + 1
    if not digits or not least <= int(given) <= most:
        raise RefusedError(
            f"{name} must be a whole number from {least} to {most}",
            status_code=400,
            field=name,
        )
    return int(given)


def _since(given: str, now_ms: int) -> int | None:
    if not given:
        return None
    if ago := AGO.fullmatch(given):
        return now_ms - int(ago[1]) * UNIT_MS[ago[2]]
    found = moment(given)
    if found is None:
        raise RefusedError(
            "since must be a time such as 2026-01-31T12:00:00Z, or 15m, 24h, 7d",
            status_code=400,
            field="since",
        )
    return round(found.timestamp() * 1000)


def _order(given: str) -> str:
    if given not in ORDERS:
        raise RefusedError(
            f"sort must be one of {', '.join(ORDERS)}", status_code=400, field="sort"
        )
    return given
