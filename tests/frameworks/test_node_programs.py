"""The programs for Node of `docs/frameworks` run as they are printed, and reach the gateway."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infinium_otel.testing import FakeInfinium
from support.gateway import running_gateway
from support.recorded import PAGES, list_packages

sys.path.insert(0, str(Path(__file__).parent))
from model_server import ANSWER, INPUT_TOKENS, ModelServer

NODE, NPM = shutil.which("node"), shutil.which("npm")
SECTION = re.compile(
    r"^## (.+?)\n.*?<!-- runs with the packages of: (\S+) -->\n\n"
    r"```sh\nnpm install (.+?)\n```\n\n```js\n(.+?)^```$",
    re.MULTILINE | re.DOTALL,
)
PROGRAMS = SECTION.findall((PAGES / "other-languages.md").read_text("utf-8"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[0])
def test_a_program_for_node_runs(program, tmp_path):
    """Its run arrives as one task: question, answer and tokens."""
    assert NODE
    assert NPM
    _, set_up, packages, code = program
    versions = list_packages(set_up)
    wanted = [
        f"{name}@{versions[name]}" if name in versions else name
        for name in shlex.split(packages)
    ]
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    (tmp_path / "program.js").write_text(code, "utf-8")
    command = [NPM, "install", "--no-audit", "--no-fund", "--loglevel=error", *wanted]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=600)
    with (
        ModelServer() as model,
        FakeInfinium() as fake,
        running_gateway(fake) as gateway,
    ):
        environ = {
            **os.environ,
            **model.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": gateway.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        }
        command = [NODE, "program.js"]
        subprocess.run(command, cwd=tmp_path, env=environ, check=True, timeout=120)
        assert gateway.stop() == 0
        (task,) = fake.tasks
    assert "Is the shop open on Saturday?" in task["input_summary"]
    assert ANSWER in task["output_summary"]
    assert task["llm_usage"]["prompt_tokens"] == INPUT_TOKENS


def test_three_programs_are_on_the_page():
    """A section that is not found would not be run."""
    assert [name for name, *_ in PROGRAMS] == ["Vercel AI", "Mastra", "LangChain.js"]
