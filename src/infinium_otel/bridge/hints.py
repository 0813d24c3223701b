"""Says once, for each instrumentation, how to switch its content on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.taskdata import ExecutionStep, TaskData

logger = logging.getLogger(__name__)

MAX_SCOPES = 100
"""Instrumentations that are told of; their names come from spans and may not end."""


class ContentHints:
    """Looks for model calls that tell nothing of what was said.

    Content in log records cannot be missed here: `logs_come` says that there is an
    inlet for them, and then nothing is said.
    """

    def __init__(self) -> None:
        self.logs_come = False
        self._told: set[str] = set()

    def look(self, task: TaskData) -> None:
        """Tell of the instrumentations in *task* whose calls have no content.

        How to switch it on is said once in the life of the process.
        """
        for step in task.steps or ():
            scope = _silent_scope(step)
            if scope and scope not in self._told and len(self._told) < MAX_SCOPES:
                self._told.add(scope)
                self._hint(scope)

    def _hint(self, scope: str) -> None:
        # Imported with the first silent call: all readers hang on it.
        from infinium_otel.dialects import content_hint  # noqa: PLC0415

        hint = content_hint(scope)
        if hint is not None:
            logger.info(
                "The spans of %s hold no messages; to have them, set %s", scope, hint
            )


def _silent_scope(step: ExecutionStep) -> str | None:
    """The instrumentation of a model call that succeeded without a word."""
    silent = step.llm_call and not (step.input_preview or step.output_preview)
    if not silent or step.error is not None:
        return None
    scope = (step.metadata or {}).get("otel.scope")
    return scope if isinstance(scope, str) else None
