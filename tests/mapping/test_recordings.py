"""Every recording, mapped: golden outlines, the truth, and what must not matter."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from infinium_otel import Config, load_otlp, spans_to_tasks, task_to_dict
from infinium_otel.mapping import price_list
from infinium_otel.records import LogEvent
from support.corpus import names, recording
from support.outlines import outline

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDINGS = names()
LIBRARIES = sorted({name.partition("/")[0] for name in RECORDINGS})
WHOLE = {
    "agent-framework": "tool_loop",
    "anthropic-sdk": "tool_runner",
    "autogen": "oi_tool_loop",
    "dspy": "react",
    "genai-langchain": "nested_agent",
    "genai-openai": "tool_error_recovered",
    "google-adk-legacy": "agent_tool",
    "langfuse": "observe_tool_error",
    "openinference-langchain": "rag",
    "openlit": "tool_loop",
    "pydantic-ai": "with_openai_instrumentation",
    "strands-agents-legacy": "tool_error_recovered",
    "traceloop-langchain": "fallback_model",
}


def records_of(name, folder):
    return load_otlp(*recording(name).write(folder))


def as_json(tasks):
    return [json.dumps(task_to_dict(task), sort_keys=True) for task in tasks]


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_recording(library, tmp_path, golden):
    """What each recorded run becomes is written down and changes only on purpose."""
    outlines_by_name = {
        name.partition("/")[2]: [
            line
            for task in spans_to_tasks(records_of(name, tmp_path))
            for line in outline(task)
        ]
        for name in names(library)
    }
    golden.check(outlines_by_name, GOLDEN / library / "outlines.json")


@pytest.fixture
def no_price_list(monkeypatch):
    """Published prices change; the costs on spans do not."""
    monkeypatch.setattr(price_list, "_import_package", lambda: None)
    _forget_prices()
    yield
    _forget_prices()


def _forget_prices():
    price_list._find_prices.cache_clear()
    price_list.find_priced_model.cache_clear()


@pytest.mark.usefixtures("no_price_list")
@pytest.mark.parametrize(("library", "scenario"), WHOLE.items(), ids=WHOLE)
def test_one_recording_of_a_library_is_kept_whole(library, scenario, tmp_path, golden):
    """One run of each kind is written down to the last field."""
    tasks = spans_to_tasks(records_of(f"{library}/{scenario}", tmp_path))
    golden.check([task_to_dict(t) for t in tasks], GOLDEN / library / "tasks.json")


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDINGS)
def test_order_and_repetition_do_not_matter(name, tmp_path):
    """The same spans shuffled, or delivered twice, give the same tasks."""
    records = records_of(name, tmp_path)
    expected = as_json(spans_to_tasks(records))
    chance = random.Random(name)
    for _ in range(3):
        spans = [r for r in records if not isinstance(r, LogEvent)]
        mixed = records + chance.sample(spans, len(spans) // 2)
        chance.shuffle(mixed)
        assert as_json(spans_to_tasks(mixed)) == expected


def contents(truth):
    """Every text that was sent, passed or received, in the truth of a recording."""
    found = [truth.get("root_input"), truth.get("root_output")]
    for call in truth["llm_calls"]:
        found += [call.get("response_text")]
        found += [c["arguments"] for c in call.get("response_tool_calls", [])]
    for call in truth["tool_calls"]:
        found += [call.get("arguments"), call.get("result"), call.get("error_message")]
    found += [error.get("message") for error in truth["errors"]]
    return {text for text in texts(found) if is_content(text, truth)}


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def is_content(text, truth):
    """Longer than a word that could be part of a name, and no agent's name."""
    return (len(text) >= 12 or " " in text) and text not in truth["agents"]


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDINGS)
def test_without_content_no_text_is_sent(name, tmp_path):
    """With `capture_content` off, no message, argument, result or reason passes."""
    config = Config(capture_content=False)
    tasks = spans_to_tasks(records_of(name, tmp_path), config=config)
    sent = json.dumps([task_to_dict(task) for task in tasks], ensure_ascii=False)
    leaked = [text for text in contents(recording(name).truth) if text in sent]
    assert leaked == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_recovery_is_what_happened(library, tmp_path):
    """An error is recoverable if its run continued and had an answer."""
    for name in names(library):
        errors = [
            (error.message, error.recoverable)
            for task in spans_to_tasks(records_of(name, tmp_path))
            for error in task.errors or ()
        ]
        for happened in recording(name).truth["errors"]:
            found = {fine for message, fine in errors if happened["message"] in message}
            assert found <= {happened["recovered"]}, name


# AutoGen alone makes no spans of model calls; their tokens are in the messages that
# its agents send each other, copied to every receiver.
COUNTED = [name for name in RECORDINGS if name != "autogen/team"]


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTED)
def test_tokens_are_counted_once(name, tmp_path):
    """Where the spans hold every call's tokens, the totals are what was used.

    Traces that a second instrumentation makes of the same calls, beside the first's,
    are counted on their own: nothing in one tells of the other.
    """
    one = recording(name)
    known = one.truth.get("recordable_with_logs") or one.truth["recordable"]
    tasks = spans_to_tasks(records_of(name, tmp_path))
    for side in ("prompt_tokens", "completion_tokens"):
        used = sum(call.get(side) or 0 for call in one.truth["llm_calls"])
        whole = all(
            side in there or not call.get(side)
            for call, there in zip(
                one.truth["llm_calls"], known["llm_calls"], strict=True
            )
        )
        reported = sum(getattr(t.llm_usage, side) or 0 for t in tasks if t.llm_usage)
        if whole and not has_two_reports(one):
            assert reported == used
        elif not has_two_reports(one):
            assert reported <= used


TWICE = {
    "openinference-langchain/with_openai_streaming",
    *names("traceloop-mistralai"),
}


def has_two_reports(one):
    """Two instrumentations whose spans share neither trace nor response id."""
    return one.id in TWICE
