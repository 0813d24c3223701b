"""`--log-level` and `--log-format`."""

from __future__ import annotations

import argparse
import json
import logging
import sys

import pytest

from infinium_otel.apps.observe import logs


@pytest.fixture
def log():
    root, ours = logging.getLogger(), logging.getLogger("infinium_otel")
    before = [*root.handlers], root.level, ours.level
    yield logging.getLogger("infinium_otel.test")
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def configure(*arguments):
    parser = argparse.ArgumentParser()
    logs.add_arguments(parser)
    logs.configure(parser.parse_args(arguments))


def test_a_json_line_has_everything(log, capsys):
    """Time, level, logger and message; an exception with its traceback."""
    configure("--log-format", "json")
    try:
        int("äh")
    except ValueError:
        log.exception("it %s", "failed")
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["level"] == "error"
    assert record["logger"] == "infinium_otel.test"
    assert record["message"] == "it failed"
    assert record["exception"].endswith("'äh'")
    assert record["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_decides_what_is_logged(log, capsys, level, shown):
    """Ours; other packages' lines only from warnings on."""
    configure("--log-format", "json", "--log-level", level)
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)(name)
    lines = map(json.loads, capsys.readouterr().err.splitlines())
    assert [line["message"] for line in lines] == shown
    logging.getLogger("other").info("hidden")
    assert capsys.readouterr().err == ""
    assert sys.stderr is not None
