"""Texts for a reader."""

from __future__ import annotations

import base64
import json

import pytest

from infinium_otel.dialects.lenient_json import SHORT_LIST, limit_decoding
from infinium_otel.mapping import previews
from infinium_otel.mapping.previews import (
    extract_arguments,
    extract_text,
    join_documents,
    list_scores,
    replace_binary,
)
from infinium_otel.taskdata.limits import (
    MAX_INPUT_SUMMARY_LENGTH,
    MAX_PREVIEW_LENGTH,
)
from support.records import chat, task_of

PNG = base64.b64encode(bytes(range(256)) * 134).decode()


def part(**more):
    return [{"role": "user", "parts": [{"type": "text", "content": "Look"}, more]}]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param(
            part(type="blob", mime_type="image/png", modality="image", content=PNG),
            "Look\n[image image/png 34 kB]", id="conventions",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": "Look"}, {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{PNG}"}}]}],
            "Look\n[image image/png 34 kB]", id="openai",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": "Look"}, {
                "type": "image", "source": {
                    "type": "base64", "media_type": "image/png", "data": PNG}}]}],
            "Look\n[image image/png 34 kB]", id="anthropic",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "image_url", "image_url": {
                "url": "https://example.org/cat.png"}}]}],
            "[image https://example.org/cat.png]", id="address",
        ),
    ],
)  # fmt: skip
def test_an_image_is_named_by_type_and_size(message, shown):
    """Binary content is named, never shown, in every dialect's shape."""
    attributes = {"gen_ai.input.messages": json.dumps(message)}
    task = task_of(chat("c", attributes=attributes))
    assert task.steps[0].input_preview == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(PNG, "[base64 34 kB]", id="bare"),
        pytest.param({"type": {}}, {"type": {}}, id="no-type"),
        pytest.param(
            f"data:image/png;base64,{PNG}", "[file image/png 34 kB]", id="uri"
        ),
        pytest.param({"a": b"\x00\x01"}, {"a": "[bytes 2]"}, id="bytes"),
        pytest.param([0.5] * 99, "[vector 99]", id="vector"),
        pytest.param([{"type": "image", "data": "aGk="}], ["[image 3 B]"], id="part"),
        pytest.param("字" * 500, "字" * 500, id="chinese-is-no-base64"),
        pytest.param("word " * 200, "word " * 200, id="prose"),
    ],
)
def test_binary_is_named_in_any_place(value, shown):
    """Images, audio, bytes and vectors are named by kind and size."""
    assert replace_binary(value) == shown


def test_nesting_ends():
    """Endless nesting is followed to a limited depth only."""
    value: list = []
    for _ in range(200):
        value = [value]
    assert replace_binary(value)
    assert extract_text(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param('{"inputs": {"question": "Why?"}, "tags": []}', "Why?", id="deep"),
        pytest.param('"{\\"input\\": \\"{\\\\\\"q\\\\\\": 1}\\"}"', '{"q":1}',
                     id="json-in-json-in-json"),
        pytest.param('{"args": ["Why?"], "kwargs": {}}', "Why?", id="decorator"),
        pytest.param('{"message": "Why?"}', "Why?", id="chat-engine"),
        pytest.param({"input": {"input": {"input": {"input": {"input": {"input": {
            "input": "Why?"}}}}}}}, '{"input":"Why?"}', id="wrapped-without-end"),
        pytest.param('{"city": "Paris"}', '{"city":"Paris"}', id="object"),
        pytest.param("{'city': 'Paris'}", '{"city":"Paris"}', id="python-repr"),
        pytest.param('[{"type": "text", "text": "a"}]', "a", id="blocks"),
        pytest.param('{"type": "tool", "data": {"content": "ok"}}', "ok", id="message"),
        pytest.param('{"a": "cut sho', '{"a":"cut sho"}', id="cut-short"),
        pytest.param("null", "null", id="a-word"),
        pytest.param("", None, id="empty"),
        pytest.param([], None, id="nothing"),
        pytest.param({"role": "user"}, None, id="message-without-words"),
        pytest.param([{"role": "tool", "parts": [
            {"type": "tool_call_response", "response": [{"text": "no city"}]}]}],
            "no city", id="a-list-of-messages"),
        pytest.param('{"kwargs": {}}', None, id="empty-wrapper"),
        pytest.param({"input_str": "{'city': 'Rome'}", "inputs": {"city": "Rome"},
                      "tags": ["seq:step:1"]}, '{"city":"Rome"}', id="callback"),
        pytest.param({"input_str": "a", "mode": "x"},
                     '{"input_str":"a","mode":"x"}', id="an-argument-of-that-name"),
        pytest.param('{"city": {}}', '{"city":{}}', id="empty-member"),
        pytest.param('{"query": "x", "strict": true}', "x", id="beside-a-switch"),
        pytest.param('{"query": "x", "limit": 1}', '{"query":"x","limit":1}',
                     id="beside-a-number"),
        pytest.param('{"result": false}', '{"result":false}', id="false"),
        pytest.param('{"result": 0}', "0", id="zero"),
    ],
)  # fmt: skip
def test_content_is_readable(value, shown):
    """Content is shown without its wrappers."""
    assert extract_text(value) == shown


