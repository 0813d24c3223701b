"""One trace to its task, whatever the trace contains: a defect loses content, not a run."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from infinium_otel.dialects.lenient_json import limit_decoding
from infinium_otel.mapping import go_on, map_trace
from infinium_otel.mapping.fallback_task import make_fallback_task
from infinium_otel.pipeline.between import add_between
from infinium_otel.redaction import UNREADABLE, redact
from infinium_otel.taskdata.limits import clamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.dialects import Dialect
    from infinium_otel.pipeline.warnings import Warnings
    from infinium_otel.records import Trace
    from infinium_otel.taskdata import TaskData

logger = logging.getLogger(__name__)

MAX_SENT = 10_000
"""Sent runs remembered, at most: their late spans are sent as well."""


class TraceMapper:
    """Maps, redacts and clamps.

    Args:
        config: the settings.
        readers: dialects of third parties, after the built-in ones.
        warnings: logs each kind of warning once.

    Attributes:
        pause: called between small parts of the work, so that others can work too.
        problems: defects that a run survived, by the exception's type or the hook's name.
    """

    def __init__(
        self, config: Config, readers: tuple[Dialect, ...], warnings: Warnings
    ) -> None:
        self.pause: Callable[[], None] = go_on
        self.problems: Counter[str] = Counter()
        self._config = config
        self._readers = readers
        self._warnings = warnings
        self._unfiltered: Config | None = None
        self._sent: OrderedDict[tuple[str, str], None] = OrderedDict()

    def map(self, trace: Trace) -> TaskData | None:
        """The task of *trace*, without credentials and within limits; None if filtered."""
        try:
            config = self._get_config(trace)
            with limit_decoding(len(trace.records)) as limit:
                task = map_trace(trace, config, self._readers, self.pause)
            if limit.refused:
                self._warnings.warn_of_undecoded(trace.trace_id)
            if task is None:
                return None
            if trace.between:
                add_between(task, trace.between)
            self.pause()
            return clamp(redact(task, self._config))
        except Exception as error:  # noqa: BLE001 - a defect must not lose a run
            kind = type(error).__name__
            if not self.problems[kind]:
                logger.warning(
                    "A trace could not be mapped (%s); it is sent without content", kind
                )
            self.problems[kind] += 1
            return self._make_fallback(trace, kind)

    def should_send(self, task: TaskData) -> bool:
        """The result of the user's hook; if it fails, the task is sent."""
        if self._config.should_send is None:
            return True
        try:
            return bool(self._config.should_send(task))
        except Exception as error:  # noqa: BLE001 - the user's own code
            if not self.problems["should_send"]:
                logger.warning(
                    "should_send raised %s; the task is sent", type(error).__name__
                )
            self.problems["should_send"] += 1
            return True

    def remember(self, trace: Trace) -> None:
        """Note that the task of *trace* is sent: its late parts are sent as well."""
        self._sent[trace.trace_id, trace.root_id] = None
        if len(self._sent) > MAX_SENT:
            self._sent.popitem(last=False)

    def _get_config(self, trace: Trace) -> Config:
        """The settings for *trace*: late parts of a sent run are sent in any case."""
        if not (trace.part and (trace.trace_id, trace.root_id) in self._sent):
            return self._config
        if self._unfiltered is None:  # few pipelines ever need it
            self._unfiltered = self._config.but(include="all")
        return self._unfiltered

    def _make_fallback(self, trace: Trace, problem: str) -> TaskData:
        """A task without the parts that could not be mapped or redacted."""
        task = make_fallback_task(trace, problem)
        try:
            return clamp(redact(task, self._config))
        except Exception:  # noqa: BLE001 - the same defect may occur again
            task.name = UNREADABLE
            return task
