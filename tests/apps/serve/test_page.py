"""The page's own files: what a browser need not be asked about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import infinium_otel.apps.serve as package

STATIC = Path(package.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("js/*.js"))
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
MAKES_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    r"|DOMParser|srcdoc|createContextualFragment|setHTML"
)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_nothing_from_elsewhere(path):
    """No file of the page names another host, but for the names of XML."""
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(https?:)?//[\w-]+\.\w", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_nothing_makes_markup(path):
    """No script can turn a text into markup or code."""
    assert not MAKES_MARKUP.search(path.read_text("utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_imports_are_there(path):
    """Every module that is imported exists, and what is named is exported there."""
    text = path.read_text("utf-8")
    for names, module in re.findall(
        r'import (.*?) from "(\./[\w.]+)"', text, re.DOTALL
    ):
        other = (path.parent / module).read_text("utf-8")
        for name in re.findall(r"\w+", names if names.startswith("{") else ""):
            assert re.search(
                rf"export (async )?(function\*?|class|const) {name}\b", other
            )


def test_markup_holds_nothing_inline():
    """The markup has no style or script of its own: the policy would refuse it."""
    markup = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", markup)
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', markup):
        assert (STATIC / address.removeprefix("/static/")).is_file()
