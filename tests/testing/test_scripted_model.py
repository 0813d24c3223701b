"""ScriptedModel: recorded answers over the APIs that clients speak."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from infinium_otel.testing import Answer, ScriptedModel, ToolRequest

WEATHER = ToolRequest("get_weather", {"city": "Paris"}, "call_1")
CALL = Answer("I look.", [WEATHER, ToolRequest("f")], tokens=(12, 3))
DONE = Answer("Sunny.", model="gpt-4o-2024", tokens=(20, 5))


def ask(model, path="/v1/chat/completions", content="hi", **more):
    """One request as a client makes it."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}
    return httpx.post(model.url + path, json={**body, **more}, trust_env=False)


def _user(text):
    return {"role": "user", "content": text}


def test_chat_completions():
    """Text, tool requests, tokens and the model are those of the answer."""
    with ScriptedModel([CALL, DONE]) as model:
        first, second = ask(model).json(), ask(model).json()
    assert model.find_problems() == []
    [choice] = first["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I look."
    calls = choice["message"]["tool_calls"]
    assert [(c["id"], c["function"]) for c in calls] == [
        ("call_1", {"name": "get_weather", "arguments": '{"city": "Paris"}'}),
        ("call_1_1", {"name": "f", "arguments": "{}"}),
    ]
    assert first["usage"]["total_tokens"] == 15
    assert (first["model"], second["model"]) == ("gpt-4o", "gpt-4o-2024")
    assert second["choices"][0]["message"]["content"] == "Sunny."


def test_streams():
    """A stream has the same content, in pieces (Smana/runlore#208)."""
    with ScriptedModel([CALL, DONE]) as model:
        lines = ask(model, stream=True).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    assert "".join(d.get("content", "") for d in deltas) == "I look."
    calls = [call for d in deltas for call in d.get("tool_calls", ())]
    assert [(c["index"], c["function"]["name"]) for c in calls] == [
        (0, "get_weather"),
        (1, "f"),
    ]
    assert chunks[-1]["usage"]["prompt_tokens"] == 12


def test_a_stream_without_tools():
    """A text alone ends with the reason `stop`; no text is no piece."""
    with ScriptedModel([DONE, Answer()]) as model:
        texts = [ask(model, stream=True).text for _ in "ab"]
    assert all('"finish_reason": "stop"' in text for text in texts)
    assert "tool_calls" not in texts[0]


def test_responses():
    """OpenAI's responses have a message and a call per tool."""
    with ScriptedModel([CALL, Answer(tools=[WEATHER])]) as model:
        both = ask(model, "/v1/responses", input="hi").json()
        only = ask(model, "/v1/responses", input=[{"content": "hi"}]).json()
    message, call, _ = both["output"]
    assert message["content"][0]["text"] == "I look."
    assert (call["call_id"], call["arguments"]) == ("call_1", '{"city": "Paris"}')
    assert [each["type"] for each in only["output"]] == ["function_call"]
    assert both["usage"]["total_tokens"] == 15


def test_messages():
    """Anthropic's messages have a block of text and one per tool."""
    with ScriptedModel([CALL, DONE, Answer()]) as model:
        first, second, third = (ask(model, "/v1/messages").json() for _ in range(3))
    text, use, _ = first["content"]
    assert text["text"] == "I look."
    assert (use["name"], use["input"]) == ("get_weather", {"city": "Paris"})
    assert (first["stop_reason"], second["stop_reason"]) == ("tool_use", "end_turn")
    assert third["content"] == []


def test_openais_client():
    """The real client reads all of it, and finds the server by the environment."""
    openai = pytest.importorskip("openai")
    with ScriptedModel([CALL, DONE, DONE, DONE]) as model:
        assert model.environment["OPENAI_BASE_URL"] == model.base_url
        client = openai.OpenAI(base_url=model.base_url, api_key="none")
        hello = [{"role": "user", "content": "hi"}]
        with client:
            completion = client.chat.completions.create(model="m", messages=hello)
            stream = client.chat.completions.create(
                model="m", messages=hello, stream=True
            )
            chunks = [c.choices[0].delta.content for c in stream if c.choices]
            response = client.responses.create(model="m", input="hi")
            text = response.output_text
    assert completion.choices[0].message.tool_calls[0].function.name == "get_weather"
    assert "".join(filter(None, chunks)) == text == "Sunny."


def test_anthropics_client():
    """The vendor's own client reads text, tool requests and refusals; it retries none."""
    anthropic = pytest.importorskip("anthropic")
    request = {"model": "m", "max_tokens": 9, "messages": [_user("hi")]}
    with ScriptedModel([CALL, Answer(status=429, error="slow down")]) as model:
        client = anthropic.Anthropic(base_url=model.url, api_key="x", max_retries=2)
        message = client.messages.create(**request)
        with pytest.raises(anthropic.RateLimitError, match="slow down"):
            client.messages.create(**request)
    text, first, _ = message.content
    assert text.text == "I look."
    assert (first.name, first.input) == ("get_weather", {"city": "Paris"})
    assert (message.usage.input_tokens, message.usage.output_tokens) == (12, 3)
    assert len(model.requests) == 2


def read_events(response):
    """The events of a stream, whose names are those of their types."""
    found = re.findall(r"event: (.*)\ndata: (.*)\n\n", response.text)
    events = [json.loads(data) for _, data in found]
    assert [name for name, _ in found] == [event["type"] for event in events]
    return events


def test_streams_of_responses():
    """Each piece is a delta of its item; the last event has the whole response."""
    with ScriptedModel([CALL, CALL]) as model:
        whole = ask(model, "/v1/responses").json()
        events = read_events(ask(model, "/v1/responses", stream=True))
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    assert events[0]["response"]["output"] == []
    assert events[-1]["response"] == whole | {"id": "resp_2"} | {
        "output": events[-1]["response"]["output"]
    }
    pieces = {
        index: "".join(e["delta"] for e in events if "delta" in e and e["output_index"] == index)
        for index in range(3)
    }  # fmt: skip
    assert pieces == {0: "I look.", 1: '{"city": "Paris"}', 2: "{}"}
    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    assert done == events[-1]["response"]["output"]


def test_streams_of_messages():
    """Each piece is a delta of its block; the tokens come at the end."""
    with ScriptedModel([CALL, Answer()]) as model:
        events = read_events(ask(model, "/v1/messages", stream=True))
        empty = read_events(ask(model, "/v1/messages", stream=True))
    started = [e["content_block"] for e in events if e["type"] == "content_block_start"]
    assert [each["type"] for each in started] == ["text", "tool_use", "tool_use"]
    deltas = [(e["index"], e["delta"]) for e in events if e["type"] == "content_block_delta"]  # fmt: skip
    assert "".join(d["text"] for index, d in deltas if index == 0) == "I look."
    arguments = "".join(d["partial_json"] for index, d in deltas if index == 1)
    assert json.loads(arguments) == {"city": "Paris"}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    assert events[-2]["usage"] == {"input_tokens": 12, "output_tokens": 3}
    assert [event["type"] for event in empty] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]


