"""Finds the dialects that other distributions offer.

They are entry points of the group `infinium_otel.dialects`, each naming a
`infinium_otel.dialects.Dialect`.
"""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points

from infinium_otel.dialects import Dialect

GROUP = "infinium_otel.dialects"

logger = logging.getLogger(__name__)


def load_readers() -> tuple[Dialect, ...]:
    """The dialects of other installed distributions, by name.

    One that cannot be loaded, or is no `Dialect`, is left out with a warning: it must
    not cost the application its telemetry.
    """
    found = [_loaded(point) for point in sorted(entry_points(group=GROUP))]
    return tuple(dialect for dialect in found if dialect is not None)


def _loaded(point: EntryPoint) -> Dialect | None:
    try:
        dialect = point.load()
    except Exception as error:  # noqa: BLE001 - whatever another's module does when imported
        logger.warning(
            "dialect %s (%s) was not loaded: %s",
            point.name,
            point.value,
            type(error).__name__,
        )
        return None
    if not isinstance(dialect, Dialect):
        logger.warning("dialect %s (%s) is no Dialect", point.name, point.value)
        return None
    return dialect
