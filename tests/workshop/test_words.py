"""The words in src: no placeholders, and plain English (CONTRIBUTING, "Style")."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
TEXTS = {
    path: path.read_text("utf-8")
    for path in sorted(SRC.rglob("*"))
    if path.suffix in {".py", ".js", ".html", ".css"} and "vendor" not in path.parts
}
MODULES = {path: text for path, text in TEXTS.items() if path.suffix == ".py"}
SCRIPTS = {path: text for path, text in TEXTS.items() if path.suffix == ".js"}

VAGUE = {"told", "said", "asked", "answered"}
"""Participles that fit any value: no name contains them."""

VAGUE_HITS = 12
"""How often they may occur as words, in all of src."""

ODD = re.compile(
    r"\b(tell|tells|telling|told|say|says|saying|said"
    r"|stand(?!-in)|stands|standing|stood|leave|leaves|leaving"
    r"|whoever|nobody|likewise)\b",
    re.IGNORECASE,
)
"""Verbs of speech for data, and other words that make a reader stop."""

ODD_SHARE = 1 / 50
"""The share of docstrings that may contain one."""


class Hit(NamedTuple):
    """A place in src, printed as editors and terminals link it."""

    path: Path
    line: int
    text: str

    def __repr__(self):
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.text}"


def list_hits(hits):
    """Write *hits* as a failure message, one per line."""
    return "\n".join(["", *map(repr, hits)])


def find_words(pattern, texts):
    return [
        Hit(path, number, line.strip())
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        for _ in re.findall(pattern, line)
    ]


def find_docstrings(path, text):
    """Find the docstrings of a module, of attributes too."""
    for node in ast.walk(ast.parse(text)):
        value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield Hit(path, node.lineno, value.value)


def find_names(path, text):
    """Find the names that a Python module defines or uses."""
    yield Hit(path, 1, path.stem)
    for node in ast.walk(ast.parse(text)):
        for field in ("name", "asname", "id", "attr", "arg"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield Hit(path, getattr(node, "lineno", 1), name)


def find_compound_names(path, text):
    """Find the names of several words in a script: single words may be prose."""
    for number, line in enumerate(text.splitlines(), 1):
        for name in re.findall(r"[A-Za-z_$][\w$]*", line):
            if len(split_name(name)) > 1:
                yield Hit(path, number, name)


def split_name(name):
    """Split a name into words, in lower case: at underscores and capitals."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return [word.lower() for word in words]


@cache
def all_docstrings():
    return [hit for item in MODULES.items() for hit in find_docstrings(*item)]


def test_nothing_is_left_to_do():
    """No `TODO` and no `FIXME`: what is missing is an issue, not a comment."""
    hits = find_words(r"\b(?:TODO|FIXME)\b", TEXTS)
    assert not hits, list_hits(hits)


def test_no_docstring_is_empty():
    """A docstring has a text."""
    hits = [hit for hit in all_docstrings() if not hit.text.strip(" \n.…")]
    assert not hits, list_hits(hits)


def test_no_name_is_vague():
    """A name is that of its value: never told, said, asked or answered."""
    names = [hit for item in MODULES.items() for hit in find_names(*item)]
    names += [hit for item in SCRIPTS.items() for hit in find_compound_names(*item)]
    hits = sorted({hit for hit in names if VAGUE & set(split_name(hit.text))})
    assert not hits, list_hits(hits)


def test_vague_words_are_rare():
    """Told, said, asked and answered occur at most 40 times in src."""
    hits = find_words(rf"\b(?:{'|'.join(sorted(VAGUE))})\b", TEXTS)
    assert len(hits) <= VAGUE_HITS, list_hits(hits)


def test_odd_words_are_rare_in_docstrings():
    """At most one docstring in fifty contains one of the odd words."""
    hits = [
        Hit(hit.path, hit.line, f"{', '.join(words)}: {hit.text.splitlines()[0]}")
        for hit in all_docstrings()
        if (words := ODD.findall(hit.text))
    ]
    allowed = int(len(all_docstrings()) * ODD_SHARE)
    assert len(hits) <= allowed, f"{len(hits)} > {allowed}{list_hits(hits)}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("told_by", ["told", "by"]),
        ("_wasAsked", ["was", "asked"]),
        ("SAID", ["said"]),
        ("HTTPAnswered2", ["http", "answered"]),
        ("_", []),
    ],
)
def test_names_are_split_into_words(name, words):
    """At underscores and capitals, in any style."""
    assert split_name(name) == words
