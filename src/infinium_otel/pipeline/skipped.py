"""Which traces became no task, by the scopes their spans came from, and what is logged.

A service has health checks, an AI library has spans that are no run: that is as it
should be, and worth one line. Spans of an AI library of which no trace ever is a run are
probably in a vocabulary that is not read: that is worth a warning.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import is_root
from infinium_otel.dialects import is_ai_scope
from infinium_otel.mapping.signs import list_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infinium_otel.records import SpanRecord

logger = logging.getLogger(__name__)

NOT_INCLUDED = "not_included"
"""Why a trace is not sent: nothing in it looks like the work of a model or an agent."""
MAX_SCOPES = 100
"""Scopes counted by name, at most: their names come from spans and may be unlimited."""
OTHER_SCOPES = "(others)"
UNNAMED = "(no scope)"
SHOWN = 5
"""Scopes named in one line, at most."""
ENOUGH = 10
"""Traces of a scope after which it is logged without waiting for a flush."""


class SkippedTraces:
    """Counts the traces that `Config.include` excludes, by scope, and logs them once.

    Args:
        advise: what to do so that the model calls of this program are recorded, as a
            sentence; "" if nothing is known. With it, the first such trace is logged at
            once, as long as no run was sent. None in a process that only receives spans.

    Attributes:
        scopes: how many traces had a span of a scope, by its name.
    """

    def __init__(self, advise: Callable[[], str] | None = None) -> None:
        self._advise = advise
        self.scopes: Counter[str] = Counter()
        self._transport: dict[str, bool] = {}
        self._due: list[str] = []
        self._logged: set[str] = set()
        self._sent: set[str] = set()

    def add(self, records: Sequence[SpanRecord]) -> None:
        """Count a trace that became no task; in its own process, only with its root.

        A part whose root is still open there may yet belong to a run: it was flushed.
        """
        if self._advise is not None and not any(map(is_root, records)):
            return
        for scope, transport in list_scopes(records).items():
            name = scope or UNNAMED
            if name not in self.scopes and len(self.scopes) >= MAX_SCOPES:
                name = OTHER_SCOPES
            self.scopes[name] += 1
            self._transport[name] = transport and self._transport.get(name, True)
            if self.scopes[name] == ENOUGH:
                self._due.append(name)

    def add_sent(self, records: Sequence[SpanRecord]) -> None:
        """Remember which scopes' spans are in a run that is sent."""
        if len(self._sent) < MAX_SCOPES:
            self._sent.update([record.scope_name or UNNAMED for record in records])

    def log(self, *, everything: bool = False) -> None:
        """Log the scopes of many traces, each once.

        Args:
            everything: those of few traces as well: the pipeline is being flushed.
        """
        if self._advise is not None and not self._sent:
            self._log_no_run(self._advise, everything=everything)
            return
        names = list(self.scopes) if everything else self._due
        for name in names:
            if name not in self._logged:
                self._logged.add(name)
                self._log(name)
        self._due = []

    def _log_no_run(self, advise: Callable[[], str], *, everything: bool) -> None:
        """Log in one line that nothing was sent so far: at the first trace, at a flush."""
        names = [name for name in self.scopes if name not in self._logged]
        has_other = not all(self._transport[name] for name in names)
        if not names or not (everything or (has_other and not self._logged)):
            return
        self._logged.update(names)
        advice = advise()
        logger.log(
            logging.WARNING if has_other or advice else logging.INFO,
            "No model call, tool or agent was found so far: %d traces with spans of %s "
            "were not sent. %s. To send all traces, set INFINIUM_OTEL_INCLUDE=all",
            max(self.scopes[name] for name in names),
            ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else ""),
            advice
            or "Install an OpenTelemetry instrumentation of the model's client library",
        )

    def _log(self, name: str) -> None:
        if self._transport[name]:
            logger.info(
                "Not sent: %d traces with spans of %s that have only requests, queries or "
                "messages. To send all traces, set INFINIUM_OTEL_INCLUDE=all",
                self.scopes[name],
                name,
            )
            return
        is_unread = name not in self._sent and (is_ai_scope(name) or not self._sent)
        logger.log(
            logging.WARNING if is_unread else logging.INFO,
            "Not sent: %d traces with spans of %s, because no model call, tool or agent "
            "was recognized in them. If they are runs, set INFINIUM_OTEL_INCLUDE=all, or "
            "install an OpenTelemetry instrumentation of the model's client library",
            self.scopes[name],
            name,
        )
