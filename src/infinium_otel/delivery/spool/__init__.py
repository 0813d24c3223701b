"""Tasks waiting on disk: a SQLite file that several processes share."""

from infinium_otel.delivery.spool.contents import Kept, drop, listing, retry
from infinium_otel.delivery.spool.spool import Spool

__all__ = ["Kept", "Spool", "drop", "listing", "retry"]
