"""The steps of a run that contain a text."""

from __future__ import annotations

import json

import pytest

from infinium_otel.apps.serve.step_search import TextQuery, find_steps
from support.records import event, log_event, make_span
from support.spans import sid

TASK = {
    "steps": [
        {"description": "Asked gpt-4o", "metadata": {"otel.span_id": sid("a")}},
        {
            "output_preview": "Belém by tram",
            "metadata": {"otel.span_id": sid("b"), "otel.folded_span_ids": [sid("c")]},
        },
        {"tool_call": {"tool_name": "book", "input_summary": '{"seats": 2}'}},
    ]
}


def find(text: str, *records) -> list[int]:
    return find_steps(TASK, records, TextQuery(text))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        pytest.param("ASKED", [1], id="any-case"),
        pytest.param("belém  by\ntram", [2], id="any-white-space"),
        pytest.param("o", [1, 2, 3], id="every-step-in-order"),
        pytest.param("seats", [3], id="inside-json"),
        pytest.param("tram 28", [], id="nowhere"),
    ],
)
def test_texts_of_the_task(text, steps):
    """Any text of a step counts, in any case and with any white space."""
    assert find(text) == steps


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(make_span("c", None, {"x": "the needle"}), id="attribute"),
        pytest.param(make_span("c", None, {"needle": 1}), id="name-of-an-attribute"),
        pytest.param(make_span("c", None, {"x": ["a", "needle"]}), id="list"),
        pytest.param(
            make_span("c", None, {"x": json.dumps([{"content": "a\nneedle"}])}),
            id="json",
        ),
        pytest.param(make_span("c", None, {"x": "a **need**le"}), id="markdown"),
        pytest.param(make_span("c", events=[event("e", {"x": "needle"})]), id="event"),
        pytest.param(log_event("e", "c", body={"content": "needle"}), id="log"),
    ],
)
def test_texts_of_whole_spans(record):
    """A step is found by what its spans contain, those folded into it as well."""
    assert find("needle", record) == [2]
    assert find("noodle", record) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Plan a Trip!", ["plan", "a", "trip"], id="every-word"),
        pytest.param("Belém", [], id="not-ascii-may-be-escaped"),
        pytest.param("?!", [], id="no-word"),
    ],
)
def test_words_by_which_spans_are_chosen(text, words):
    """They are in every serialization of a matching text; without any, all are searched."""
    assert TextQuery(text).words == words


def test_deep_and_broken_json_is_searched_as_text():
    """What cannot be decoded is still a text."""
    deep = "[" * 50_000
    assert find("[[[", make_span("c", None, {"x": deep})) == [2]
    assert find('"need', make_span("c", None, {"x": '{"needle'})) == [2]
    for text in (deep, '{"needle'):
        assert find("noodle", make_span("c", None, {"x": text})) == []
