"""Noticing a root that stays open while agents below it end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.assembly.roles import AGENT

if TYPE_CHECKING:
    from infinium_otel.assembly.open_trace import OpenTrace
    from infinium_otel.assembly.roles import Roles


class LongRootWatch:
    """Finds the first root that holds back the tasks of the agents below it.

    Args:
        roles: finds out which spans are agents; None switches the watch off.
        timeout_s: for how long a root may be open.

    Attributes:
        found: the trace id and the number of ended agents; None if there is none so far.
    """

    def __init__(self, roles: Roles | None, timeout_s: float) -> None:
        self._roles = roles
        self._timeout_s = timeout_s
        self.found: tuple[str, int] | None = None

    def check(self, trace: OpenTrace, now_s: float) -> None:
        """Look whether *trace* has such a root."""
        if (
            self._roles is None
            or self.found is not None
            or trace.root_ended
            or now_s - trace.opened_s < self._timeout_s
        ):
            return
        trace.opened_s = now_s  # look again later, not with every batch
        start = trace.root_start
        if start is not None and self._roles.find_start_role(start):
            return
        agents = sum(
            self._roles.find_role(record) == AGENT for record in trace.spans.values()
        )
        if agents:
            self.found = (trace.trace_id, agents)
