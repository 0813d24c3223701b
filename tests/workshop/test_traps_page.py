"""Every trap that code or tests refer to is explained on one page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "traps.md").read_text("utf-8")
TESTS = "".join(
    path.read_text("utf-8")
    for path in sorted((ROOT / "tests" / "mapping" / "traps").glob("test_*.py"))
)
TRAPS = [f"T{number}" for number in range(1, 41)]
CITATION = re.compile(r"reference/traps\.md((?:,? (?:to |and )?T\d+)*)")


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_its_section_and_its_test(trap):
    """Each trap has one section, and a test that is named after it."""
    assert len(re.findall(rf"^## {trap}$", PAGE, re.MULTILINE)) == 1
    assert f"def test_{trap.lower()}_" in TESTS


def test_every_citation_leads_to_a_section():
    """What src cites on the page is there, by number."""
    cited = [
        citation
        for path in (ROOT / "src").rglob("*.py")
        for citation in CITATION.findall(path.read_text("utf-8"))
    ]
    assert cited
    for citation in cited:
        numbers = re.findall(r"T\d+", citation)
        assert numbers
        assert set(numbers) <= set(TRAPS)


def test_every_module_and_test_file_of_the_page_exists():
    """The page names the code and the further tests of a trap as they are now."""
    for path in re.findall(r"`(tests/[\w/]+\.py)`", PAGE):
        assert (ROOT / path).exists(), path
    for paragraph in re.findall(
        r"^Code: (.*?)(?:\n\n|\Z)", PAGE, re.MULTILINE | re.DOTALL
    ):
        code = paragraph.partition("More tests")[0]
        for module in re.findall(r"`([\w.]+)`", code):
            path = ROOT / "src" / "infinium_otel" / module.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").exists(), module
