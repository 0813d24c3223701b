"""Which traces were not sent, beside the spool, so that `doctor` can name their scopes."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

from infinium_otel.delivery.storage.private_files import open_private

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

SUFFIX = ".skipped.json"


def save(spool: str, scopes: Mapping[str, int]) -> None:
    """Write how many traces without a model, tool or agent had spans of each scope."""
    path = spool + SUFFIX
    try:
        with os.fdopen(open_private(path), "w", encoding="utf-8") as file:
            json.dump(dict(scopes), file)
    except OSError as error:
        logger.debug("%s cannot be written: %s", path, error)


def load(spool: str) -> dict[str, int]:
    """What the last process wrote; nothing if there is no such file, or it is damaged."""
    try:
        with open(spool + SUFFIX, encoding="utf-8") as file:  # noqa: PTH123 - as above
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {name: count for name, count in items if isinstance(count, int)}
