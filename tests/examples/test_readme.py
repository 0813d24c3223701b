"""The README's Python runs as it is printed, with a real client; `tox run -e examples`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infinium_otel.testing import FakeInfinium

pytest.importorskip("openai")
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def llm(monkeypatch):
    """A model that gives one answer."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    from scripted_llm import Reply, ScriptedLlm  # noqa: PLC0415 - needs the path

    with ScriptedLlm([Reply("From 9 to 5.", prompt_tokens=21)]) as server:
        yield server


def test_the_readme_s_python_runs(tmp_path, llm):
    """One block after the other, in an empty folder: the run arrives with its texts."""
    program = tmp_path / "readme.py"
    program.write_text("\n".join(BLOCKS), "utf-8")
    with FakeInfinium() as fake:
        environ = {
            **os.environ,
            "INFINIUM_AGENT_ID": fake.agent_id,
            "INFINIUM_AGENT_SECRET": fake.agent_secret,
            "INFINIUM_BASE_URL": fake.base_url,
            "OPENAI_API_KEY": "sk-local",
            "OPENAI_BASE_URL": llm.base_url,
        }
        command = [sys.executable, program]
        done = subprocess.run(
            command, env=environ, cwd=tmp_path, check=True, timeout=60, stdout=-1
        )
        (task,) = fake.tasks
    assert done.stdout
    assert task["input_summary"] == "Is the shop open on Saturday?"
    assert task["output_summary"] == "From 9 to 5."
    assert task["llm_usage"]["prompt_tokens"] == 21
