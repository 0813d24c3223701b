"""How long traces and runs wait for what may still come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.assembly.open_trace import OpenTrace
    from infinium_otel.config import Config

SETTLE_S = 5.0
"""Seconds a whole trace (`task_per=trace`) must be quiet once its root has ended: other
processes send their spans up to five seconds late (the SDK's batch delay)."""
LATE_S = 1.0
"""Seconds for which late spans are gathered before they are emitted as one part."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How many seconds an ended run waits.

    Args:
        settle_s: one of which nothing is missing: for its log events.
        late_s: spans that come after their run was emitted: for more of them.
        linger_s: for children that run; an agent also for a parent that was not seen.
        timeout_s: a workflow or call, for a parent that was not seen: it may be an agent.
    """

    settle_s: float
    late_s: float
    linger_s: float
    timeout_s: float


class WaitTimes:
    """The waits that the settings lead to.

    Attributes:
        settle_s: seconds for which a complete trace still waits for its log events.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._per_trace = config.task_per == "trace"
        self.settle_s = min(SETTLE_S, config.linger_s) if self._per_trace else 0.0

    def is_quiet_time(self, trace: OpenTrace) -> bool:
        """Whether the wait begins anew with each span."""
        return self._per_trace and not trace.running

    def get_wait_s(self, trace: OpenTrace, *, late: bool) -> float | None:
        """Seconds from now until *trace* is emitted; None if only the timeout decides.

        Args:
            late: whether tasks of it were emitted before.
        """
        if trace.running:
            if trace.root_ended or late:
                return self._config.linger_s
        elif trace.root_ended:
            return self._get_wait_after_root_s(trace)
        elif late:
            return 0.0 if trace.starts_seen else LATE_S
        too_long = len(trace.spans) > self._config.max_spans_per_trace
        return 0.0 if too_long else None

    def _get_wait_after_root_s(self, trace: OpenTrace) -> float:
        if self._per_trace and not trace.true_root_ended:
            return self._config.linger_s
        return self.settle_s

    def get_run_waits(self, trace: OpenTrace) -> Waits:
        """What the runs inside *trace* wait for."""
        config = self._config
        return Waits(
            settle_s=self.settle_s,
            late_s=0.0 if trace.starts_seen else LATE_S,
            linger_s=config.linger_s,
            timeout_s=max(config.trace_timeout_s, config.linger_s),
        )
