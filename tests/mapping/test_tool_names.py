"""One tool under several names."""

from __future__ import annotations

import pytest

from infinium_otel.mapping.tool_names import (
    ToolNames,
    get_bare_name,
    is_class_name,
    is_same_tool_name,
)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("mcp__weather__get_weather", "get_weather"),
        ("developer__shell", "shell"),
        ("functions.get_weather", "get_weather"),
        ("weather/get_weather", "get_weather"),
        ("get_weather", "get_weather"),
        ("trailing__", "trailing__"),
        ("", ""),
    ],
)
def test_get_bare_name(name, bare):
    """A namespace ends with two underscores, a dot, a slash or a colon."""
    assert get_bare_name(name) == bare


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("f", "f", True),
        ("mcp__s__f", "f", True),
        ("f", "mcp__s__f", True),
        ("a.f", "b.f", False),
        ("f", "g", False),
        (None, None, False),
        ("f", None, False),
    ],
)
def test_is_same_tool_name(first, second, same):
    """Two namespaces are two tools; a name without one is either's."""
    assert is_same_tool_name(first, second) is same
    if first and second:
        assert (first in ToolNames([second, None])) is same


def test_is_class_name():
    """A class's name is what a framework calls each of its tools."""
    assert is_class_name("DynamicStructuredTool")
    assert is_class_name("Tool")
    assert not is_class_name("search_tool")
