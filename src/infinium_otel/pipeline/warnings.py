"""What a user must know of how runs are taken apart or merged, logged once each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from infinium_otel.dialects.lenient_json import (
    DECODED_BYTES_PER_SPAN,
    MAX_DECODED_BYTES,
)

if TYPE_CHECKING:
    from infinium_otel.config import Config

logger = logging.getLogger(__name__)

UNBOUNDED = 2**62


class Warnings:
    """Logs each kind of warning once.

    Args:
        config: the settings; their bounds are in the texts.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._logged: set[str] = set()

    def _log_once(self, kind: str, message: str, *values: object) -> None:
        if kind not in self._logged:
            self._logged.add(kind)
            logger.warning(message, *values)

    def warn_of_long_root(self, trace_id: str, agents: int) -> None:
        """A root stays open while agents end inside it."""
        self._log_once(
            "long_root",
            "The root of trace %s has been open for more than %g s, with %d agent spans "
            "ended inside it; they are sent together, when it ends. If each is a run of "
            "its own, set INFINIUM_OTEL_TASK_PER=agent",
            trace_id,
            self._config.trace_timeout_s,
            agents,
        )

    def warn_of_eviction(self) -> None:
        """Runs were sent before they were complete, to keep the bounds."""
        config = self._config
        bounds = {
            "runs": config.max_open_traces,
            "spans": config.max_open_spans,
            "MiB": config.max_open_bytes >> 20,
        }
        self._log_once(
            "eviction",
            "More runs are open than the bounds allow (%s): the oldest is sent as it is, "
            "and what it still gets is sent as a further part. Raise "
            "INFINIUM_OTEL_MAX_OPEN_TRACES, _SPANS or _BYTES. Further ones are only "
            "counted",
            ", ".join(f"{n} {unit}" for unit, n in bounds.items() if n < UNBOUNDED),
        )

    def warn_of_undecoded(self, trace_id: str) -> None:
        """A trace has more JSON in its attributes than is decoded."""
        self._log_once(
            "undecoded",
            "The attributes of trace %s hold more JSON than is decoded (%d MiB in memory, "
            "and %d KiB for each span): what is beyond that is sent as text. Record less "
            "of it in one run",
            trace_id,
            MAX_DECODED_BYTES >> 20,
            DECODED_BYTES_PER_SPAN >> 10,
        )

    def warn_of_copy(self, kept: str, dropped: str, counted_as: str) -> None:
        """The run of trace *dropped* repeats calls of that of trace *kept*."""
        self._log_once(
            "copy",
            "Trace %s repeats calls of trace %s (two instrumentations report the "
            "same calls in separate traces): merged into it. To stop this, switch "
            "one of them off. Further copies are only counted, as %r",
            dropped,
            kept,
            counted_as,
        )
