"""JSON documents larger than memory."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.errors import DecodingError
from infinium_otel.otlp import from_json, to_otlp
from infinium_otel.otlp.files import documents, large, load_otlp, read_otlp
from support.corpus import recording
from support.otlp_requests import snake, span, traces
from support.telemetry import LOGS, SPANS

RECORDED = recording("genai-openai/tool_loop").spans
RECORDS = from_json(RECORDED).records


def cut(text, size):
    """The text in chunks of *size* bytes."""
    data = text.encode()
    return [data[start : start + size] for start in range(0, len(data), size)]


def records_of(text, size):
    read = (from_json(each) for each in large.iter_documents(cut(text, size)))
    return [record for decoded in read for record in decoded.records]


@given(
    st.lists(SPANS, max_size=5),
    st.lists(LOGS, max_size=2),
    st.integers(1, 200),
    st.booleans(),
)
def test_the_parts_hold_what_the_whole_holds(spans, logs, size, indented):
    """Wherever a chunk ends, and however the text is laid out: no record differs."""
    text = json.dumps(to_otlp([*spans, *logs]), indent=1 if indented else None)
    assert records_of(text, size) == spans + logs


@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_a_request_is_given_away_in_small_ones(size, monkeypatch):
    """Each with its resource and scope, and with at most so many spans."""
    monkeypatch.setattr(large, "BATCH", 2)
    scope = {"name": "lib", "version": "1"}
    request = traces(*(span(name=str(n)) for n in range(5)), scope=scope)
    parts = list(large.iter_documents(cut(json.dumps(request), size)))
    assert len(parts) == 3
    decoded = [record for part in parts for record in from_json(part).records]
    assert [record.name for record in decoded] == list("01234")
    assert {record.scope_name for record in decoded} == {"lib"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \n\t ", [], id="space"),
        pytest.param("[]", [], id="empty-list"),
        pytest.param('[1, "a" ,{"b": [2]}]', [1, "a", {"b": [2]}], id="list"),
        pytest.param("12 345", [12, 345], id="numbers"),
        pytest.param("\ufeff{}\n{}", [], id="empty-objects"),
        pytest.param('{"a": 1, "b": "ü"}', [{"a": 1, "b": "ü"}], id="another-object"),
        pytest.param(
            '{"resourceSpans": 7}', [{"resourceSpans": 7}], id="signal-no-list"
        ),
        pytest.param(
            '{"resourceSpans": [7]}', [{"resourceSpans": [7]}], id="resource-no-object"
        ),
        pytest.param('{"resourceSpans": [{"scopeSpans": 7}]}', [], id="scopes-no-list"),
        pytest.param(
            '{"resourceSpans": [{"scopeSpans": [7]}]}',
            [{"resourceSpans": [{"scopeSpans": [7]}]}],
            id="scope-no-object",
        ),
        pytest.param(
            '{"resourceSpans": [{"scopeSpans": [{"spans": 7}]}]}',
            [],
            id="spans-no-list",
        ),
        pytest.param(
            '{"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}', [], id="no-spans"
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_taken_apart_and_what_is_not(text, expected, size):
    """A list is its items; of a request only what is where it belongs is taken apart."""
    assert list(large.iter_documents(cut(text, size))) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"a": 1', "was cut", id="object"),
        pytest.param("[1, 2", "was cut", id="list"),
        pytest.param('{"a" 1}', "damaged", id="no-colon"),
        pytest.param("[1 2]", "damaged", id="no-comma"),
        pytest.param('"abc', "was cut", id="text"),
        pytest.param("[" + '{"a":' * 100_000, "nested too deep", id="deep"),
    ],
)
@pytest.mark.parametrize("size", [3, 10**6])
def test_what_is_damaged_is_one_clear_error(text, message, size):
    """It is raised when it is reached."""
    with pytest.raises(DecodingError, match=message):
        list(large.iter_documents(cut(text, size)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(RECORDED), id="one-line"),
        pytest.param(json.dumps(RECORDED, indent=1), id="indented"),
        pytest.param(json.dumps([RECORDED]), id="list"),
        pytest.param(json.dumps(snake(RECORDED)), id="snake-case"),
        pytest.param("{}\n" + json.dumps(RECORDED), id="a-line-among-lines"),
    ],
)
def test_a_large_document_is_recognized_by_its_size(text, monkeypatch, tmp_path):
    """Beyond the bound it is read in parts, with the same result."""
    monkeypatch.setattr(documents, "WHOLE_BYTES", 1000)
    path = tmp_path / "spans.json"
    path.write_text(text)
    assert load_otlp(path) == RECORDS


def test_a_large_document_is_handed_on_as_it_is_read(monkeypatch):
    """Its first spans are there before the input has ended: nothing is held."""
    monkeypatch.setattr(documents, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(large, "BATCH", 10)
    head = '{"resourceSpans": [{"scopeSpans": [{"spans": ['
    item = json.dumps(span(name="again")).encode() + b",\n"

    class Endless(io.RawIOBase):
        heads = iter([head.encode()])

        def read(self, _size=-1):
            return next(self.heads, item * 100)

    requests = read_otlp(Endless())
    assert [len(next(requests).records) for _ in range(50)] == [10] * 50
