"""Queries for the list: one page of it, filtered and sorted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.serve.checks import RejectedError, parse_time

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
"""The sort orders by name; `newest` and `oldest` are by arrival."""
DEFAULT_ORDER = "ended"
"""Not by arrival: history that is sent later belongs below what ended after it."""

AMOUNT = re.compile(r"\d{1,9}(\.\d{1,9})?")
FATAL = "fatal"
ERRORS = {FATAL: "fatal > 0", "rules": "rules_failed > 0"}
"""The conditions of `errors` by its value; of any other: with an error."""

UNSPACED = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])")
"""Characters of scripts without spaces between words."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query for the list; None does not filter.

    Args:
        since_ms: only tasks that ended at or after it, ms since the epoch.
        errors: only tasks with an error; "fatal": with one the run did not recover from;
            "rules": those that failed a rule of the server.
        session: only tasks of this conversation.
        user: only tasks of this user.
        tag: only tasks with this tag: its name and value.
        min_cost_usd: only tasks that cost at least as much.
        min_duration_s: only tasks that took at least as long.
    """

    limit: int = 100
    offset: int = 0
    words: str | None = None
    errors: str = ""
    model: str | None = None
    agent: str | None = None
    since_ms: int | None = None
    session: str | None = None
    user: str | None = None
    tag: tuple[str, str] | None = None
    min_cost_usd: float | None = None
    min_duration_s: float | None = None
    order: str = DEFAULT_ORDER

    @classmethod
    def from_params(cls, params: Mapping[str, str], now_ms: int) -> Query:
        """Parse the parameters of a URL.

        Raises:
            RejectedError: 400 for an invalid parameter.
        """
        return cls(
            limit=_parse_integer(params, "limit", 100, 1, MAX_LIMIT),
            offset=_parse_integer(params, "offset", 0, 0, MAX_OFFSET),
            words=params.get("q", "").strip() or None,
            errors=_parse_errors(params.get("errors", "")),
            model=params.get("model") or None,
            agent=params.get("agent") or None,
            since_ms=_parse_since(params.get("since", ""), now_ms),
            session=params.get("session") or None,
            user=params.get("user") or None,
            tag=_parse_tag(params.get("tag", "")),
            min_cost_usd=_parse_amount(params, "min_cost"),
            min_duration_s=_parse_amount(params, "min_duration"),
            order=_parse_order(params.get("sort") or DEFAULT_ORDER),
        )

    def where(self) -> tuple[str, list[object]]:
        """Build the SQL condition and its arguments; for words, the search comes first."""
        conditions = list(self._conditions())
        sql = " AND ".join(condition for condition, _ in conditions)
        return sql or "1", [argument for _, value in conditions for argument in value]

    def _conditions(self) -> Iterator[tuple[str, list[object]]]:
        if self.errors:
            yield ERRORS.get(self.errors, "errors > 0"), []
        compared = {
            "agent = ?": self.agent,
            "session = ?": self.session,
            "user = ?": self.user,
            "ended_ms >= ?": self.since_ms,
            "cost_usd >= ?": self.min_cost_usd,
            "duration_s >= ?": self.min_duration_s,
        }
        for condition, value in compared.items():
            if value is not None:
                yield condition, [value]
        if self.tag is not None:
            sql = "seq IN (SELECT seq FROM tags WHERE name = ? AND value = ?)"
            yield sql, [*self.tag]
        if self.model is not None:
            yield "seq IN (SELECT seq FROM models WHERE model = ?)", [self.model]
        if self.words is not None:
            yield "seq IN (SELECT seq FROM temp.found)", []  # see `SearchIndex.find`


def add_spaces(text: str) -> str:
    """Separate the characters of scripts without spaces, so that each can be found."""
    return UNSPACED.sub(r" \1 ", text)


def to_match_query(words: str) -> str:
    """Build the full-text query for *words*: each must occur, at least as a prefix."""
    terms = (term.replace('"', '""').replace("\0", " ") for term in words.split())
    return " AND ".join(f'"{add_spaces(term).strip()}"*' for term in terms)


def _parse_integer(
    params: Mapping[str, str], name: str, default: int, least: int, most: int
) -> int:
    value = params.get(name) or str(default)
    digits = value.isascii() and value.isdecimal() and len(value) < len(str(most)) + 1
    if not digits or not least <= int(value) <= most:
        raise RejectedError(
            f"{name} must be a whole number from {least} to {most}",
            status_code=400,
            field=name,
        )
    return int(value)


def _parse_errors(value: str) -> str:
    return "" if value in ("0", "false") else value


def _parse_tag(value: str) -> tuple[str, str] | None:
    if not value:
        return None
    name, separator, text = value.partition(":")
    if not (name and separator and text):
        raise RejectedError(
            "tag must be a name and a value, such as tenant:acme",
            status_code=400,
            field="tag",
        )
    return name, text


def _parse_amount(params: Mapping[str, str], name: str) -> float | None:
    value = params.get(name, "")
    if not value:
        return None
    if not AMOUNT.fullmatch(value):
        raise RejectedError(
            f"{name} must be a number such as 0.25", status_code=400, field=name
        )
    return float(value)


def _parse_since(value: str, now_ms: int) -> int | None:
    if not value:
        return None
    if ago := AGO.fullmatch(value):
        return now_ms - int(ago[1]) * UNIT_MS[ago[2]]
    parsed = parse_time(value)
    if parsed is None:
        raise RejectedError(
            "since must be a time such as 2026-01-31T12:00:00Z, or 15m, 24h, 7d",
            status_code=400,
            field="since",
        )
    return round(parsed.timestamp() * 1000)


def _parse_order(value: str) -> str:
    if value not in ORDERS:
        raise RejectedError(
            f"sort must be one of {', '.join(ORDERS)}", status_code=400, field="sort"
        )
    return value
