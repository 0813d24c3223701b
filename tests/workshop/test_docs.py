"""Everything public has its entry in the docs, and CI runs the README's commands."""

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import infinium_otel
from infinium_otel.apps.cli import COMMANDS
from infinium_otel.config import Config, get_variables
from infinium_otel.dialects import DIALECTS
from support import corpus, recorded, tested_with

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FRAMEWORKS = sorted((ROOT / "docs" / "frameworks").glob("*.md"))
LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})


@pytest.fixture(scope="module")
def pages():
    """The generated reference, by page."""
    # The modules of some commands need the packages of their extras.
    pytest.importorskip("starlette")
    sys.path.insert(0, str(ROOT / "docs" / "_ext"))
    try:
        import generated  # noqa: PLC0415 - needs the path above
    finally:
        sys.path.pop(0)
    return generated.pages()


@pytest.mark.parametrize("setting", fields(Config), ids=lambda f: f.name)
def test_every_setting_has_its_entry(pages, setting):
    """Each setting is in the reference with its variable and its meaning."""
    [row] = [r for r in pages["settings"].splitlines() if f"| `{setting.name}` |" in r]
    assert setting.metadata["help"] in row
    assert setting.name == "should_send" or get_variables(setting.name)[0] in row


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_entry(pages, command):
    """Each command is in the reference with its usage."""
    assert f"\n## {command}\n" in pages["command-line"]
    assert f"\ninfinium-otel {command} [" in pages["command-line"]


def test_patterns_in_help_are_no_markup(pages):
    """The asterisks of `tool:delete_*, model:*-preview` are not emphasis."""
    assert r"tool:delete\_\*, model:\*-preview" in pages["command-line"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
def test_every_dialect_has_its_entry(pages, dialect):
    """Each dialect is in the reference with every key of its table."""
    _, _, entry = pages["dialects"].partition(f"\n## {dialect.name}\n")
    entry = entry.partition("\n## ")[0]
    for row in dialect.fields.values():
        assert all(f"`{key}`" in entry for key, _ in row.places)


@pytest.mark.parametrize("name", infinium_otel.__all__)
def test_every_public_name_has_its_entry(pages, name):
    """Each public name is in the reference exactly once."""
    entry = rf"^(\.\. auto\w+:: infinium_otel\.{name}|## {name})$"
    entries = re.findall(entry, "\n".join(pages.values()), re.MULTILINE)
    assert len(entries) == 1


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_two_blocks_are_demo_and_tests():
    """The README's first two command blocks run the demo and all tests, unchanged."""
    demo, tests = blocks("console")[:2]
    assert demo == "python3 examples/demo.py\n"
    assert tests.rstrip().endswith(".venv/bin/tox run")


def test_ci_calls_the_test_command():
    """CI runs exactly the README's second command."""
    assert blocks("console")[1] in (ROOT / ".ci" / "run").read_text("utf-8")


def test_both_commands_are_near_the_top():
    """Both commands are within the first screen and a half of the README."""
    top = "\n".join(README.splitlines()[:45])
    assert all(block.strip() in top for block in blocks("console")[:2])


def test_every_link_of_the_readme_works():
    """Each link and picture of ours in the README exists in the clone."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    raw = "https://raw.githubusercontent.com/infinium-otel/infinium-otel/main/"
    pictures = [t.removeprefix(raw) for t in re.findall(r"!\[[^]]*\]\((.*)\)", README)]
    assert targets
    assert pictures
    assert [t for t in targets + pictures if not (ROOT / t).exists()] == []


def test_no_page_links_to_a_generated_page():
    """Generated pages are only on the built site: on GitHub such a link is dead."""
    pages = [p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts]
    pages = [page for page in pages if "generated" not in page.parts]
    linked = re.compile(r"\]\([^)]*generated/")
    assert len(pages) > 50
    assert [p.name for p in pages if linked.search(p.read_text("utf-8"))] == []


def test_the_readme_counts_the_dialects():
    """The README's number of dialects holds, without those common to all spans."""
    own = [dialect for dialect in DIALECTS if not dialect.common]
    assert "Over 30 dialects of LLM spans" in README
    assert len(own) > 30


def test_the_recordings_are_counted():
    """README and CONTRIBUTING have the numbers of recordings and libraries."""
    assert f"\n{len(corpus.all_names())} recordings of what" in README
    assert f"the first {len(corpus.names())} arrive" in README.replace("\n", " ")
    counts = f"{len(corpus.names())} recordings of what {len(LIBRARIES)} published"
    assert counts in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_every_recorded_version_is_on_its_page():
    """The page is as `python tests/support/tested_with.py` writes it."""
    assert tested_with.PAGE.read_text("utf-8") == tested_with.make_page()


@pytest.mark.parametrize("page", FRAMEWORKS, ids=lambda page: page.stem)
def test_what_instrumentations_record_is_on_their_page(page):
    """The tables are as `python tests/support/recorded.py` writes them."""
    text = page.read_text("utf-8")
    assert text == recorded.update(text)


def test_every_page_is_in_the_table_of_contents():
    """A page that is not listed cannot be found."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text("utf-8")
    listed = set(re.findall(r"^([a-z]+/[\w-]+)$", index, re.MULTILINE))
    for folder in ("howto", "explanation", "tutorial"):
        for page in (docs / folder).glob("*.md"):
            assert f"{folder}/{page.stem}" in listed
    frameworks = (docs / "frameworks" / "index.md").read_text("utf-8")
    for page in FRAMEWORKS:
        assert f"\n{page.stem}\n" in frameworks or page.stem == "index"
