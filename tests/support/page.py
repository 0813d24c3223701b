"""The parts of the local server's page, as somebody finds them who cannot see it."""

from __future__ import annotations


def rows(page):
    """The runs of the list."""
    return page.get_by_role("list", name="Runs").get_by_role("listitem")


def steps(page):
    """The steps of a run."""
    return page.get_by_role("tree", name="Steps").get_by_role("treeitem")


def panel(page):
    """The panel beside the steps."""
    return page.get_by_role("complementary", name="Details")
