"""Tasks queued on disk: a SQLite file that several processes share."""

from infinium_otel.delivery.storage.spool.contents import (
    StoredTask,
    count_tasks,
    drop,
    list_tasks,
    retry,
)
from infinium_otel.delivery.storage.spool.spool import Spool

__all__ = ["Spool", "StoredTask", "count_tasks", "drop", "list_tasks", "retry"]