def test_openais_client_reads_a_streamed_response():
    """It puts the text and the calls together again."""
    openai = pytest.importorskip("openai")
    with (
        ScriptedModel([CALL, CALL]) as model,
        openai.OpenAI(base_url=model.base_url, api_key="none") as client,
    ):
        with client.responses.stream(model="m", input="hi") as stream:
            response = stream.get_final_response()
        events = client.responses.create(model="m", input="hi", stream=True)
        kinds = [event.type for event in events]
    assert response.output_text == "I look."
    _, call, _ = response.output
    assert (call.call_id, call.arguments) == ("call_1", '{"city": "Paris"}')
    assert response.usage.total_tokens == 15
    assert kinds[-1] == "response.completed"


def test_anthropics_client_reads_a_streamed_message():
    """It puts the text, the tool requests and the tokens together again."""
    anthropic = pytest.importorskip("anthropic")
    request = {"model": "m", "max_tokens": 9, "messages": [_user("hi")]}
    with ScriptedModel([CALL]) as model:
        client = anthropic.Anthropic(base_url=model.url, api_key="x")
        with client.messages.stream(**request) as stream:
            message = stream.get_final_message()
    text, first, _ = message.content
    assert (text.text, message.stop_reason) == ("I look.", "tool_use")
    assert (first.name, first.input) == ("get_weather", {"city": "Paris"})
    assert (message.usage.input_tokens, message.usage.output_tokens) == (12, 3)


