"""The question and the answer, from any content of a span."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from infinium_otel import Config
from infinium_otel.dialects.messages import decode_messages
from infinium_otel.mapping import content_texts
from infinium_otel.mapping.decoded_content import DecodedContent
from support.records import agent, chat, make_span, task_of


@pytest.mark.parametrize(
    ("messages", "question"),
    [
        pytest.param(
            [("user", "a"), ("assistant", "b"), ("user", "c")], "c", id="last"
        ),
        pytest.param([("system", "s"), ("assistant", "b")], "b", id="no-user"),
        pytest.param([("system", "s")], "s", id="system-only"),
    ],
)
def test_find_question(messages, question):
    """A run's input is its last question, else its last message."""
    content = DecodedContent([{"role": r, "content": t} for r, t in messages], "user")
    assert content_texts.find_question(content) == question


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
    """Messages without text, and calls without arguments, have no content."""
    content = DecodedContent(shell, "user")
    found = (
        content_texts.find_question(content),
        content_texts.find_newest(content),
        content_texts.find_answer(content),
    )
    assert found == (None, None, None)


def test_a_tools_response_can_be_the_question():
    """If a call was given only a tool's response, that is its input."""
    content = DecodedContent(
        [{"role": "tool", "tool_call_id": "1", "content": "18C"}], "user"
    )
    assert content_texts.find_question(content) == "18C"
    assert content_texts.find_newest(content) == "18C"


@pytest.mark.parametrize(
    ("value", "answer", "conclusion"),
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
def test_find_answer(value, answer, conclusion):
    """An answer is its text and the tools it requests; a conclusion only its text."""
    assert content_texts.find_answer(DecodedContent(value, "assistant")) == answer
    assert (
        content_texts.find_conclusion(DecodedContent(value, "assistant")) == conclusion
    )


def test_a_request_to_embed():
    """The request's texts are shown; its result, numbers, is not an answer."""
    request = {
        "model": "small",
        "input": ["alpha", "beta"],
        "encoding_format": "base64",
    }
    span = chat(
        "c",
        attributes={
            "gen_ai.operation.name": "embeddings",
            "gen_ai.input.messages": json.dumps(request),
            "gen_ai.output.messages": json.dumps({"data": [[0.1, 0.2]]}),
        },
    )
    task = task_of(span)
    assert task.input_summary == '["alpha","beta"]'
    assert task.output_summary is None


def test_find_question_of_tools_is_no_question():
    """If texts were withheld, the calls between them are not a question."""
    call = {"type": "tool_call", "id": "c", "name": "f"}
    shells = [
        {"role": "user", "parts": [{"type": "text"}]},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c"}]},
    ]
    assert content_texts.find_question(DecodedContent(shells, "user")) is None


def test_everything_embedded_is_shown():
    """Of an embedding every text is shown, one a line."""
    content = DecodedContent(
        [{"role": "user", "content": t} for t in ("a", "b")], "user"
    )
    assert content_texts.join_texts(content) == "a\nb"
    assert content_texts.join_texts(DecodedContent("one", "user")) == "one"


def test_messages_are_looked_through_once_decoded():
    """A list that was decoded whole is not decoded again."""
    content = DecodedContent([{"role": "user", "content": "a"}], "user")
    assert content.messages
    assert content_texts.find_newest(content) == "a"


def test_the_root_without_words_borrows_from_its_frames():
    """A root without content has the input and output of what is inside it."""
    words = {"input.value": "Why?", "output.value": "Because."}
    task = task_of(
        agent("root"),
        agent("inner", "root", name="b", attributes=words, start=1, end=5),
        chat("c", "inner", start=2),
    )
    assert (task.input_summary, task.output_summary) == ("Why?", "Because.")


ASKS = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param({"user_prompt": "hi"}, id="user_prompt"),
        pytest.param({"chatInput": "hi"}, id="camel-case"),
        pytest.param({"llm": ASKS}, id="by-component"),
        pytest.param({"args": [], "kwargs": {"agent": ASKS}}, id="by-component-inside"),
        pytest.param({"data": {"agent": ASKS}}, id="two-layers"),
        pytest.param({"type": "json", "value": ASKS}, id="langwatch"),
        pytest.param("Command(update={'messages': [HumanMessage(content='hi')]})",
                     id="printed-command"),
        pytest.param(["Command(update={'messages': [HumanMessage(content='hi')]})"],
                     id="printed-command-listed"),
        pytest.param("[ { role: 'user', content: 'hi' } ]", id="printed-by-node"),
        pytest.param('[["system", "s"], ["human", "hi"]]', id="pairs"),
        pytest.param({"raw": "hi", "json_dict": None, "tasks_output": [{}]}, id="crewai"),
    ],
)  # fmt: skip
def test_a_shell_around_a_text_is_opened(shell):
    """What is read is the text, not the objects around it."""
    value = shell if isinstance(shell, str) else json.dumps(shell)
    assert content_texts.find_question(DecodedContent(value, "user")) == "hi"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"type": "celsius", "value": 3}, id="type-and-value"),
        pytest.param({"city": {"name": "Paris"}}, id="one-member"),
        pytest.param({"a": ASKS, "b": {"c": "d"}}, id="two-members"),
        pytest.param({"user_id": "7"}, id="an-id"),
    ],
)
def test_data_is_no_shell(data):
    """Objects with a meaning of their own stay whole."""
    text = json.dumps(data, separators=(",", ":"))
    assert content_texts.find_question(DecodedContent(text, "user")) == text


