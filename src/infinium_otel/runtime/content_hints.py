"""Logs, once per instrumentation, how to make it record message content."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.taskdata import ExecutionStep, TaskData

logger = logging.getLogger(__name__)

MAX_SCOPES = 100
"""Most instrumentations to log: their names come from spans and may be unlimited."""


class ContentHints:
    """Finds model calls without message content.

    Attributes:
        expects_logs: True if log records are received: these may contain the content
            later, so nothing is logged.
    """

    def __init__(self) -> None:
        self.expects_logs = False
        self._logged: set[str] = set()

    def check(self, task: TaskData) -> None:
        """Log a hint for each instrumentation in *task* whose calls have no content."""
        for step in task.steps or ():
            scope = _find_scope_without_content(step)
            if scope and scope not in self._logged and len(self._logged) < MAX_SCOPES:
                self._logged.add(scope)
                self._log_hint(scope)

    def _log_hint(self, scope: str) -> None:
        # Imported with the first such call: it imports all dialects.
        from infinium_otel.dialects import content_hint  # noqa: PLC0415

        hint = content_hint(scope)
        if hint is not None:
            logger.info(
                "The spans of %s contain no messages; to record them, set %s",
                scope,
                hint,
            )


def _find_scope_without_content(step: ExecutionStep) -> str | None:
    """The instrumentation of a successful model call without input and output."""
    is_empty = step.llm_call and not (step.input_preview or step.output_preview)
    if not is_empty or step.error is not None:
        return None
    scope = (step.metadata or {}).get("otel.scope")
    return scope if isinstance(scope, str) else None
