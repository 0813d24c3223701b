"""The public names, and what importing them costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import infinium_otel

SOURCE = Path(infinium_otel.__file__).read_text("utf-8")

CHILD = """
import socket, sys, threading
import opentelemetry.sdk.trace, httpx
before = set(sys.modules)
class Deaf(socket.socket):
    def __init__(self, *args, **kwargs):
        raise AssertionError("a socket was opened")
socket.socket = Deaf
import infinium_otel
import infinium_otel.pipeline
assert threading.active_count() == 1, threading.enumerate()
print(*sorted(set(sys.modules) - before))
"""


def imported_for_types() -> list[str]:
    guarded = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.If)]
    return [
        alias.name
        for node in ast.walk(guarded[0])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def test_names_are_sorted_and_typed():
    """`__all__` is sorted as Python sorts, and type checkers see exactly its names."""
    assert infinium_otel.__all__ == sorted(infinium_otel.__all__)
    assert sorted(imported_for_types()) == infinium_otel.__all__


@pytest.mark.parametrize("name", infinium_otel.__all__)
def test_every_name_is_there(name):
    """Every public name can be imported, and is found by `dir`."""
    assert getattr(infinium_otel, name).__name__ == name
    assert name in dir(infinium_otel)


def test_other_names_are_not():
    """A name that is not public raises an AttributeError that names it."""
    with pytest.raises(AttributeError, match="'nonsense'"):
        _ = infinium_otel.nonsense


def test_import_opens_and_starts_nothing():
    """Importing opens no socket, starts no thread and loads no optional part."""
    output = subprocess.run(
        [sys.executable, "-c", CHILD], check=True, capture_output=True, text=True
    ).stdout
    loaded = {name.partition(".")[0] for name in output.split()}
    assert "infinium_otel" in loaded
    assert not loaded & {"google", "starlette", "sqlite3", "rich", "genai_prices"}


# Less what was there before: a measured run brings modules of its own.
WHAT_IT_LOADS = """
import sys
before = set(sys.modules)
import infinium_otel
print(*set(sys.modules) - before)
"""


def test_import_loads_what_is_asked_for():
    """Nothing of the SDK, of httpx or of our own machinery is loaded before its use."""
    output = subprocess.run(
        [sys.executable, "-c", WHAT_IT_LOADS],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert [name for name in output if name.startswith("infinium_otel")] == [
        "infinium_otel"
    ]
    assert not {"httpx", "ssl", "asyncio", "sqlite3"} & set(output)


def run_python(program):
    """What *program* prints in a new interpreter."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


WHAT_REGISTER_COMPILES = """
import builtins, re
import opentelemetry.sdk.trace.export, httpx
patterns, made = [], []
compile, run = re._compile, builtins.exec
re._compile = lambda text, flags: patterns.append(text) or compile(text, flags)
builtins.exec = lambda *given: made.append(given[0]) or run(*given)
from infinium_otel import register
print(sum("instrumentation" in str(text) for text in patterns))
print(sum("received" in text for text in made if isinstance(text, str)))
"""


def test_register_compiles_only_what_every_program_needs():
    """Neither patterns of instrumentors nor the methods of a large dataclass of counters."""
    assert run_python(WHAT_REGISTER_COMPILES).split() == ["0", "0"]


WHAT_THE_MAPPING_COMPILES = """
import re
patterns = []
compile = re._compile
re._compile = lambda text, flags: patterns.append(text) or compile(text, flags)
import infinium_otel.pipeline
print(sum("glpat" in str(text) or "kennwort" in str(text) for text in patterns))
"""


def test_the_mapping_compiles_no_pattern_of_credentials():
    """There are hundreds; each is compiled when a text with its mark is searched."""
    assert run_python(WHAT_THE_MAPPING_COMPILES).split() == ["0"]


def test_the_version_can_be_asked_for():
    """As most packages have it, though it is no part of `import *`."""
    assert infinium_otel.__version__ == metadata.version("infinium-otel")
