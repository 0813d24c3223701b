"""Text that should be JSON."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects.lenient_json import (
    MAX_DECODED_BYTES,
    MAX_DEPTH,
    MAX_REPR,
    limit_decoding,
    loads,
    parse_list,
    repair,
    to_text,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param('{"a":1}', {"a": 1}, id="object"),
        pytest.param(" [1] ", [1], id="spaces"),
        pytest.param('"text"', "text", id="quoted"),
        pytest.param("123", "123", id="a-number-stays-text"),
        pytest.param("plain", "plain", id="plain"),
        pytest.param("", "", id="empty"),
        pytest.param(7, 7, id="no-text"),
        pytest.param(json.dumps(json.dumps({"a": 1})), {"a": 1}, id="twice"),
        pytest.param("{'a': 1, 'b': (2,)}", {"a": 1, "b": (2,)}, id="python-repr"),
        pytest.param("{'a': object}", "{'a': object}", id="no-literal"),
        pytest.param("[not json", "[not json", id="not-json"),
        pytest.param('"open', '"open', id="open-quote"),
        pytest.param("{" + "'" * MAX_REPR, "{" + "'" * MAX_REPR, id="too-long-a-repr"),
        pytest.param("[" * 100_000, "[" * 100_000, id="too-deep"),
    ],
)
def test_decode(value, found):
    """Text that begins like JSON is decoded; any other value is unchanged."""
    assert loads(value) == found


def test_layers():
    """At most the wanted number of layers is unwrapped."""
    four = {"a": 1}
    for _ in range(4):
        four = json.dumps(four)
    assert isinstance(loads(four), str)
    assert loads('"[1]"', 1) == "[1]"
    assert loads("[1]", 0) == "[1]"


@pytest.mark.parametrize(
    ("cut", "found"),
    [
        pytest.param('{"a":1,"b":[1,2', {"a": 1, "b": [1]}, id="in-a-list"),
        pytest.param('{"a":1,"b', {"a": 1}, id="in-a-key"),
        pytest.param('{"a":"long tex', {"a": "long tex"}, id="in-a-string"),
        pytest.param('{"a":"x\\', {"a": "x"}, id="in-an-escape"),
        pytest.param('{"a":"q\\"uo', {"a": 'q"uo'}, id="escaped-quote"),
        pytest.param('[{"a":1},{"b"', [{"a": 1}, {}], id="in-an-object"),
        pytest.param('[{"a":1}', [{"a": 1}], id="closed-inside"),
        pytest.param("{", None, id="only-open"),
        pytest.param("[1] see below, and so on", None, id="text-after-it"),
        pytest.param("[INFO] done, all of it", None, id="a-bracketed-word"),
        pytest.param("plain", None, id="no-json"),
        pytest.param("}{", None, id="closed-first"),
        pytest.param("{a]", None, id="broken"),
        pytest.param("[" * (MAX_DEPTH + 2), None, id="too-deep"),
    ],
)
def test_salvaged(cut, found):
    """Of a text that was cut its complete elements are kept."""
    assert repair(cut) == found


def test_nothing_is_saved_of_what_is_too_long():
    """Mending is bounded."""
    assert repair("[" + "1," * 600_000) is None


def test_where_nothing_fits():
    """Text that is broken before its first comma cannot be saved."""
    assert repair("{nonsense, more, and, more, still") is None


class Unsayable:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param({"a": ["ö"]}, '{"a":["ö"]}', id="compact"),
        pytest.param(b"1234", "[bytes 4]", id="bytes"),
        pytest.param({(1, 2): 3}, "{(1, 2): 3}", id="keys-that-are-no-texts"),
        pytest.param({(1,): Unsayable()}, "Unsayable", id="repr-of-the-unsayable"),
        pytest.param(Unsayable(), "[Unsayable]", id="unsayable"),
    ],
)
def test_text_of(value, text):
    """Anything has a text."""
    assert text in to_text(value)


def test_text_of_what_contains_itself():
    """A cycle has a text too."""
    cycle = []
    cycle.append(cycle)
    assert to_text(cycle) == "[[...]]"


MANY = MAX_DECODED_BYTES // 232


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" + "{}," * MANY + "{}]", id="objects"),
        pytest.param("[" + "[]," * MANY + "[]]", id="lists"),
        pytest.param("[" + '"ab",' * 4 * MANY + '"ab"]', id="texts"),
    ],
)
def test_what_is_decoded_of_a_trace_is_limited(text):
    """A text beyond the limit stays text; what fits is decoded, before and after it."""
    with limit_decoding(1) as limit:
        assert loads('{"a":1}') == {"a": 1}
        assert loads(text) is text
        assert parse_list(text) is None
        assert loads("[1]") == [1]
        assert limit.refused == 2
    assert isinstance(loads(text), list)


def test_many_texts_add_up():
    """However small each of them is; a trace of more spans may have more."""
    text = "[" + "{}," * 10_000 + "{}]"
    counts = []
    for spans in (0, 1_000):
        with limit_decoding(spans):
            counts.append(sum(loads(text) is not text for _ in range(200)))
    assert 0 < counts[0] < counts[1] < 200


def test_repairs_add_up():
    """They take far more time than decoding does."""
    text = '{"a":"' + "b" * 900_000
    with limit_decoding(0) as limit:
        repaired = [isinstance(loads(text), dict) for _ in range(12)]
    assert repaired[0]
    assert not repaired[-1]
    assert limit.refused
