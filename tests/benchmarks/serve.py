"""How fast the local server returns the list and one long run.

    python tests/benchmarks/serve.py

10,000 tasks and a task of 2,000 steps; median of 100 requests each, over HTTP.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import json

from infinium_otel.apps.serve.store import Arrival, Store
from support.local_server import serving
from support.runs import AGENT_ID, long_run, some

TASKS = 10_000
REQUESTS = 100


def fill(path: Path) -> str:
    """Put the tasks into a new store; returns the id of the long one."""
    store = Store(str(path))
    for first in range(0, TASKS - 1, 500):
        last = min(first + 500, TASKS - 1)
        store.add([arrival(some(number)) for number in range(first, last)])
    (long_id,) = store.add([arrival(long_run(2_000))])
    store.close()
    return long_id


def arrival(task: dict) -> Arrival:
    return Arrival(task, json.dumps(task).encode(), AGENT_ID, None, "api", 0)


def median_ms(served, path: str, **params: object) -> float:
    """Median time of a GET, in milliseconds."""
    taken = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        served.get(path, **params)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.db"
        begun = time.perf_counter()
        long_id = fill(path)
        print(f"stored {TASKS:,} tasks in {time.perf_counter() - begun:.1f} s")
        with serving(path) as served:
            requests = {
                "list, newest first": ("/api/tasks", {}),
                "list, deep page": ("/api/tasks", {"offset": 9_800}),
                "list, by cost": ("/api/tasks", {"sort": "cost"}),
                "list, search": ("/api/tasks", {"q": "lisbon"}),
                "list, search of one letter": ("/api/tasks", {"q": "a"}),
                "list, search of a number": ("/api/tasks", {"q": "9"}),
                "list, errors of one model": (
                    "/api/tasks",
                    {"errors": 1, "model": "gpt-4o"},
                ),
                "task of 2,000 steps": (f"/api/tasks/{long_id}", {}),
            }
            for name, (address, params) in requests.items():
                took_ms = median_ms(served, address, **params)
                print(f"{name:28} {took_ms:6.1f} ms")


if __name__ == "__main__":
    main()
