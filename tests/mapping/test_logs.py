"""Content in log records, in the shapes of their emitters."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from support.records import chat, event, log_event, make_span, task_of

USER, CHOICE = "gen_ai.user.message", "gen_ai.choice"
ASK = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "yo"}


def _shown(*records):
    task = task_of(*records)
    return task.input_summary, task.output_summary


SPRING = "org.springframework.ai.chat.observation.ChatModel"


@pytest.mark.parametrize(
    ("prompt", "completion", "shown"),
    [
        ('x:\n["Be terse.", "hi"]', 'y:\n["a "yo", b"]', ("hi", 'a "yo", b')),
        ("x:\n[]", 'y:\n["yo"]', (None, "yo")),
        ({"content": "hi"}, "yo", (None, None)),
    ],
)
def test_spring_ais_loggers(prompt, completion, shown):
    """What Spring AI logs of a call are texts below a heading, with nothing escaped."""
    logs = (
        replace(log_event("", "c", body=body), scope_name=f"{SPRING}{name}Handler")
        for name, body in (
            ("PromptContentObservation", prompt),
            ("CompletionObservation", completion),
        )
    )
    assert _shown(chat("c"), *logs) == shown


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param({"content": "hi"}, {"message": ANSWER}, id="conventions"),
        pytest.param("hi", "yo", id="texts"),
        pytest.param(json.dumps({"content": "hi"}), json.dumps({"message": ANSWER}),
                     id="json"),
        pytest.param({"content": {"role": "user", "parts": [{"text": "hi"}]}},
                     {"content": {"role": "model", "parts": [{"text": "yo"}]}}, id="google"),
    ],
)  # fmt: skip
def test_a_log_for_each_message(asked, answered):
    """A log's body is a message, or holds it."""
    logs = log_event(USER, "c", body=asked), log_event(CHOICE, "c", body=answered)
    assert _shown(chat("c"), *logs) == ("hi", "yo")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param(ASK, ANSWER, id="plain"),
        pytest.param({"role": "user", "content": {"content": '[{"text": "hi"}]'}},
                     {"role": "assistant", "content": {"message": "yo", "finish_reason": "stop"}},
                     id="strands"),
    ],
)  # fmt: skip
def test_aws_logs_both_sides_at_once(asked, answered):
    """AWS's distribution moves a span's content to one log, named after its scope."""
    body = {"input": {"messages": [asked]}, "output": {"messages": [answered]}}
    log = log_event("openinference.instrumentation.langchain", "c", body=body)
    assert _shown(chat("c"), log) == ("hi", "yo")
    bare = make_span("c", None, {"openinference.span.kind": "LLM"})
    assert _shown(bare, log) == ("hi", "yo")


@pytest.mark.parametrize("side", ["text", {"messages": "text"}, {}])
def test_a_side_that_is_no_conversation(side):
    """Other bodies with such members stay what they are."""
    log = log_event("other", "c", body={"input": side, "output": None})
    assert _shown(chat("c"), log) == (None, None)


def test_an_answer_as_the_last_message():
    """Without a choice, the model's last message event is its answer."""
    asked = event(USER, {"content": "hi"})
    answered = event("gen_ai.assistant.message", {"content": "yo"})
    assert _shown(chat("c", events=(asked, answered))) == ("hi", "yo")
    withheld = event(CHOICE, {"content": "<elided>"})
    assert _shown(chat("c", events=(asked, answered, withheld))) == ("hi", None)
