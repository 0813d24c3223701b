"""Runs reported twice: a client's own traces of calls that a framework's trace reports.

Where a framework does not make its spans current, the client library's spans under it
become traces of their own. They are a copy only if every call in them is a call of the
other run: reported by another instrumentation, at the same time, with the same facts
(its response id and tokens; else its question and answer). Anything less is a separate
run: local servers, caches and recorded tests reuse response ids.

One instrumentation reports a stream twice: a span of the request, and once the stream has
been read, a log record with the answer, which is a trace of its own.
"""

from infinium_otel.mapping.dedup.copies import Copy, ReportedRun, find_copies
from infinium_otel.mapping.dedup.lone_tools import drop_reported_tools
from infinium_otel.mapping.dedup.merging import add_missing
from infinium_otel.mapping.dedup.reported_calls import ReportedCall
from infinium_otel.mapping.dedup.tasks import find_copied_tasks

__all__ = [
    "Copy",
    "ReportedCall",
    "ReportedRun",
    "add_missing",
    "drop_reported_tools",
    "find_copied_tasks",
    "find_copies",
]