def test_a_system_prompt_is_not_the_question():
    """Messages without a turn of the user give way to a source that has one."""
    system = [{"role": "system", "content": "Be terse."}]
    question = [*system, {"role": "user", "content": "hi"}]
    root = agent("root", attributes={"gen_ai.input.messages": json.dumps(system)})
    call = chat("c", "root", attributes={"gen_ai.input.messages": json.dumps(question)})
    assert task_of(root, call).input_summary == "hi"
    assert task_of(root).input_summary == "Be terse."
    flattened = {
        "openinference.span.kind": "AGENT",
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be terse.",
        "input.value": '{"system": "Be terse.", "prompt": "hi"}',
    }
    vercel = {"ai.operationId": "ai.generateText", "ai.prompt": '{"prompt": "hi"}'}
    both = {**flattened, **vercel}
    del both["input.value"]
    for attributes in (flattened, both):
        assert "hi" in task_of(make_span("a", None, attributes)).input_summary


THOUGHT = {"type": "thinking", "thinking": "Let me think."}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"content": [THOUGHT, {"type": "text", "text": "yo"}]}, id="block"),
        pytest.param({"content": "yo", "reasoning_content": "Let me think."}, id="beside"),
        pytest.param({"parts": [{"text": "Let me think.", "thought": True},
                                {"text": "yo"}]}, id="gemini"),
        pytest.param({"content": [{"type": "reasoning", "summary": [
            {"type": "summary_text", "text": "Let me think."}]},
            {"type": "output_text", "text": "yo"}]}, id="openai"),
        pytest.param({"content": [json.dumps(THOUGHT), "yo"]}, id="as-text"),
        pytest.param({"content": "<think>Let me think.</think>\n\nyo"}, id="in-a-tag"),
        pytest.param({"content": "<think> </think>yo", "reasoning": [
            {"type": "summary_text", "text": "Let me think."}]}, id="beside-as-blocks"),
    ],
)  # fmt: skip
def test_reasoning_is_kept_apart(message):
    """Reasoning is a short preview in the metadata, and no part of the answer."""
    output = json.dumps([{"role": "assistant", **message}])
    span = chat("c", attributes={"gen_ai.output.messages": output})
    task = task_of(span)
    assert task.output_summary == task.steps[0].output_preview == "yo"
    assert task.steps[0].metadata["reasoning_preview"] == "Let me think."
    silent = task_of(span, config=Config(capture_content=False))
    assert "reasoning_preview" not in silent.steps[0].metadata


def test_the_reasoning_of_vercels_sdk():
    """It has an attribute of its own."""
    attributes = {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.response.text": "yo",
        "ai.response.reasoning": "Let me think.",
    }
    (step,) = task_of(make_span("c", None, attributes)).steps
    assert step.output_preview == "yo"
    assert step.metadata["reasoning_preview"] == "Let me think."


