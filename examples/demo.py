"""End to end on this machine: an agent runs, and its run arrives as one task.

    python3 examples/demo.py

Creates a virtual environment (`.venv-demo`), starts `infinium-otel serve` as the
endpoint, runs `openai_agent.py` against a scripted model, reads the task back from the
endpoint and prints it. With INFINIUM_AGENT_ID and INFINIUM_AGENT_SECRET set, the task
goes to the real service instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request
import venv
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv-demo"
NEEDED = (
    f"{ROOT}[server,cost]",
    "openai>=2",
    "opentelemetry-instrumentation-genai-openai==1.3b0",
)
MODULES = (
    "infinium_otel",
    "openai",
    "opentelemetry.instrumentation.genai.openai",
    "starlette",
    "uvicorn",
)
LOCAL_AGENT = {
    "agent_id": "0d5f1d1e-5a3e-4c6f-9c1b-2f6a7b8c9d0e",
    "agent_secret": "any-secret-will-do",
}
WIDTH = 92
STYLES = {"name": 1, "faint": 2, "bad": 31, "good": 32}
"""How a part of the tree looks in a terminal. Source: ECMA-48, SGR."""


def main() -> int:
    """Run the demo; return the exit code."""
    if not _installed():
        return _again_in(HOME)
    if os.environ.get("INFINIUM_AGENT_ID") and os.environ.get("INFINIUM_AGENT_SECRET"):
        return _to_the_service()
    return _to_this_machine()


# -- the environment ---------------------------------------------------------------


def _installed() -> bool:
    try:
        return all(find_spec(module) for module in MODULES)
    except ModuleNotFoundError:
        return False


def _again_in(home: Path) -> int:
    """Create the environment *home*, once, and run this program in it."""
    if Path(sys.prefix) == home:
        sys.exit("demo: a package is missing; delete .venv-demo and try again")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "made-for"
    made_for = _fingerprint()
    if not stamp.exists() or stamp.read_text() != made_for:
        _print(f"Creating the environment {home.name} (first run only) ...")
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *NEEDED]
        # Captured, because warnings about this machine's pip settings do not matter.
        done = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603 - our own list
        if done.returncode:
            sys.exit(f"{done.stderr}demo: pip could not install the demo's packages")
        stamp.write_text(made_for)
    return subprocess.call([str(python), __file__])  # noqa: S603 - this program


def _fingerprint() -> str:
    """Changes whenever the package or the demo's needs do."""
    digest = hashlib.sha256(repr(NEEDED).encode())
    sources = sorted((ROOT / "src").rglob("*.*"))
    for path in [ROOT / "pyproject.toml", *sources]:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()


# -- the two endpoints -------------------------------------------------------------


def _to_the_service() -> int:
    import openai_agent  # noqa: PLC0415 - needs the environment

    from infinium_otel import task_to_dict  # noqa: PLC0415 - needs the environment

    sent: list[Mapping[str, Any]] = []

    def keep(task: Any) -> bool:
        sent.append(task_to_dict(task))
        return True

    service = os.environ.get("INFINIUM_BASE_URL", "Infinium")
    _print(f"Running the agent; its task goes to {service} ...\n")
    delivered = openai_agent.main(should_send=keep)
    for task in sent:
        _print_task(task)
    _print(f"Delivered to {service}." if delivered else "Not delivered: see above.")
    return 0 if delivered else 1


def _to_this_machine() -> int:
    import openai_agent  # noqa: PLC0415 - needs the environment

    with _serve() as url:
        _print(f"Running the agent; its task goes to {url} ...\n")
        openai_agent.main(base_url=f"{url}/api/v1", **LOCAL_AGENT)
        newest = _get(f"{url}/api/tasks?limit=1")["tasks"]
        if not newest:
            sys.exit("demo: no task has arrived")
        trace_id = newest[0]["trace_id"]
        _print_task(_get(f"{url}/api/tasks/{trace_id}")["task"])
        _stay(f"{url}/tasks/{trace_id}")
    return 0


@contextmanager
def _serve() -> Iterator[str]:
    """Run `infinium-otel serve` on a free port, in another process; its address."""
    command = [sys.executable, "-m", "infinium_otel", "serve", "--port", "0"]
    command += ["--db", str(_database())]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert server.stdout is not None  # noqa: S101 - it is a pipe
    try:
        announced = server.stdout.readline().split()
        if not announced:
            sys.exit("demo: infinium-otel serve did not start (see above)")
        # Its other lines are not shown, but the pipe must not fill up.
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield announced[-1].rstrip("/")
    finally:
        server.terminate()
        server.wait()


def _database() -> Path:
    """The database with the tasks of all runs of the demo."""
    folder = HOME if Path(sys.prefix) == HOME else Path(tempfile.gettempdir())
    return folder / "infinium-otel-demo.db"


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own server
        return json.load(reply)


def _stay(page: str) -> None:
    """Keep the page up until Enter; return at once without a terminal."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        _print(f"See it in a browser: {page}\nPress Enter to stop.")
        sys.stdin.readline()
        return
    serve = f"{sys.executable} -m infinium_otel serve --db {_database()}"
    _print(f"Its page was {page}\nTo see it, run: {serve}")


# -- the tree ----------------------------------------------------------------------


def _print_task(task: Mapping[str, Any]) -> None:
    """Print the run as `infinium-otel show` does."""
    from infinium_otel.taskdata.tree_text import (  # noqa: PLC0415 - needs the environment
        TreeOptions,
        draw_tree,
    )

    for line in draw_tree(task, TreeOptions(times=True, cost=True, width=WIDTH)):
        _print("".join(_style(part.text, part.style) for part in line))
    _print("")


def _style(text: str, style: str) -> str:
    code = STYLES.get(style)
    return f"\033[{code}m{text}\033[0m" if code and _colours() else text


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _print(text: str) -> None:
    # A terminal that cannot show a character shows a question mark.
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


if __name__ == "__main__":
    sys.exit(main())