def test_equal_requests_that_are_streamed():
    """Each gets the next answer, not the first one again.

    Source: kevin1024/vcrpy#842, kevin1024/vcrpy#475.
    """
    answers = [Answer(text, input="hi") for text in ("one", "two", "three")]
    with ScriptedModel(answers) as model:
        bodies = [ask(model, stream=True).text for _ in answers]
        assert ask(model).status_code == 400
    texts = [
        "".join(json.loads(each) for each in re.findall(r'"content": (".*?")', body))
        for body in bodies
    ]
    assert texts == ["one", "two", "three"]


def test_the_order():
    """Equal requests get their answers in order (anomalyco/opencode#26792)."""
    answers = [Answer("one", input="hi"), Answer("two", input="hi")]
    with ScriptedModel(answers) as model:
        texts = [ask(model).json()["choices"][0]["message"]["content"] for _ in "ab"]
    assert texts == ["one", "two"]


def test_requests_at_the_same_time():
    """Requests in another order get the answers recorded for them.

    Source: BerriAI/litellm#37525, socketry/async#381.
    """
    answers = [Answer("of a", input="a..."), Answer("of b", input="b")]
    with ScriptedModel(answers) as model:
        texts = [
            ask(model, content=content).json()["choices"][0]["message"]["content"]
            for content in ("b", [{"type": "text", "text": "a longer one"}])
        ]
    assert texts == ["of b", "of a"]
    assert model.changed == []


def test_another_question_is_noticed():
    """A request that was not recorded gets the next answer, and is listed."""
    with ScriptedModel([Answer("yes", input="old")]) as model:
        ask(model, content="new")
    assert model.changed == [("new", "old")]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_failures(path):
    """A recorded failure is one, and clients do not retry it."""
    with ScriptedModel([Answer(status=429, error="slow down")]) as model:
        response = ask(model, path)
    assert response.status_code == 429
    assert response.json()["error"]["message"] == "slow down"
    assert response.headers["x-should-retry"] == "false"
    assert model.find_problems() == []


@pytest.mark.parametrize(
    ("path", "more", "reason"),
    [
        ("/v1/embeddings", {}, "/v1/embeddings is not scripted"),
        ("/v1/rerank", {"stream": True}, "/v1/rerank is not scripted"),
        ("/v1/chat/completions?x=1", {}, "request 1 has no answer: 0 recorded"),
    ],
)
def test_what_is_not_scripted(path, more, reason):
    """It is refused with the reason, and reported at the end."""
    with ScriptedModel([]) as model:
        response = ask(model, path, **more)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == f"replay: {reason}"
    assert model.find_problems() == [reason]


def test_what_is_left():
    """An answer that nobody asked for is reported."""
    with ScriptedModel([DONE]) as model:
        pass
    assert model.find_problems() == ["answer 1 was not requested"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"messages": []}',
        b'{"messages": [{}, 7]}',
        b'{"messages": [{}]}',
    ],
)
def test_requests_that_are_none(body):
    """A body that is no request gets the answer all the same; nothing breaks."""
    with ScriptedModel([DONE]) as model:
        url = f"{model.base_url}/chat/completions"
        response = httpx.post(url, content=body, trust_env=False)
    assert response.json()["choices"][0]["message"]["content"] == "Sunny."
