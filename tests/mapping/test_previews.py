"""Texts for a reader."""

from __future__ import annotations

import base64
import json

import pytest

from infinium_otel.mapping import previews
from infinium_otel.mapping.previews import Said, content, without_binary
from support.told import agent, chat, task_of

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
def test_binary_is_named_wherever_it_stands(value, shown):
    """Images, audio, bytes and vectors are named by kind and size."""
    assert without_binary(value) == shown


def test_nesting_ends():
    """What nests without end is looked into only so far."""
    value: list = []
    for _ in range(200):
        value = [value]
    assert without_binary(value)
    assert content(value)


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
        pytest.param({"role": "user"}, '{"role":"user"}', id="message-without-words"),
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
    """Content is shown without the wrappings it came in."""
    assert content(value) == shown


def test_previews_are_cut_after_decoding():
    """A preview has at most 500 characters and says where it was cut."""
    text = "Ä" * 10_000_000
    message = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
    task = task_of(chat("c", attributes={"gen_ai.input.messages": json.dumps(message)}))
    shown = task.steps[0].input_preview
    assert len(shown) == previews.PREVIEW
    assert shown.endswith("Ä...")
    assert len(task.input_summary) == previews.SUMMARY_IN


@pytest.mark.parametrize(
    ("messages", "asked"),
    [
        pytest.param(
            [("user", "a"), ("assistant", "b"), ("user", "c")], "c", id="last"
        ),
        pytest.param([("system", "s"), ("assistant", "b")], "b", id="no-user"),
        pytest.param([("system", "s")], "s", id="system-only"),
    ],
)
def test_what_was_asked(messages, asked):
    """A run's input is its last question; where nobody asked, what was said."""
    said = Said([{"role": r, "content": t} for r, t in messages], "user")
    assert previews.asked(said) == asked


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param([{"role": "user", "parts": [{"type": "text"}]}], id="withheld"),
        pytest.param([{"role": "assistant", "finish_reason": "stop"}], id="no-words"),
        pytest.param('{"args": [], "kwargs": {}}', id="no-arguments"),
        pytest.param({"text": "", "toolCalls": []}, id="no-answer"),
        pytest.param({"generations": [[{"text": "", "message": {
            "lc": 1, "id": ["langchain", "AIMessage"], "kwargs": {
                "content": "", "response_metadata": {"body": "slow down"}}}}]]},
            id="an-answer-that-failed"),
    ],
)  # fmt: skip
def test_a_shell_around_nothing_is_nothing(shell):
    """Messages without their words, and calls without arguments, say nothing."""
    said = Said(shell, "user")
    told = (previews.asked(said), previews.latest(said), previews.answered(said))
    assert told == (None, None, None)


def test_a_tools_answer_can_be_what_was_asked():
    """Where a call was given only a tool's answer, that is its input."""
    said = Said([{"role": "tool", "tool_call_id": "1", "content": "18C"}], "user")
    assert previews.asked(said) == "18C"
    assert previews.latest(said) == "18C"


@pytest.mark.parametrize(
    ("value", "answered", "concluded"),
    [
        pytest.param([{"role": "assistant", "content": "yo"}], "yo", "yo", id="text"),
        pytest.param(
            [{"role": "assistant", "tool_calls": [
                {"id": "1", "function": {"name": "f", "arguments": '{"a":1}'}}]}],
            'f({"a":1})', None, id="tool-call",
        ),
        pytest.param(
            [{"role": "assistant", "parts": [{"type": "thinking", "content": "hm"}]}],
            "hm", None, id="thought",
        ),
        pytest.param("plain", "plain", "plain", id="plain"),
        pytest.param("AgentOutput(response=1)", "AgentOutput(response=1)", None,
                     id="printed-object"),
        pytest.param({"data": ["Message(_role=1)"]}, '{"data":["Message(_role=1)"]}', None,
                     id="printed-object-inside"),
        pytest.param({"a": "x," * 1_000}, json.dumps({"a": "x," * 1_000}).replace(": ", ":"),
                     None, id="dump"),
    ],
)  # fmt: skip
def test_what_was_answered(value, answered, concluded):
    """An answer is its text and the tools it asked for; a conclusion only words."""
    assert previews.answered(Said(value, "assistant")) == answered
    assert previews.concluded(Said(value, "assistant")) == concluded


def test_a_request_to_embed():
    """Of a request the texts are shown; what came of it are numbers, and no answer."""
    asked = {"model": "small", "input": ["alpha", "beta"], "encoding_format": "base64"}
    span = chat(
        "c",
        attributes={
            "gen_ai.operation.name": "embeddings",
            "gen_ai.input.messages": json.dumps(asked),
            "gen_ai.output.messages": json.dumps({"data": [[0.1, 0.2]]}),
        },
    )
    task = task_of(span)
    assert task.input_summary == '["alpha","beta"]'
    assert task.output_summary is None


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([{"document": {"content": "a"}}, {"document": {"content": "b"}}], "a\nb"),
        ([{"content": "a", "score": 0.5}, {"id": "7"}, "other"], "a"),
        ([{"document": "a"}], None),
        ('{"documents": [{"page_content": "a"}], "count": 1}', "a"),
        ("text", None),
        (None, None),
    ],
    ids=str,
)
def test_documents_are_shown_by_their_texts(found, shown):
    """Of what was retrieved the texts are to be read, in any shape of the list."""
    assert previews.documents(found) == shown


def test_what_was_asked_of_tools_is_no_question():
    """Where the words were withheld, the calls between them are nobody's question."""
    call = {"type": "tool_call", "id": "c", "name": "f"}
    shells = [
        {"role": "user", "parts": [{"type": "text"}]},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c"}]},
    ]
    assert previews.asked(Said(shells, "user")) is None


def test_everything_embedded_is_shown():
    """Of an embedding every text is shown, one a line."""
    said = Said([{"role": "user", "content": t} for t in ("a", "b")], "user")
    assert previews.everything(said) == "a\nb"
    assert previews.everything(Said("one", "user")) == "one"


def test_messages_are_looked_through_once_decoded():
    """A list that was decoded whole is not decoded again."""
    said = Said([{"role": "user", "content": "a"}], "user")
    assert said.messages
    assert previews.latest(said) == "a"


def test_the_root_without_words_borrows_from_its_frames():
    """A root that tells nothing has the input and output of what it holds."""
    words = {"input.value": "Why?", "output.value": "Because."}
    task = task_of(
        agent("root"),
        agent("inner", "root", name="b", attributes=words, start=1, end=5),
        chat("c", "inner", start=2),
    )
    assert (task.input_summary, task.output_summary) == ("Why?", "Because.")
