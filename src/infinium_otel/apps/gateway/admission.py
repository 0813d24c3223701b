"""Which spans are accepted while the gateway is nearly full.

A run that has begun is taken further: only its remaining spans can complete it, and make
room. A new run is refused while there is no room for it; its sender keeps it, and retries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.backpressure import FULL
from infinium_otel.errors import DecodingError
from infinium_otel.records.bounds import TOO_LARGE

if TYPE_CHECKING:
    from infinium_otel.config import Config
    from infinium_otel.runtime import Load


@dataclass(frozen=True, slots=True)
class Shortage:
    """What there is no room for.

    Args:
        in_queue: tasks; else open runs.
        wait_s: after which there may be room.
    """

    in_queue: bool
    wait_s: float


def find_shortage(
    load: Load, config: Config, new_runs: int, rate: float
) -> Shortage | None:
    """Why *new_runs* more runs cannot begin now at *rate*; None if they can.

    Without a spool a full queue drops its oldest task, so no more runs may be open than
    it has room for. Open runs are only split when a bound on them is exceeded.
    """
    if not new_runs:
        return None
    if _exceeds_queue(load, config, new_runs):
        quarter = (load.tasks_queued + load.tasks_open) / 4
        return Shortage(in_queue=True, wait_s=quarter / rate)
    is_full = (
        load.tasks_open + new_runs > config.max_open_traces
        or load.spans_open >= config.max_open_spans * FULL
        or load.bytes_open >= config.max_open_bytes * FULL
    )
    return Shortage(in_queue=False, wait_s=1.0) if is_full else None


def check_new_runs(config: Config, new_runs: int) -> None:
    """Check whether an empty gateway had room for *new_runs*: else no retry is of use.

    Raises:
        DecodingError: it had not (413).
    """
    room = config.max_open_traces
    if config.spool is None:
        room = min(room, config.max_queued_tasks)
    if new_runs > room:
        raise DecodingError(
            f"{new_runs:,} runs begin in one request, and there is room for {room:,}: "
            "send smaller batches, or give the gateway a spool",
            status_code=TOO_LARGE,
        )


def _exceeds_queue(load: Load, config: Config, new_runs: int) -> bool:
    if config.spool is not None:
        return load.bytes_queued >= config.max_spool_bytes * FULL
    tasks = load.tasks_queued + load.tasks_open + new_runs
    is_full = load.bytes_queued >= config.max_queued_bytes * FULL
    return is_full or tasks > config.max_queued_tasks
