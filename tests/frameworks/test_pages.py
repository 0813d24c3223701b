"""Every program of `docs/frameworks` runs as it is printed; `tox run -e frameworks`.

Each page gets an environment of its own: what its `pip install` names, in the versions of
the recordings that the page was written from, and this package. The model is
`model_server`, the endpoint `FakeInfinium`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from infinium_otel.testing import FakeInfinium
from support.recorded import PAGES, list_packages

sys.path.insert(0, str(Path(__file__).parent))
from model_server import ANSWER, INPUT_TOKENS, OUTPUT_TOKENS, ModelServer

ROOT = Path(__file__).parents[2]
QUESTION = "Is the shop open on Saturday?"
UV = shutil.which("uv")
KEPT = ("PATH", "LANG", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE")
QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}
"""No program looks for a server elsewhere."""


@dataclass(frozen=True)
class Page:
    """What a page has its reader do.

    Args:
        packages: what is installed, as `pip install` has it.
        versions: those of the recordings.
        environ: the variables that it exports.
    """

    name: str
    packages: list[str]
    versions: dict[str, str]
    environ: dict[str, str]
    program: str


def read_page(path):
    text = path.read_text("utf-8")
    (set_up,) = re.findall(r"<!-- runs with the packages of: (\S+) -->", text)
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    (install,) = re.findall(r"^pip install (.*)$", shell, re.MULTILINE)
    (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return Page(
        path.stem,
        shlex.split(install),
        list_packages(set_up),
        dict(re.findall(r"^export (\w+)=(\S+)$", shell, re.MULTILINE)),
        program,
    )


PROGRAMS = [
    read_page(path)
    for path in sorted(PAGES.glob("*.md"))
    if path.stem not in ("index", "other-languages")
]


def make_environment(page, folder):
    """Install what the page names; returns the environment's Python."""
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{k}=={v}\n" for k, v in page.versions.items()))
    wanted = [each for each in page.packages if each != "infinium-otel"]
    options = ["--prerelease", "if-necessary-or-explicit", "-c", constraints]
    run_uv("venv", "--python", sys.executable, folder / "venv")
    run_uv("pip", "install", "--python", python, *options, f"{ROOT}[cost]", *wanted)
    return python


def run_uv(*arguments):
    done = subprocess.run(
        [UV, "--quiet", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.name)
def test_the_program_of_a_page_runs(page, tmp_path):
    """Its run arrives as one task: question, answer, tokens and cost; or its tool."""
    assert UV, "uv is not installed: tox run -e frameworks"
    python = make_environment(page, tmp_path)
    program = tmp_path / "program.py"
    program.write_text(page.program, "utf-8")
    with ModelServer() as model, FakeInfinium() as fake:
        environ = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            **QUIET,
            "HOME": str(tmp_path),  # DSPy keeps responses there
            **model.environ,
            **page.environ,
            "INFINIUM_AGENT_ID": fake.agent_id,
            "INFINIUM_AGENT_SECRET": fake.agent_secret,
            "INFINIUM_BASE_URL": fake.base_url,
        }
        done = subprocess.run(
            [python, program],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        tasks = fake.tasks
        assert fake.complaints == []
    if page.name == "mcp":
        names = [s["tool_call"]["tool_name"] for t in tasks for s in t.get("steps", ())]
        assert "is_open" in names
        return
    (task,) = tasks
    usage = task["llm_usage"]
    assert QUESTION in task["input_summary"]
    assert ANSWER in task["output_summary"]
    assert usage["prompt_tokens"] == INPUT_TOKENS
    assert usage["completion_tokens"] == OUTPUT_TOKENS
    assert usage["estimated_cost_usd"] > 0
