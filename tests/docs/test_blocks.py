"""Python blocks that the docs' tests skip are still Python, and use names that we have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_valid(page):
    """It compiles, and what it imports from this package is there."""
    for block in BLOCK.findall(page.read_text("utf-8")):
        tree = ast.parse(block)
        compile(tree, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(tree):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.startswith("infinium_otel"):
                for alias in node.names:
                    exec(f"from {module} import {alias.name}", {})
