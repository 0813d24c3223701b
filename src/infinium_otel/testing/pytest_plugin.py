"""The plug-in for pytest: the fixture `infinium`, and `--infinium-tree`.

pytest imports this module in every environment that has this package, so it imports
nothing else until a test uses the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from infinium_otel.testing.recording import RecordedRuns

FIXTURE = "infinium"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option and the scope of the fixture."""
    parser.getgroup("infinium").addoption(
        "--infinium-tree",
        action="store_true",
        help="print the runs of failing tests that use the fixture infinium",
    )
    parser.addini(
        "infinium_scope",
        "scope of the fixture infinium: function, class, module, package or session",
        default="function",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and print trees if wanted."""
    config.addinivalue_line(
        "markers",
        "infinium(**settings): arguments of register() for the fixture infinium",
    )
    if config.getoption("--infinium-tree"):
        config.pluginmanager.register(_TreePrinter(), "infinium-tree")


def _get_scope(fixture_name: str, config: pytest.Config) -> Any:  # noqa: ARG001 - pytest's call
    return config.getini("infinium_scope")


@pytest.fixture(scope="session")
def infinium_settings() -> dict[str, Any]:
    """Arguments of `register()` for every test; override it in a conftest.py."""
    return {}


@pytest.fixture(scope=_get_scope)
def infinium(
    request: pytest.FixtureRequest, infinium_settings: dict[str, Any]
) -> Iterator[RecordedRuns]:
    """The runs that the code under test sends to Infinium; none leaves the machine."""
    from infinium_otel.testing.recording import record_runs  # noqa: PLC0415 - only if used

    settings = dict(infinium_settings)
    for marker in reversed(list(request.node.iter_markers(FIXTURE))):
        settings |= marker.kwargs
    with record_runs(**settings) as recorded:
        yield recorded


class _TreePrinter:
    """Adds the runs of a failed test to its report."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, None]:
        """Add a section, which pytest prints below the failure."""
        outcome = yield
        report = outcome.get_result()
        recorded = getattr(item, "funcargs", {}).get(FIXTURE)
        if call.when != "call" or not report.failed or recorded is None:
            return
        trees = [run.tree(times=True, cost=True) for run in recorded.runs]
        report.sections.append(("Infinium runs", "\n\n".join(trees) or "none"))
