"""Loads the dialects of other distributions.

They are entry points of the group `infinium_otel.dialects`, each of which refers to an
`infinium_otel.dialects.Dialect`.
"""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from infinium_otel.dialects import Dialect

GROUP = "infinium_otel.dialects"

logger = logging.getLogger(__name__)


def load_readers() -> tuple[Dialect, ...]:
    """The dialects of other installed distributions, sorted by name.

    One that cannot be loaded, or is not a `Dialect`, is skipped with a warning: it must
    not cost the application its telemetry.
    """
    found = [_load(point) for point in _find_points(tuple(sys.path))]
    return tuple(dialect for dialect in found if dialect is not None)


@lru_cache(maxsize=4)
def _find_points(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points, once for each value of `sys.path`: every package is read."""
    return tuple(sorted(entry_points(group=GROUP)))


def _load(point: EntryPoint) -> Dialect | None:
    try:
        dialect = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an import may do anything
        logger.warning(
            "dialect %s (%s) was not loaded: %s",
            point.name,
            point.value,
            type(error).__name__,
        )
        return None
    if not isinstance(dialect, Dialect):
        logger.warning("dialect %s (%s) is not a Dialect", point.name, point.value)
        return None
    return dialect
