"""Every promise about data and bounds is on its page, and has its test.

The promises are a table of the threat model's page. A sentence that sounds like one is in
that table, or in `support/no_promises.py` with the reason why it is none.
"""

from __future__ import annotations

import re

import pytest

from support.no_promises import NO_PROMISES
from support.pages import ROOT, read_plain

EXPLANATION = ROOT / "docs/explanation"
PAGE = EXPLANATION / "threat-model.md"
ROW = re.compile(r"(?m)^\| (\S+\.md) \| (.+) \| `(\S+\.py)::(\w+)` \|$")
PROMISES = ROW.findall(PAGE.read_text("utf-8"))
PAGES = [
    "README.md",
    "SECURITY.md",
    *sorted(
        each.relative_to(ROOT).as_posix()
        for each in EXPLANATION.glob("*.md")
        if each != PAGE
    ),
]

PROMISING = re.compile(
    r"\b(never|always|only|at most|at least|nothing|nowhere|bounded|limited|every"
    r"|everything|no|none|within|up to)\b",
    re.IGNORECASE,
)
RULES = "docs/explanation/how-spans-become-a-task.md"
FINAL = re.compile(
    r"\b(never|always|at most|at least|nothing|bounded|limited)\b", re.IGNORECASE
)
"""On the page of the mapping's rules, "only" and "no" describe when a rule applies. Its
rules have their own tests, which `test_traps_page.py` checks."""

FENCE = re.compile(r"(?ms)^ *```.*?^ *```$")
BLOCK = re.compile(r"\n\s*\n|\n(?=- |\| |#)")
NOTHING_PROMISED = {
    (page, words)
    for pages in NO_PROMISES.values()
    for page, listed in pages.items()
    for words in listed
}


def read_sentences(name):
    """The sentences of a page and the rows of its tables, without code and headings."""
    for block in BLOCK.split(FENCE.sub("", (ROOT / name).read_text("utf-8"))):
        text = " ".join(block.split())
        if text.startswith("|"):
            yield text
        elif not text.startswith("#"):
            yield from re.split(r"(?<=[.;:?])\s", text)


def find_promising(name):
    word = FINAL if name == RULES else PROMISING
    return [each for each in read_sentences(name) if word.search(each)]


def is_part(words, sentence):
    """Words are part of a sentence, or are a promise of which it is a clause."""
    clause = sentence.rstrip(".;:")
    return words.rstrip(".") in sentence or (len(clause) > 20 and clause in words)


def test_there_are_promises():
    """The table is read at all."""
    assert len(PROMISES) > 100
    assert {page for page, *_ in PROMISES} == set(PAGES)


@pytest.mark.parametrize(("page", "words", "file", "test"), PROMISES)
def test_a_promise_is_on_its_page_and_has_its_test(page, words, file, test):
    """A page that says something else, or a test that is gone, is found here."""
    assert words in read_plain(page)
    source = (ROOT / "tests" / file).read_text("utf-8")
    assert re.search(rf"(?m)^ *(?:async )?def {test}\(", source)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_promised_without_a_test(page):
    """Each sentence with a promising word is in the table, or known to be no promise."""
    known = [words for of, words, *_ in PROMISES if of == page]
    known += [words for of, words in NOTHING_PROMISED if of == page]
    assert [
        sentence
        for sentence in find_promising(page)
        if not any(is_part(words, sentence) for words in known)
    ] == []


@pytest.mark.parametrize(("page", "words"), sorted(NOTHING_PROMISED))
def test_what_is_no_promise_is_still_on_its_page(page, words):
    """The list contains no sentence that is gone, and none that needs no reason."""
    assert any(words in sentence for sentence in find_promising(page))


def test_a_promise_without_a_test_is_found():
    """The words that promise are recognized, in any place and case."""
    sentences = [
        "Never a loss.",
        "It takes at most 3 s.",
        "Nothing is kept.",
        "No text.",
    ]
    assert all(map(PROMISING.search, sentences))
    assert not PROMISING.search("Notable anything everyone.")
