"""`capture_content=False` sends no text of people, models or tools."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from infinium_otel import Config, load_otlp, spans_to_tasks, task_to_dict
from infinium_otel.records import LogEvent
from support.corpus import all_names, recording
from support.records import agent, chat, event, make_span, tool

CASES = Path(__file__).parents[1] / "data" / "cases"
OFF = Config(include="all", capture_content=False)
ON = Config(include="all")
LIBRARIES = sorted({name.rpartition("/")[0] for name in all_names()})
CASE_FILES = sorted(
    path
    for path in CASES.glob("*.json")
    if not path.name.endswith((".expect.json", ".logs.json"))
)
CONTENT = frozenset(
    "input_summary output_summary input_preview output_preview message stack_trace "
    "reasoning_preview explanation response_text arguments result results root_input "
    "root_output error_message reasoning".split()
)
"""Members of tasks and of the truth that are texts of people, models or tools."""

WORD = re.compile(r"\S{0,200}")
SHORTEST = 6
MARK = " qzmark qzmark"
NAMES = frozenset(
    ".name .description .steps.description .steps.llm_call.purpose "
    ".steps.metadata.gen_ai.agent.name .steps.metadata.gen_ai.tool.call.id "
    ".steps.tool_call.tool_name .llm_usage.calls.purpose "
    ".environment.custom_tags.gen_ai.agent.name".split()
)
"""Where a name with a space in it may be: what the docs list as sent in any case."""


def find_texts(value, path=""):
    """Each text in a JSON value with its path, names of members too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield path, name
            yield from find_texts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from find_texts(inner, path)


def find_content(value, *, inside=False):
    """Each text that is content, in a task or in the truth of a recording."""
    if isinstance(value, str):
        if inside:
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from find_content(inner, inside=inside or name in CONTENT)
    elif isinstance(value, list):
        for inner in value:
            yield from find_content(inner, inside=inside)


def find_lines(texts):
    """The lines that are more than a word, which could be the name of something."""
    lines = {line.strip(" .")[:60] for text in texts for line in text.splitlines()}
    return {
        line for line in lines if len(line) >= SHORTEST and not WORD.fullmatch(line)
    }


def read_recordings(library, folder):
    for name in all_names():
        if name.rpartition("/")[0] == library:
            found = recording(name)
            yield name, load_otlp(*found.write(folder)), found.truth


def read_case(path):
    logs = path.with_name(path.name.replace(".json", ".logs.json"))
    return load_otlp(*([path, logs] if logs.exists() else [path]))


def map_all(records, config):
    return [task_to_dict(task) for task in spans_to_tasks(records, config=config)]


def check_texts(name, records, truth=None):
    content = {text for task in map_all(records, ON) for text in find_content(task)}
    lines = find_lines(content | set(find_content(truth)))
    lines -= find_lines(record.name for record in records)
    for path, text in find_texts(map_all(records, OFF)):
        assert not [line for line in lines if line in text], (name, path, text)


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_no_text_of_a_recording_is_sent(library, tmp_path):
    """Nothing that was asked, answered, passed to a tool or returned is in the task."""
    for name, records, truth in read_recordings(library, tmp_path):
        check_texts(name, records, truth)


@pytest.mark.slow
@pytest.mark.parametrize("path", CASE_FILES, ids=lambda path: path.stem)
def test_no_text_of_a_case_is_sent(path):
    """The same for every case."""
    check_texts(path.stem, read_case(path))


def mark(value):
    """*value* with a mark behind every text of several words, in JSON too."""
    if isinstance(value, str):
        if value[:1] in ("[", "{", '"'):
            try:
                return json.dumps(mark(json.loads(value)))
            except ValueError:
                pass
        return value + MARK if " " in value.strip() else value
    if isinstance(value, (list, tuple)):
        return type(value)(map(mark, value))
    if hasattr(value, "items"):
        return {name: mark(inner) for name, inner in value.items()}
    return value


