"""`--full` runs every combination; without it, one of each kind runs, for CI."""

from __future__ import annotations

from functools import partial

import pytest

from support.servers import serving


def pytest_addoption(parser):
    parser.addoption(
        "--full", action="store_true", help="run every combination of server and signal"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "full: only with --full")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--full"):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def serve(fake, tmp_path):
    """Starts a server in a folder of its own: `support.servers.serving`."""
    return partial(serving, fake, tmp_path)