def test_previews_are_cut_after_decoding():
    """A preview has at most 500 characters and marks where it was cut."""
    text = "Ä" * 10_000_000
    message = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
    task = task_of(chat("c", attributes={"gen_ai.input.messages": json.dumps(message)}))
    shown = task.steps[0].input_preview
    assert len(shown) == MAX_PREVIEW_LENGTH
    assert shown.endswith("Ä...")
    assert len(task.input_summary) == MAX_INPUT_SUMMARY_LENGTH


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([{"document": {"content": "a"}}, {"document": {"content": "b"}}], "a\nb"),
        ([{"content": "a", "score": 0.5}, {"id": "7"}, "other"], "a"),
        ([{"document": "a"}], None),
        (["a", "", "b"], "a\nb"),
        ('{"documents": [{"page_content": "a"}], "count": 1}', "a"),
        ("text", None),
        (None, None),
    ],
    ids=str,
)
def test_documents_are_shown_by_their_texts(found, shown):
    """The texts of retrieved documents are shown, in any shape of the list."""
    assert previews.join_documents(found) == shown


def test_walking_a_long_list_over_and_over_is_limited():
    """Spans share what is decoded; past the limit the list's length is shown."""
    long, short = ({"a": 1},) * 60_000, ("a",) * SHORT_LIST
    with limit_decoding(0):
        shown = [extract_text(long) for _ in range(8)]
        assert shown[0].startswith('[{"a":1}')
        assert shown[-1] == "[60000 items]"
        assert extract_text(short).startswith('["a","a"')
        assert extract_text({"a": 1}) == '{"a":1}'


def test_walking_many_lists_is_limited():
    """However short each is: what is inside them counts."""
    value = {"rows": [{"a": [1, 2]} for _ in range(200)]}
    with limit_decoding(0) as limit:
        shown = [extract_text(value) for _ in range(1_000)]
    assert shown[0].startswith('{"rows":[{"a":[1,2]}')
    assert shown[-1] == "[1 items]"
    assert limit.refused


@pytest.mark.parametrize(
    ("documents", "scores"),
    [
        ([{"content": "a", "score": 0.9}, {"content": "b", "score": 0}], [0.9, 0]),
        ({"documents": [{"document": {"content": "a", "score": 0.9}}]}, [0.9]),
        ([{"content": "a", "score": 0.9}, {"content": "b"}], None),
        ([{"content": "a", "score": "high"}], None),
        ([{"document": "text"}], None),
        (["text"], None),
        (7, None),
    ],
)
def test_scores_of_documents(documents, scores):
    """The scores are listed if every document has one."""
    assert list_scores(documents) == scores


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"file_path": "a.ts", "content": "x"}', '{"file_path":"a.ts","content":"x"}'),
        ('{"name": "shopping", "content": "x"}', '{"name":"shopping","content":"x"}'),
        ('{"path": "a.py", "content": "def f(', '{"path":"a.py","content":"def f("}'),
        ('{"content": "x"}', '{"content":"x"}'),
        ('{"query": "x", "tags": ["y"]}', '{"query":"x","tags":["y"]}'),
        ('{"input": "x"}', '{"input":"x"}'),
        ('{"input": {"query": "x"}}', '{"query":"x"}'),
        ('{"input_str": "{\'query\': \'x\'}", "tags": ["y"]}', '{"query":"x"}'),
        ('{"args": [], "kwargs": {"text": "x"}}', '{"text":"x"}'),
        ('{"args": ["x"], "kwargs": {}}', "x"),
        ('{"query": ""}', None),
        ("x", "x"),
    ],
)
def test_arguments_are_shown_whole(arguments, shown):
    """With their names, but without what callbacks wrap around them."""
    assert extract_arguments(arguments) == shown


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([{"text": "a"}, {"text": "b", "id": "7", "score": 0.5}], "a\nb"),
        ([{"type": "text", "text": "a", "lang": "en"}], "a"),
        ([{"text": "a", "url": "u"}], '[{"text":"a","url":"u"}]'),
        ({"content": "a", "title": "t"}, '{"content":"a","title":"t"}'),
    ],
)
def test_results_of_several_texts_are_shown_whole(found, shown):
    """A text is shown alone only if its object has no other."""
    assert extract_text(found) == shown


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([{"id": "d-1", "score": 0.8}, {"id": "d-2"}], '[{"id":"d-1"},{"id":"d-2"}]'),
        ([{"document": {"id": "d-1", "content": ""}}], '[{"id":"d-1"}]'),
        ([{"id": "d-1", "content": "Rome"}], "Rome"),
        ([{"score": 0.5}], None),
        ([{"document": "Rome"}], None),
        (None, None),
    ],
)
def test_documents_without_content_are_named(found, shown):
    """Which documents they are is shown where nobody recorded what they say."""
    assert join_documents(found) == shown


def test_the_response_in_the_event_that_ends_a_stream():
    """The terminal event of OpenAI's streams holds the whole response."""
    said = {"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi."}]}  # fmt: skip
    response = {"object": "response", "output": [said]}
    found = {"type": "response.completed", "sequence_number": 9, "response": response}
    assert extract_text(found) == "Hi."