def mark_record(record):
    attributes = mark(record.attributes)
    if isinstance(record, LogEvent):
        return replace(record, attributes=attributes, body=mark(record.body))
    events = (replace(e, attributes=mark(e.attributes)) for e in record.events)
    message = mark(record.status_message)
    return replace(
        record, attributes=attributes, events=tuple(events), status_message=message
    )


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_only_names_are_sent(library, tmp_path):
    """Of all texts on spans and in logs only the names of agents and tools are sent."""
    for name, records, _ in read_recordings(library, tmp_path):
        tasks = map_all(map(mark_record, records), OFF)
        found = {path for path, text in find_texts(tasks) if MARK.strip() in text}
        assert found <= NAMES, (name, found)


TEXT = "Ada Lovelace owes 40 pounds"
MESSAGE = {
    "role": "assistant", "finish_reason": TEXT,
    "parts": [{"type": "reasoning", "content": TEXT}, {"type": "text", "content": TEXT}],
}  # fmt: skip
EVALUATION = {
    "gen_ai.evaluation.name": "rel", "gen_ai.evaluation.score.label": TEXT,
    "gen_ai.evaluation.explanation": TEXT,
}  # fmt: skip
FREE_TEXTS = [
    pytest.param({"logfire.msg": TEXT, "logfire.msg_template": "{who}"}, id="log"),
    pytest.param({"gen_ai.agent.description": TEXT}, id="description"),
    pytest.param({"tag.tags": (TEXT, "vip")}, id="tags"),
    pytest.param({"langfuse.trace.tags": (TEXT,)}, id="langfuse-tags"),
    pytest.param({"metadata": json.dumps({"note": TEXT, "tenant": TEXT})}, id="metadata"),
    pytest.param({"langfuse.trace.metadata.note": TEXT}, id="langfuse-metadata"),
    pytest.param({"error.type": TEXT, "status": TEXT}, id="error-type"),
    pytest.param({"gen_ai.response.finish_reasons": (TEXT,)}, id="finish-reasons"),
    pytest.param({"gen_ai.system_instructions": TEXT}, id="system"),
    pytest.param({"gen_ai.output.messages": json.dumps([MESSAGE])}, id="reasoning"),
    pytest.param(EVALUATION, id="evaluation"),
    pytest.param({"note": TEXT, TEXT: "x", f"{TEXT} twice": 2}, id="attributes"),
    pytest.param({"http.request.method": "GET", "url.full": f"https://x/?{TEXT}"}, id="http"),
    pytest.param({"db.system": "pg", "db.query.text": TEXT}, id="db"),
    pytest.param({"openinference.span.kind": "GUARDRAIL", "input.value": TEXT}, id="guardrail"),
    pytest.param({"openinference.span.kind": "RETRIEVER",
                  "retrieval.documents.0.document.content": TEXT}, id="documents"),
    pytest.param({"crewai.task.description": TEXT, "crewai.agent.goal": TEXT}, id="crewai"),
    pytest.param({"gen_ai.tool.call.result": json.dumps({"error": TEXT})}, id="tool-error"),
]  # fmt: skip


@pytest.mark.parametrize("attributes", FREE_TEXTS)
@pytest.mark.parametrize("make", [agent, chat, tool, make_span])
def test_free_texts_are_not_sent(make, attributes):
    """Wherever instrumentations put a text that may be anything, it is withheld."""
    spans = [
        agent("root", attributes=attributes),
        make("a", "root", attributes=attributes),
        make("f", "root", attributes=attributes, status="error", status_message=TEXT,
             events=(event("gen_ai.evaluation.result", EVALUATION), event(TEXT, attributes))),
    ]  # fmt: skip
    sent = json.dumps(map_all(spans, OFF))
    assert "Lovelace" not in sent


def test_words_are_kept():
    """Types, codes, statuses and labels of one word are sent: they say what happened."""
    reasons = {"gen_ai.response.finish_reasons": ("stop",)}
    failure = {"error.type": "openai.RateLimitError", "metadata": '{"tenant": "acme"}'}
    label = {"gen_ai.evaluation.name": "rel", "gen_ai.evaluation.score.label": "pass"}
    good = chat(
        "c",
        "root",
        attributes=reasons,
        events=(event("gen_ai.evaluation.result", label),),
    )
    bad = chat("d", "root", attributes=failure, status="error", status_message=TEXT)
    (task,) = spans_to_tasks([agent("root"), good, bad], config=OFF)
    sent = json.dumps(task_to_dict(task))
    assert all(
        f'"{word}"' in sent for word in ("stop", "openai.RateLimitError", "acme")
    )
    assert "pass" in sent
