"""Dialects of other distributions, found by their entry points."""

from __future__ import annotations

import logging

import pytest

from infinium_otel.dialects import plugins
from infinium_otel.dialects.plugins import load_readers


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """Write a distribution that offers dialects: `offered(name="module:object")`."""

    def write(code, **points):
        info = tmp_path / "other-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text(
            "\n".join(["[infinium_otel.dialects]", *lines])
        )
        (tmp_path / "other_dialects.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(__import__("sys").modules, "other_dialects", raising=False)

    return write


TWO = """
from infinium_otel.dialects import Dialect
B, A = Dialect("b", {}), Dialect("a", {})
"""


def test_they_come_by_name(offered):
    """The order is the names', so that every process has the same."""
    offered(TWO, second="other_dialects:B", first="other_dialects:A")
    assert [dialect.name for dialect in load_readers()] == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        pytest.param("raise RuntimeError('boom')", "other_dialects:X", id="raises"),
        pytest.param("", "other_dialects:X", id="no-such-name"),
        pytest.param("", "no_such_module_at_all:X", id="no-such-module"),
        pytest.param("X = 'a text'", "other_dialects:X", id="no-dialect"),
    ],
)
def test_one_that_fails_is_left_out(offered, caplog, code, value):
    """A dialect that cannot be loaded costs a warning, never the telemetry."""
    offered(code, broken=value)
    with caplog.at_level(logging.WARNING, "infinium_otel.dialects.plugins"):
        assert load_readers() == ()
    assert "broken" in caplog.text
    assert "boom" not in caplog.text


def test_none_are_offered():
    """Without other distributions there is nothing to find."""
    assert load_readers() == ()


def test_installed_packages_are_read_once(offered, monkeypatch):
    """A second pipeline does not read every installed package; another path is read."""
    read = []

    def find(**_):
        read.append(1)
        return []

    monkeypatch.setattr(plugins, "entry_points", find)
    monkeypatch.syspath_prepend("/no/such/folder")
    assert [load_readers(), load_readers()] == [(), ()]
    assert len(read) == 1
    offered(TWO, first="other_dialects:A")
    assert load_readers() == ()
    assert len(read) == 2
