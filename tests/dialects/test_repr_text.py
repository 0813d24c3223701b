"""Objects as Python, Node and pydantic print them."""

from __future__ import annotations

import pytest

from infinium_otel.dialects._repr_text import MAX_LENGTH, is_repr, parse_repr
from infinium_otel.dialects.lenient_json import limit_decoding
from support.cpu import little_cpu


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("AIMessage(content='', tool_calls=[{'name': 'f'}])",
                     {"__class__": "AIMessage", "content": "", "tool_calls": [{"name": "f"}]},
                     id="object"),
        pytest.param("Message(_role=<Role.USER: 'user'>, _meta={}, on=True)",
                     {"__class__": "Message", "_role": "user", "_meta": {}, "on": True},
                     id="enumeration"),
        pytest.param("a.b.Weather(at=datetime.datetime(2026, 1, 2), low=-1.5e3)",
                     {"__class__": "Weather", "at": [2026, 1, 2], "low": -1500.0},
                     id="nested-and-dotted"),
        pytest.param("role='user' content=\"It's\" id=None",
                     {"role": "user", "content": "It's", "id": None}, id="pydantic-str"),
        pytest.param("[{'a': {1, 2}, 'b': b'x', 'c': <object at 0x7f>, 'd': ...}]",
                     [{"a": [1, 2], "b": "x", "c": None, "d": None}], id="odd-values"),
        pytest.param("[ { role: 'user', content: null, n: [Object] } ]",
                     [{"role": "user", "content": None, "n": ["Object"]}], id="node"),
        pytest.param('AIMessage {\n  "content": `hi`,\n  id: undefined\n}',
                     {"__class__": "AIMessage", "content": "hi", "id": None},
                     id="node-object"),
        pytest.param("('a', 1,)", ["a", 1], id="tuple"),
        pytest.param("Foo([1])", [[1]], id="without-names"),
        pytest.param("Foo(a=Bar({}))", {"__class__": "Foo", "a": [{}]}, id="empty"),
        pytest.param("Foo(a=1__0)", {"__class__": "Foo", "a": "1__0"}, id="no-number"),
        pytest.param("Foo(a=9e999999999999)", {"__class__": "Foo", "a": float("inf")},
                     id="large-number"),
    ],
)  # fmt: skip
def test_parse_repr(text, value):
    """An object is a dictionary with its class, an enumeration's member its value."""
    assert parse_repr(text) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Hello (really=good)", id="prose"),
        pytest.param("[1] see below", id="goes-on"),
        pytest.param("Foo(a=1", id="cut"),
        pytest.param("Foo(a='b", id="cut-string"),
        pytest.param("Foo(a=", id="cut-value"),
        pytest.param("Foo(a=1) and more", id="prose-after"),
        pytest.param("[?]", id="stray-mark"),
        pytest.param("[" * 100 + "]" * 100, id="too-deep"),
        pytest.param(f"['{'x' * MAX_LENGTH}']", id="too-long"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_not_a_whole_printed_object(text):
    """A text that was cut may end within any value, so that none of it is used."""
    assert parse_repr(text) is None


def test_is_repr():
    """Its beginning is enough to tell."""
    assert is_repr("Foo(a=1, and what not")
    assert not is_repr("Foo is (a=1)")


@pytest.mark.parametrize(
    "text", ["[" + "<" * 90_000, "['" + "\\'" * 90_000, "[" + "\"'" * 90_000,
             "a=1 " * 45_000, "Foo(a=" * 30_000],
    ids="brackets escapes quotes members nested".split(),
)  # fmt: skip
def test_hostile_texts_take_linear_time(text):
    """No text takes longer than its length allows."""
    with little_cpu():
        parse_repr(text)


def test_what_is_decoded_of_one_trace_is_limited():
    """A printed object counts as JSON does; past the limit it stays text."""
    text = f"A(b=[{chr(44).join([repr([1, 2])] * 1_000)}])"
    with limit_decoding(0) as limit:
        parsed = [parse_repr(text) for _ in range(100)]
    assert parsed[0] is not None
    assert parsed[-1] is None
    assert limit.refused
