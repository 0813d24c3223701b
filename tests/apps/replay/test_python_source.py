"""Values as Python source: equal to the value, ASCII, and formatted as ruff does."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.apps.replay.python_source import (
    CallSource,
    quote,
    to_comment,
    to_identifier,
    to_source,
)

TEXTS = st.text(st.characters(exclude_categories=()), max_size=80)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_the_value_is_the_same(value):
    """Whatever the value is, the source evaluates to it."""
    source = to_source(value, 9)
    assert source.isascii()
    assert ast.literal_eval(source) == value


@settings(max_examples=5)
@given(st.lists(VALUES, min_size=20, max_size=20))
def test_ruff_has_nothing_to_format(values):
    """Neither quotes, nor line breaks, nor commas (many values for one process)."""
    ruff = Path(sys.executable).with_name("ruff")
    lines = [f"VALUE = {to_source([value], 8)}" for value in values]
    lines += [f"CALL = {to_source(CallSource('f', (v,), {'k': v}), 7)}" for v in values]
    done = subprocess.run(
        [ruff, "format", "--isolated", "--diff", "-"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_no_json():
    """Numbers that JSON has no word for are None, objects are texts."""
    assert to_source([float("nan"), float("inf"), Path("x")]) == '[None, None, "x"]'


def test_deep_values():
    """What nests too deeply is left out; the time it takes grows with the size only."""
    value: object = "x"
    for _ in range(500):
        value = [value, "y" * 50]
    source = to_source(value)
    assert ast.literal_eval(source)[1] == "y" * 50
    assert "..." in source
    assert len(source) < 10_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it's", '"it\'s"'),
        ('say "hi"', "'say \"hi\"'"),
        ("'\"", '"\'\\""'),
        ("a\\b\n", '"a\\\\b\\n"'),
        ("\u2028\U0001f600\x85\ud800", '"\\u2028\\U0001f600\\x85\\ud800"'),
    ],
)
def test_quotes(text, expected):
    """The quotes that need fewer escapes, and escapes for all that is not ASCII."""
    assert quote(text) == expected
    assert ast.literal_eval(expected) == text


def test_calls():
    """Arguments by names that are none are passed as a dict."""
    call = CallSource("run.called", ("f",), {"a": 1, "**": {"b c": 2}})
    assert to_source(call) == 'run.called("f", a=1, **{"b c": 2})'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ('"""\\ end\n#\u2028', "'''/ end #"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_comments(text, expected):
    """A comment is one line, and ends no docstring."""
    assert to_comment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Weather-Agent 2", "weather_agent_2"),
        ("...", "run"),
        ("\u00e4" * 9, "run"),
        ("a" * 99, "a" * 60),
    ],
)
def test_identifiers(text, expected):
    """Any text gives a part of an identifier."""
    assert to_identifier(text) == expected
    assert json.dumps(expected).isascii()
