"""The package's page on a package index: what the wheel's metadata has is rendered."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

renderer = pytest.importorskip("readme_renderer.markdown")
ROOT = Path(__file__).parents[2]
HOME = "https://github.com/infinium-otel/infinium-otel/blob/main/"


@pytest.fixture(scope="module")
def description():
    """The description that the built package carries."""
    found = metadata.metadata("infinium-otel")
    assert found["Description-Content-Type"] == "text/markdown"
    return found.get_payload()


def test_the_readme_is_rendered(description):
    """As the index renders it: with its headings, tables, code and picture."""
    page = renderer.render(description)
    assert page is not None
    assert re.search("<h1[^>]*>infinium-otel<", page)
    assert "<table>" in page
    assert "python3 examples/demo.py" in page
    assert re.search(r'<img[^>]*src="https://raw\.githubusercontent\.com/', page)


def test_every_link_has_a_whole_address(description):
    """None is relative, and those into the project lead to files that exist."""
    targets = re.findall(r"\]\(([^)\s]+)\)", description)
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith("https://")] == []
    ours = [t.removeprefix(HOME) for t in targets if t.startswith(HOME)]
    assert [each for each in ours if not (ROOT / each.partition("#")[0]).exists()] == []


def test_the_index_shows_where_the_project_is():
    """Home, documentation, source, changes and issues."""
    urls = metadata.metadata("infinium-otel").get_all("Project-URL")
    names = {url.partition(",")[0] for url in urls}
    assert names == {"Homepage", "Documentation", "Source", "Changelog", "Issues"}
