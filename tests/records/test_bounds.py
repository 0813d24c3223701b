"""The bounds on untrusted input: checked on the text, before anything is built of it."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import DecodingError
from infinium_otel.records import bounds
from infinium_otel.records.bounds import Budget, estimate_bytes, is_too_deep, parse_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nest(depth, opening="[", closing="]", inner="1"):
    return (opening * depth + inner + closing * depth).encode()


@given(value=JSON, ascii_only=st.booleans())
def test_json_is_parsed_as_by_the_library(value, ascii_only):
    """What is within the bounds is unchanged."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text.encode()) == value
    assert not is_too_deep(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(nest(100_000), id="lists"),
        pytest.param(nest(100_000, '{"a":', "}"), id="objects"),
        pytest.param(nest(100_000, '[{"a":', "}]"), id="both"),
        pytest.param(b"[" * 100_000, id="never-closed"),
        pytest.param(b"[[],[],[]," * 100_000, id="never-closed-with-others"),
        pytest.param(nest(bounds.MAX_DEPTH + 1), id="one-more"),
        pytest.param(b'["\\\\","\\"",' + nest(400) + b"]", id="after-escapes"),
        pytest.param(
            b'["' + b"x" * 65_535 + b'\\"",' + nest(400) + b"]", id="escape-at-a-cut"
        ),
    ],
)
def test_deep_json_is_one_clear_error(text):
    """The depth is found in the text, so no parser ever nests that deep."""
    with pytest.raises(DecodingError, match="nested too deep"):
        parse_json(text)
    assert is_too_deep(text.decode())


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("[" * 100_000, id="in-a-text"),
        pytest.param('\\"[{' * 100_000, id="behind-escapes"),
        pytest.param([[[]]] * 100_000, id="one-after-the-other"),
        pytest.param([{"a": "]\\"}] * 10_000, id="escapes-in-each"),
    ],
)
def test_brackets_that_do_not_nest_are_no_depth(value):
    """Brackets in texts are text, and closed ones are closed."""
    assert parse_json(json.dumps(value).encode()) == value


def test_the_greatest_depth_is_allowed():
    """The bound itself is within the bounds."""
    assert parse_json(nest(bounds.MAX_DEPTH))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"{ cut", id="cut"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"a": "\xff"}', id="not-utf-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="utf-16"),
        pytest.param('{"a": 1}'.encode("utf-16-le"), id="utf-16-without-a-mark"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="surrogate"),
        pytest.param(b"1" * 10_000, id="digits"),
    ],
)
def test_what_is_not_json_in_utf8_is_one_clear_error(text):
    """JSON is UTF-8 (RFC 8259 section 8.1): another encoding is not guessed."""
    with pytest.raises(DecodingError, match="damaged or was cut, or not in UTF-8"):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[" + b"{}," * 100_000 + b"{}]", id="objects"),
        pytest.param(b"[" + b"[]," * 100_000 + b"[]]", id="lists"),
        pytest.param(b"[" + b'{"a":1},' * 100_000 + b"{}]", id="members"),
        pytest.param(b"[" + b'"",' * 100_000 + b"0]", id="empty-texts"),
        pytest.param(b"[" + b'"ab",' * 100_000 + b"0]", id="texts"),
        pytest.param(b"[" + b"1e9," * 100_000 + b"0]", id="floats"),
        pytest.param(b"[" + b"12345," * 100_000 + b"0]", id="numbers"),
        pytest.param(b'["' + b"x" * 1_000_000 + b'"]', id="long"),
        pytest.param('["😀'.encode() + b"x" * 1_000_000 + b'"]', id="wide"),
        pytest.param(
            b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}",
            id="keys",
        ),
    ],
)
def test_the_estimate_is_no_less_than_what_is_built(text):
    """Half as much again is allowed for, in what a small text cannot show."""
    tracemalloc.start()
    try:
        value = json.loads(text)
        built = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert value
    assert estimate_bytes(text) > built / 1.5


def test_a_document_of_too_many_values_is_rejected_before_it_is_built():
    """The status is 413: the sender should send less."""
    text = b"[" + b"{}," * 2_000_000 + b"{}]"
    tracemalloc.start()
    try:
        with pytest.raises(DecodingError, match="too much JSON") as caught:
            parse_json(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.status_code == 413
    assert peak < 5_000_000


def test_a_budget_ends():
    """The last item is allowed, one more is not, and the error has status 413."""
    budget = Budget(3)
    budget.spend(3)
    with pytest.raises(DecodingError, match="at most 1,000,000") as caught:
        budget.spend(1)
    assert caught.value.status_code == 413
