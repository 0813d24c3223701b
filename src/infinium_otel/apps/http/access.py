"""Who may send to a server: hosts, token, origins, and what becomes of the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from infinium_otel.apps.http.mistakes import MistakeLog


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send spans and read tasks.

    Args:
        hosts: names to accept in a Host header; empty for any.
        token: the bearer token to require; "" for none.
        origins: the web pages that may send spans, as `cors.parse_origin` returns them.
        mistakes: counts and logs what is rejected.
    """

    hosts: frozenset[str]
    token: str = ""
    origins: tuple[str, ...] = ()
    mistakes: MistakeLog = field(default_factory=MistakeLog)
