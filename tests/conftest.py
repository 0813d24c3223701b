"""Options and fixtures of every test."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

from infinium_otel.testing import FakeInfinium
from support.golden import Golden

# The duration of an example depends more on the machine than on the code. In CI the
# examples are always the same, so that a change fails for what it did; elsewhere they
# are new in every run, and find more.
hypothesis.settings.register_profile(
    "infinium-otel",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("infinium-otel")

pytest.register_assert_rewrite("support.records")


def pytest_configure():
    """Let Ctrl-C end programs as usual.

    A shell ignores it in what it starts in the background, and the programs that tests
    start inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files that differ, and fail each test that did",
    )
    parser.addoption(
        "--few-examples",
        action="store_true",
        help="give each property test 10 examples, and the great burst a tenth of its "
        "spans: what a slow, measured run needs",
    )


@pytest.fixture
def few_examples(request):
    """Whether this run is to try fewer examples."""
    return request.config.getoption("--few-examples")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Many tests wait, for servers and processes: two workers a core."""
    return (os.cpu_count() or 1) * 2


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--few-examples"):
        return
    for item in items:
        # Where hypothesis keeps a test's settings; it has no public way to lower them.
        test = getattr(item, "obj", None)
        test = getattr(test, "__func__", test)
        own = getattr(test, "_hypothesis_internal_use_settings", None)
        if own is not None:
            fewer = min(own.max_examples, 10)
            test._hypothesis_internal_use_settings = hypothesis.settings(
                own, max_examples=fewer
            )


@pytest.fixture
def golden(request):
    """Compares values with golden files, or rewrites them with --update-golden."""
    return Golden(update=request.config.getoption("--update-golden"))


@pytest.fixture
def fake():
    """Infinium on loopback, which records requests and reports violations."""
    with FakeInfinium(require_key=True) as server:
        yield server
