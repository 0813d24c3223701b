"""The page's own files, without a browser."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import infinium_otel.apps.serve as package

STATIC = Path(package.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("js/*.js"))
VENDOR = STATIC / "vendor"
FILES = sorted(
    path for path in STATIC.rglob("*") if path.is_file() and VENDOR not in path.parents
)
VENDORED = {
    "marked/marked.esm.js": (
        "marked 18.2.1",
        "c622dc6824a1c92c2d10ea9ede2fc872e46128afcc34b298e6ddee6f387ace8e",
    ),
    "diff/diff/array.js": (
        "diff 9.0.0",
        "5bcc1320c7ee74e565421a556d81ed3fdd82ff2f366e6151beebac6b425f528f",
    ),
    "diff/diff/base.js": (
        "diff 9.0.0",
        "faa81734df6ea7f8034efc5572ad1bbf19c50b300fdd183baf0d7813c5eec3b2",
    ),
    "diff/diff/word.js": (
        "diff 9.0.0",
        "c1d6a6c52ef517e4ea9df6d71465fa520ce677d1b4e127425e3c2d8cf14f7a22",
    ),
    "diff/util/string.js": (
        "diff 9.0.0",
        "0836eacdebdb30c8aba0e898f9c7a45e236d036848ccfb058f56745f5ff020d3",
    ),
    "uplot/uPlot.esm.js": (
        "uPlot 1.6.32",
        "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
    ),
}
"""Files of other projects, without the lines that name their source maps: the release, and
their SHA-256."""
MAKES_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    r"|DOMParser|srcdoc|createContextualFragment|setHTML"
)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_other_origin(path):
    """No file of the page contains another host, except XML namespaces."""
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[\w-]+\.\w", text)


def test_vendored_files_are_the_released_ones():
    """Each has its licence beside it, and the bytes that were reviewed."""
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*.js")}
    assert found == VENDORED.keys()
    for name, (_, digest) in VENDORED.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
        assert (VENDOR / name.split("/")[0] / "LICENSE").is_file()
        assert not MAKES_MARKUP.search((VENDOR / name).read_text("utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_nothing_makes_markup(path):
    """No script can turn a text into markup or code."""
    assert not MAKES_MARKUP.search(path.read_text("utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_imports_are_there(path):
    """Every imported module exists, and exports the imported names."""
    text = path.read_text("utf-8")
    for names, module in re.findall(
        r'import (.*?) from "(\.\.?/[\w./]+)"', text, re.DOTALL
    ):
        other = (path.parent / module).read_text("utf-8")
        for name in re.findall(r"\w+", names if names.startswith("{") else ""):
            assert re.search(
                rf"export (async )?(function\*?|class|const) {name}\b|as {name}[,}}]|export {{ .* as {name} }}",
                other,
            )


def test_markup_has_nothing_inline():
    """The markup has no inline style or script: the policy would block it."""
    markup = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", markup)
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', markup):
        assert (STATIC / address.removeprefix("/static/")).is_file()
