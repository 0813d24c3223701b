"""Names of our modules and functions, in docs and docstrings, are those of the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "infinium_otel"
ENTRIES = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("_")}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
]
CODE = sorted(SRC.rglob("*.py"))
FULL_NAME = re.compile(r"\binfinium_otel(?:\.\w+)+")
SHORT_NAME = re.compile(r"`([a-z_]+(?:\.\w+)+)`")
VARIABLES = {"config", "exporter", "errors", "records"}
"""Packages whose names are variables in examples too: `exporter.stats`."""
TAGS = {"infinium_otel.clamped", "infinium_otel.shrunk"}
"""Keys of a task's tags, which look like modules."""


@cache
def find_names(path):
    """The names that a module defines or imports, and the members of its classes."""
    names = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            names[node.name] = {
                name for part in node.body for name in list_defined(part)
            }
        else:
            names.update(dict.fromkeys(list_defined(node)))
    return names


def list_defined(node):
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def resolves(name):
    """Whether *name* is a module of ours, or something in one, as the source has it."""
    path, parts = SRC, name.split(".")
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if not parts:
        return True
    module = path / f"{parts[0]}.py"
    if module.exists():
        parts.pop(0)
    else:
        module = path / "__init__.py"
    if not parts:
        return True
    names = find_names(module)
    if parts[0] not in names:
        return False
    members = names[parts[0]]
    return len(parts) == 1 or members is None or parts[1] in members


def find_dead(path, text):
    found = FULL_NAME.findall(text)
    for name in SHORT_NAME.findall(text):
        first = name.partition(".")[0]
        if first in ENTRIES - VARIABLES:
            found.append(f"infinium_otel.{name}")
    found = [name for name in found if name not in TAGS]
    where = path.relative_to(ROOT).as_posix()
    return [f"{where}: {name}" for name in found if not resolves(name)]


@pytest.mark.parametrize("paths", [PAGES, CODE], ids=["pages", "code"])
def test_no_name_is_dead(paths):
    """What a page or a docstring names is there: it can be found and imported."""
    assert len(paths) > 30
    dead = [hit for path in paths for hit in find_dead(path, path.read_text("utf-8"))]
    assert not dead, "\n".join(["", *dead])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("infinium_otel.mapping.dedup", True),
        ("infinium_otel.mapping.dedup.find_copies", True),
        ("infinium_otel.config.Config.but", True),
        ("infinium_otel.dialects.plugins.load_readers", True),
        ("infinium_otel.dialects.readers", False),
        ("infinium_otel.mapping.dedup.no_such_function", False),
        ("infinium_otel.assembly.places.Places.no_such_method", False),
    ],
)
def test_names_are_resolved(name, expected):
    """Modules, what they define, and members of classes."""
    assert resolves(name) == expected
