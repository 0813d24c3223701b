"""The whole way, on this machine: an agent runs, and its run arrives as one task.

    python3 examples/demo.py

Makes an environment of its own (`.venv-demo`), starts `infinium-otel serve` as the
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
    """Make the environment *home*, once, and run this program in it."""
    if Path(sys.prefix) == home:
        sys.exit("demo: the environment lacks a package; remove .venv-demo, try again")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "made-for"
    made_for = _fingerprint()
    if not stamp.exists() or stamp.read_text() != made_for:
        _say(f"Making an environment in {home.name} (only the first time) ...")
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *NEEDED]
        # Warnings about a machine's own pip settings are nobody's business here.
        done = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603 - our own list
        if done.returncode:
            sys.exit(f"{done.stderr}demo: pip could not install what the demo needs")
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

    from infinium_otel import task_to_dict  # noqa: PLC0415 - likewise

    sent: list[Mapping[str, Any]] = []

    def keep(task: Any) -> bool:
        sent.append(task_to_dict(task))
        return True

    _say("Running the agent; its task goes to Infinium ...\n")
    delivered = openai_agent.main(should_send=keep)
    for task in sent:
        _print_task(task)
    _say("Delivered to Infinium." if delivered else "Not delivered: see above.")
    return 0 if delivered else 1


def _to_this_machine() -> int:
    import openai_agent  # noqa: PLC0415 - needs the environment

    with _serve() as url:
        _say(f"Running the agent; its task goes to {url} ...\n")
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
    """`infinium-otel serve` on a free port, as a process of its own; its address."""
    command = [sys.executable, "-m", "infinium_otel", "serve", "--port", "0"]
    command += ["--db", str(_database())]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert server.stdout is not None  # noqa: S101 - it is a pipe
    try:
        announced = server.stdout.readline().split()
        if not announced:
            sys.exit("demo: infinium-otel serve did not start (see above)")
        # Its further lines go nowhere, but the pipe must not fill.
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield announced[-1].rstrip("/")
    finally:
        server.terminate()
        server.wait()


def _database() -> Path:
    """Where the tasks of all runs of the demo are kept."""
    folder = HOME if Path(sys.prefix) == HOME else Path(tempfile.gettempdir())
    return folder / "infinium-otel-demo.db"


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own server
        return json.load(reply)


def _stay(page: str) -> None:
    """Keep the page up while somebody looks; go at once where nobody can."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        _say(f"Look at it: {page}\nPress Enter to stop.")
        sys.stdin.readline()
        return
    serve = f"{sys.executable} -m infinium_otel serve --db {_database()}"
    _say(f"Its page was {page}\nTo look at it: {serve}")


# -- the tree ----------------------------------------------------------------------


def _print_task(task: Mapping[str, Any]) -> None:
    steps = task.get("steps", [])
    _say(_bold(task["name"]) + f"   {task['duration']:.2f} s")
    _field("asked", task.get("input_summary"))
    _say("│")
    for step in steps:
        _print_step(step, _depth(step, steps))
    _say("│")
    _field("answered", task.get("output_summary"))
    _say("└─ " + _totals(task, steps) + "\n")


def _depth(step: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> int:
    """How many steps stand above this one."""
    by_span = {s.get("metadata", {}).get("otel.span_id"): s for s in steps}
    depth, above = 0, by_span.get(step.get("metadata", {}).get("otel.parent_span_id"))
    while above is not None and depth < len(steps):
        depth += 1
        above = by_span.get(above.get("metadata", {}).get("otel.parent_span_id"))
    return depth


def _print_step(step: Mapping[str, Any], depth: int) -> None:
    indent = "│  " * depth
    took = f"{step['duration_ms']:>6} ms" if "duration_ms" in step else ""
    head = f"{indent}├─ {step['step_number']:>2}. {step['description']}"
    _say(f"{_cut(head, 62):<62} {took}   {_facts(step)}".rstrip())
    error = step.get("error") or (step.get("tool_call") or {}).get("error")
    if error:
        recovered = " (recovered)" if error.get("recoverable") else ""
        _say(
            f"{indent}│      "
            + _red(f"✗ {error['error_type']}: {error['message']}{recovered}")
        )
    elif step.get("output_preview"):
        _say(_cut(f"{indent}│      → {_one_line(step['output_preview'])}", WIDTH))


def _facts(step: Mapping[str, Any]) -> str:
    """Tokens of a model call, as prompt → completion."""
    call = step.get("llm_call") or {}
    if "prompt_tokens" not in call:
        return ""
    return f"{call['prompt_tokens']} → {call['completion_tokens']} tokens"


def _totals(task: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> str:
    usage = task.get("llm_usage") or {}
    tools = sum(1 for step in steps if step.get("tool_call"))
    failed = len(task.get("errors") or [])
    parts = [
        f"{usage.get('api_calls_count', 0)} model calls",
        f"{tools} tool calls",
        f"{failed} error{'' if failed == 1 else 's'}",
        f"{usage.get('prompt_tokens', 0):,} + {usage.get('completion_tokens', 0):,} tokens",
    ]
    if usage.get("estimated_cost_usd"):
        parts.append(f"${usage['estimated_cost_usd']:.4f}")
    return _bold("total: ") + ", ".join(parts)


def _field(name: str, text: str | None) -> None:
    _say(_cut(f"│  {name}: {_one_line(text or '')}", WIDTH))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if _colours() else text


def _red(text: str) -> str:
    return f"\033[31m{text}\033[0m" if _colours() else text


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _say(text: str) -> None:
    # A terminal that cannot show a sign shows a question mark.
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


if __name__ == "__main__":
    sys.exit(main())
