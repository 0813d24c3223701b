"""A new dialect is one source file, one row and one test, as the guide describes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import infinium_otel

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "add-a-dialect.md").read_text("utf-8")
FIELDS, REFINE, TRY = re.findall(
    r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
)
LAST_ROW = "    TRANSPORT,\n"


@pytest.fixture
def package(tmp_path):
    """A copy of the package's source."""
    source = Path(infinium_otel.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(source, tmp_path / "infinium_otel", ignore=ignored)


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.py")}


def add_dialect(package):
    """Do what the guide describes for a dialect of infinium-otel itself."""
    dialects = package / "dialects"
    (dialects / "acme.py").write_text(f'"""ACME\'s agents."""\n\n{FIELDS}\n{REFINE}')
    init = dialects / "__init__.py"
    code = init.read_text("utf-8")
    assert code.count(LAST_ROW) == 1
    code = code.replace(LAST_ROW, f"    ACME,\n{LAST_ROW}")
    first = "from infinium_otel.dialects.agent_framework import"
    line = "from infinium_otel.dialects.acme import ACME\n"
    assert code.count(first) == 1
    init.write_text(code.replace(first, line + first), "utf-8")


def run(package, code):
    environ = {**os.environ, "PYTHONPATH": str(package.parent)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, check=True, timeout=60
    )


def test_one_file_and_one_row_are_enough(package):
    """The dialect of the guide, built in, passes the guide's own test without readers."""
    before = snapshot(package)
    add_dialect(package)
    changed = {
        path.relative_to(package).as_posix()
        for path, content in snapshot(package).items()
        if before.get(path) != content
    }
    assert changed == {"dialects/acme.py", "dialects/__init__.py"}
    test = TRY.replace(", readers=(ACME,)", "")
    assert test != TRY
    run(package, test)


def test_the_copy_is_what_runs(package):
    """Without the row the same test fails."""
    with pytest.raises(subprocess.CalledProcessError):
        run(package, TRY.replace(", readers=(ACME,)", ""))


def test_a_plugin_needs_no_change_at_all():
    """The guide's blocks work as they are in another distribution."""
    names = {}
    for block in (FIELDS, REFINE, TRY):
        exec(compile(block, "add-a-dialect.md", "exec"), names)
    assert names["task"].llm_usage.completion_tokens == 5
