"""Options and fixtures of every test."""

from __future__ import annotations

import pytest

from support.golden import Golden

pytest.register_assert_rewrite("support.told")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files that differ, and fail each test that did",
    )


@pytest.fixture
def golden(request):
    """Compares values with golden files, or rewrites them with --update-golden."""
    return Golden(update=request.config.getoption("--update-golden"))
