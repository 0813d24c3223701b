"""Log records and handlers whose stream is closed."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

import pytest

from infinium_otel.runtime.closed_streams import guard_loggers

NAME = "infinium_otel.tests.closed_streams"


@pytest.fixture
def logger():
    """A logger of this package with no handlers but its own, filtered."""
    logger = logging.getLogger(NAME)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    guard_loggers()
    guard_loggers()
    yield logger
    logger.handlers.clear()
    logger.filters.clear()


def add_handler(logger, stream, level=logging.NOTSET):
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    logger.addHandler(handler)
    return stream


def close(stream):
    stream.close()
    return stream


def test_open_streams(logger):
    """Nothing changes: each handler gets each record once."""
    streams = [add_handler(logger, io.StringIO()) for _ in range(2)]
    logger.warning("a line")
    assert [stream.getvalue() for stream in streams] == ["a line\n"] * 2


def test_some_are_closed(logger, capsys):
    """The others get the record, each by its level."""
    add_handler(logger, close(io.StringIO()))
    all_levels = add_handler(logger, io.StringIO())
    errors = add_handler(logger, io.StringIO(), logging.ERROR)
    logger.warning("a line")
    assert (all_levels.getvalue(), errors.getvalue()) == ("a line\n", "")
    assert capsys.readouterr().err == ""


ALL_CLOSED = """
import io, logging, sys
from infinium_otel.runtime.closed_streams import guard_loggers
logger = logging.getLogger("infinium_otel.runner")
stream = io.StringIO()
logging.basicConfig(stream=stream, level=logging.INFO)
guard_loggers()
stream.close()
{more}
logger.info("a detail")
logger.warning("a line")
"""


@pytest.mark.parametrize(
    ("more", "printed"),
    [
        pytest.param("", "a line\n", id="stderr"),
        pytest.param("sys.stderr = None", "", id="no-stderr"),
        pytest.param("sys.stderr = stream", "", id="stderr-closed"),
    ],
)
def test_all_are_closed(more, printed):
    """Warnings go to stderr, so that no loss is silent; what is less does not."""
    program = ALL_CLOSED.format(more=more)
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (found.stdout, found.stderr) == ("", printed)
