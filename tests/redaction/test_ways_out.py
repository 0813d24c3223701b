"""Credentials are removed on every way out: exporter, client and `convert`."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from enum import Enum

import pytest

from infinium_otel import AsyncInfiniumClient, Config, InfiniumClient
from infinium_otel.apps import cli
from infinium_otel.apps.convert.formats import FORMATS
from infinium_otel.otlp import to_otlp
from infinium_otel.records import LogEvent, SpanLink
from infinium_otel.redaction import REDACTED, redact_records
from infinium_otel.taskdata import ExecutionStep
from support.records import agent, chat, event, tool
from support.tasks import small

KEY = "ghp_" + "a1B2c3D4e5F6" * 3


class Held:
    """An object that is sent as its text."""

    def __str__(self):
        return f"key {KEY}"


class Word(str, Enum):
    SECRET = f"key {KEY}"


def make_task():
    """A caller's task with a credential in every kind of place."""
    task = small(input_summary=f"use {KEY}", output_summary="done")
    step = ExecutionStep(step_number=1, action="tool_use", description="Called x")
    step.metadata = {
        "password": "hunter2x", "held": Held(), "word": Word.SECRET,
        "pair": ("a", KEY), "inner": {"raw": KEY.encode()},
    }  # fmt: skip
    task.steps = [step]
    task._prompt_studio = [{"text": f"the key is {KEY}"}]
    return task


def send(fake, **settings):
    with InfiniumClient(**fake.settings, **settings) as client:
        client.send_task_data(make_task())


def send_async(fake, **settings):
    async def run():
        async with AsyncInfiniumClient(**fake.settings, **settings) as client:
            await client.send_task_data(make_task())

    asyncio.run(run())


@pytest.fixture(params=[send, send_async], ids=["blocking", "asyncio"])
def sending(request):
    return request.param


def sent_by(fake):
    return json.dumps(fake.tasks[-1])


def test_a_client_removes_credentials(sending, fake):
    """`send_task_data` sends a caller's task without credentials."""
    sending(fake)
    body = sent_by(fake)
    assert KEY not in body
    assert "hunter2x" not in body
    assert body.count(REDACTED) >= 6


def test_a_client_can_send_texts_as_they_are(sending, fake):
    """`redact=False` sends what it was given."""
    sending(fake, redact=False)
    assert KEY in sent_by(fake)


def test_a_client_has_a_hook(sending, fake):
    """A callable runs after the patterns."""
    sending(fake, redact=lambda key, text: text.replace("done", "well"))
    assert "well" in sent_by(fake)
    assert KEY not in sent_by(fake)


def test_a_callers_task_stays_as_it_is(fake):
    """The object of the caller is not changed."""
    task = make_task()
    before = deepcopy(task.steps[0].metadata["inner"]), task.input_summary
    with InfiniumClient(**fake.settings) as client:
        client.send_task_data(task)
    assert (task.steps[0].metadata["inner"], task.input_summary) == before
    assert KEY in task._prompt_studio[0]["text"]


RESOURCE = {"service.name": "shop", "deploy.token": KEY}
MESSAGES = [{"role": "user", "content": f"my key is {KEY}"}]
SPANS = [
    agent("root", resource=RESOURCE, status="error", status_message=f"bad {KEY}"),
    chat("c", "root", name=f"chat {KEY}", resource=RESOURCE, attributes={
        "gen_ai.input.messages": json.dumps(MESSAGES), "notes": ("a", KEY),
        "db.password": "hunter2x"}, events=(event("note", {"text": KEY}),)),
    tool("t", "root", resource=RESOURCE, attributes={
        "gen_ai.tool.call.arguments": json.dumps({"token": KEY})}),
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "spans.json"
    path.write_text(json.dumps(to_otlp(SPANS)), "utf-8")
    return str(path)


@pytest.mark.parametrize("target", sorted(FORMATS))
def test_convert_removes_credentials(target, file, capsys):
    """Every format that `convert` writes is without credentials."""
    assert cli.main(["convert", file, "--to", target]) == 0
    written = capsys.readouterr().out
    assert written
    assert KEY not in written
    assert "hunter2x" not in written


def test_convert_can_write_texts_as_they_are(file, capsys, monkeypatch):
    """`INFINIUM_OTEL_REDACT=false` keeps the spans as they are."""
    monkeypatch.setenv("INFINIUM_OTEL_REDACT", "false")
    assert cli.main(["convert", file, "--to", "otlp"]) == 0
    assert KEY in capsys.readouterr().out


def test_every_part_of_a_record_is_searched():
    """Name, status, attributes, events, links, resource and body; ids stay."""
    link = SpanLink(SPANS[0].trace_id, "00f067aa0ba902b7", {"why": KEY})
    records = [
        agent("root", links=(link,), events=(event(KEY, {"x": [KEY]}),)),
        LogEvent("0" * 31 + "1", "0" * 15 + "1", "log", 0, body={"text": KEY}),
    ]
    clean = redact_records([*SPANS, *records], Config())
    assert KEY not in repr(clean)
    assert [r.span_id for r in clean] == [r.span_id for r in (*SPANS, *records)]
    assert clean[3].links[0].span_id == link.span_id
    assert len({id(record.resource) for record in clean[:3]}) == 1


def test_records_without_credentials_are_the_same_objects():
    """Nothing is copied where nothing is redacted, and nothing with redaction off."""
    records = [chat("c"), tool("t")]
    assert all(
        a is b for a, b in zip(redact_records(records, Config()), records, strict=True)
    )
    kept = redact_records(SPANS, Config(redact=False))
    assert all(a is b for a, b in zip(kept, SPANS, strict=True))


def test_a_hook_gets_the_place_in_a_record():
    """A callable gets each text of a span with its place."""
    places = set()

    def note(place, text):
        places.add(place)
        return text

    redact_records(SPANS, Config(redact=note))
    assert {"name", "status_message", "attributes.notes", "resource.service.name",
            "events.attributes.text"} <= places  # fmt: skip