@pytest.mark.parametrize("text", ["<think>no end", "<thing>yo</thing>"])
def test_a_tag_that_is_no_reasoning(text):
    """Only a whole tag before the answer is reasoning."""
    output = json.dumps([{"role": "assistant", "content": text}])
    span = chat("c", attributes={"gen_ai.output.messages": output})
    assert task_of(span).output_summary == text


def test_reasoning_alone_is_shown_once():
    """Where the answer was not recorded, the reasoning is in its place."""
    output = json.dumps([{"role": "assistant", "content": [THOUGHT]}])
    (step,) = task_of(chat("c", attributes={"gen_ai.output.messages": output})).steps
    assert step.output_preview == "Let me think."
    assert "reasoning_preview" not in step.metadata


@pytest.mark.parametrize(
    ("value", "question"),
    [
        pytest.param({"question": "hi", "chat_history": [{"role": "user", "content": "o"}]},
                     "hi", id="history"),
        pytest.param({"question": "hi", "context": "documents"}, "hi", id="context"),
        pytest.param({"chat_input": "hi", "top_k": 3, "session_id": "s"}, "hi",
                     id="numbers-and-ids"),
        pytest.param({"prompt": "hi", "system": "Be terse."}, "hi", id="system"),
        pytest.param({"question": "hi", "user": "Bob"},
                     '{"question":"hi","user":"Bob"}', id="another-text"),
        pytest.param({"query": "hi", "text": "yo"}, '{"query":"hi","text":"yo"}',
                     id="two-texts"),
    ],
)  # fmt: skip
def test_a_question_beside_other_members(value, question):
    """The question is shown without ids, numbers, history and documents beside it."""
    content = DecodedContent(json.dumps(value), "user")
    assert content_texts.find_question(content) == question


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        pytest.param({"input": "hi", "output": "yo", "intermediate_steps": [["x"]]}, "yo",
                     id="langchain-agent"),
        pytest.param({"answer": "yo", "source_documents": [{"page_content": "x"}]}, "yo",
                     id="sources"),
        pytest.param({"answer": "yo", "reference": {"chunks": []}}, "yo", id="reference"),
        pytest.param("AgentRunResult(output='yo')", "yo", id="printed"),
        pytest.param("AIMessage(content='yo', id='7')", "yo", id="printed-message"),
        pytest.param("content='yo' additional_kwargs={}", "yo", id="printed-by-pydantic"),
        pytest.param([{"generated_text": "yo"}], "yo", id="listed"),
        pytest.param({"answer": "yo", "score": 3}, '{"answer":"yo","score":3}',
                     id="structured"),
    ],
)  # fmt: skip
def test_an_answer_beside_other_members(value, answer):
    """The answer is shown without its question and its sources; other objects whole."""
    text = value if isinstance(value, str) else json.dumps(value)
    content = DecodedContent(text, "assistant")
    assert content_texts.find_conclusion(content) == answer
    assert content_texts.find_answer(content) == answer


def _message(number, **more):
    return {
        "role": "user" if number % 2 else "assistant",
        "content": str(number),
        **more,
    }


def _contents(*lists):
    return [DecodedContent(json.dumps(messages), "user") for messages in lists]


TURNS = [_message(number) for number in range(6)]


