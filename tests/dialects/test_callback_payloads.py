"""What callbacks wrap around a value is taken off, and nothing else."""

import pytest

from infinium_otel.dialects.callback_payloads import find_question_text, unwrap

MESSAGES = {"messages": [{"role": "user", "content": "Hi"}]}
LONG = "retrieved_passages_of_the_knowledge_base_of_the_company"


@pytest.mark.parametrize(
    ("value", "inner"),
    [
        pytest.param({"inputs": {"city": "Paris"}}, {"city": "Paris"}, id="wrapper"),
        pytest.param({"user_prompt": "Hi"}, "Hi", id="speaker"),
        pytest.param({LONG: "Hi"}, {LONG: "Hi"}, id="long-name"),
        pytest.param({"llm": MESSAGES}, MESSAGES, id="messages-within"),
        pytest.param(
            {"a": {"b": {"c": {"d": {"e": 1}}}}},
            {"a": {"b": {"c": {"d": {"e": 1}}}}},
            id="nested-data",
        ),
        pytest.param({"llm": {"replies": ["Hi"]}}, "Hi", id="replies"),
        pytest.param(
            {"model": "gpt-4o", "instructions": "Be brief", "input": "Hi"},
            "Hi",
            id="a-request-of-the-responses-api",
        ),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_unwrap(value, inner):
    """A wrapper is recognized by its name, or by the messages that it leads to."""
    assert unwrap(value) == inner


@pytest.mark.parametrize(
    ("value", "question"),
    [
        pytest.param({"query": "Hi", "history": ["Hello"]}, "Hi", id="history"),
        pytest.param({"query": "Hi", LONG: ""}, "Hi", id="long-empty"),
        pytest.param({"query": "Hi", LONG: "x"}, None, id="long-content"),
        pytest.param(
            {"retriever": {"query": "Hi", "top_k": 3}, "prompt": {"question": "Hi"}},
            "Hi",
            id="once-for-each-component",
        ),
        pytest.param({"a": {"b": "Hi"}, "c": {"d": 3}}, None, id="only-once"),
    ],
)
def test_question_beside(value, question):
    """A question is found beside ids, history and empty members, of any name's length."""
    assert find_question_text(value) == question