@pytest.mark.parametrize(
    ("lists", "are_linked"),
    [
        pytest.param([TURNS[:2], TURNS[:4], TURNS], [True, True], id="goes-on"),
        pytest.param([TURNS[:4], TURNS[:4]], [True], id="repeats"),
        pytest.param([TURNS, TURNS[:2]], [False], id="is-shorter"),
        pytest.param([TURNS[:1], [*TURNS[1:]]], [False], id="is-another"),
        pytest.param([[{"answer": "x"}], [{"answer": "x"}, *TURNS]], [True], id="data"),
        pytest.param([TURNS[:1], [*TURNS[:1], "and", ["d"]]], [True], id="mixed"),
    ],
)
@pytest.mark.parametrize("is_last_first", [False, True])
def test_a_continued_conversation_is_what_it_is_alone(lists, are_linked, is_last_first):
    """A list that continues another gives the same messages as on its own."""
    alone, linked = _contents(*lists), _contents(*lists)
    links = [b.continue_from(a) for a, b in pairwise(linked)]
    assert links == are_linked
    pairs = list(zip(alone, linked, strict=True))
    for one, other in reversed(pairs) if is_last_first else pairs:
        assert other.decoded == one.decoded
        assert other.has_roles == one.has_roles
        assert other.find_last(lambda m: m.role == "user") == one.find_last(
            lambda m: m.role == "user"
        )
        assert other.messages == one.messages


@pytest.mark.parametrize("end", ['{"role": "user", "content": "cut off', "3]]", "]"])
def test_a_damaged_continuation_is_read_as_on_its_own(end):
    """What cannot be parsed as an added part is parsed, and repaired, as a whole."""
    first = json.dumps(TURNS)
    later = f"{first[:-1]}, {end}"
    earlier, content = DecodedContent(first, "user"), DecodedContent(later, "user")
    content.continue_from(earlier)
    assert content.decoded == DecodedContent(later, "user").decoded
    assert content.messages == DecodedContent(later, "user").messages


def test_a_long_conversation_needs_no_deep_recursion():
    """The last of thousands of turns can be read first."""
    contents = _contents(*[TURNS] * 3_000)
    assert all(
        content.continue_from(earlier) for earlier, content in pairwise(contents)
    )
    assert [m.text for m in contents[-1].messages] == list("012345")


@pytest.mark.parametrize(("added", "found"), [("stop", True), ("go", False)])
def test_only_what_was_added_is_searched(added, found):
    """A mark is found in the added part, also at its very beginning."""
    earlier, content = _contents(TURNS, [*TURNS, {"content": added}])
    content.continue_from(earlier)
    assert not earlier.may_contain(MARKS)
    assert content.may_contain(MARKS) == found
    assert DecodedContent([], "user").may_contain(MARKS)
    assert not DecodedContent(None, "user").may_contain(MARKS)


MARKS = ("stop", '}, {"content": "stop')


LIST = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
TWO = '[{"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}]'


@pytest.mark.parametrize(
    ("value", "role", "text"),
    [
        (LIST, "user", "a"),
        (LIST, "assistant", "b"),
        (LIST, "tool", None),
        ([*LIST, {"role": "user", "content": TWO}], "user", "d"),
        ([*LIST, {"role": "user", "content": TWO}], "assistant", "c"),
    ],
)
def test_find_last(value, role, text):
    """The last message that fits, also where an item contains several."""
    content = DecodedContent(value, "user")
    for _ in range(2):  # the second time from what was decoded the first time
        found = content.find_last(lambda message: message.role == role)
        assert (found.text if found else None) == text


def test_what_find_last_has_decoded_is_not_decoded_again(monkeypatch):
    """All messages are then those before it and those that are known."""
    contents = [*LIST, {"role": "user", "content": TWO}]
    whole = DecodedContent(contents, "user").messages
    decoded = []

    def record(value, role):
        decoded.append(value)
        return decode_messages(value, role)

    monkeypatch.setattr("infinium_otel.mapping.decoded_content.decode_messages", record)
    content = DecodedContent(contents, "user")
    assert content.find_last(lambda message: message.text == "c").text == "c"
    assert content.messages == whole
    assert decoded == [contents[2], contents[:2]]
    content = DecodedContent(LIST, "user")
    assert content.find_last(lambda message: message.role == "tool") is None
    assert [message.text for message in content.messages] == ["a", "b"]


def test_a_request_of_the_responses_api():
    """Its messages are under `input`, whatever else the request holds."""
    request = {
        "input": [{"role": "user", "content": "Hi?"}],
        "include": "x",
        "model": "m",
    }
    assert content_texts.find_question(DecodedContent(request, "user")) == "Hi?"
    assert (
        content_texts.find_question(DecodedContent({**request, "input": []}, "user"))
        != "Hi?"
    )
