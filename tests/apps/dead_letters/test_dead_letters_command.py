"""`infinium-otel dead-letters`: what the consumer gave up, listed and sent again."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.consume.buffered_sender import Source
from infinium_otel.apps.consume.dead_letters import DeadLetter, DeadLetterFile
from infinium_otel.taskdata import task_to_dict
from support.delivery import done
from support.routing import RULES, SHOP, make_fake, write_routes

BODY = json.dumps(task_to_dict(done(1).task)).encode()
TASK = DeadLetter(
    "task", "retries exhausted", "cannot\nstore", 86_400, None, "key-1", BODY
)
MESSAGE = DeadLetter(
    "message", "unreadable", "no OTLP", 0, Source("otlp_spans", 1, 7), "", b"\x00"
)


@pytest.fixture
def credentials(fake, monkeypatch):
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "dead"
    letters = DeadLetterFile(str(found))
    letters.write(TASK)
    letters.write(MESSAGE)
    assert letters.flush()
    return found


def test_they_are_listed(path, capsys):
    """One line each, and how many of each kind."""
    assert cli.main(["dead-letters", str(path)]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("task    1970-01-02 00:00:00Z unknown source key-1 ")
    assert first.endswith(' bytes, retries exhausted: "cannot\\nstore"')
    assert "message 1970-01-01 00:00:00Z otlp_spans 1:7 - " in second
    assert last == "messages: 1, tasks: 1"


def test_they_are_listed_as_json(path, capsys):
    """As they are in the file."""
    assert cli.main(["dead-letters", str(path), "--json"]) == 0
    assert capsys.readouterr().out == path.read_text()


@pytest.mark.usefixtures("credentials")
def test_tasks_are_sent_again(path, fake, capsys):
    """Under their first key; what cannot be sent stays, with the reason."""
    assert cli.main(["dead-letters", str(path), "send"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "sent: 1\n"
    assert captured.err == "Kept: 1 (messages need --brokers)\n"
    assert fake.keys == ["key-1"]
    assert path.read_bytes() == MESSAGE.to_json() + b"\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("credentials")
def test_what_fails_again_is_kept(path, fake, capsys):
    """With its reason on stderr, in the same file."""
    fake.always(400)
    before = path.read_bytes()
    assert cli.main(["dead-letters", str(path), "send"]) == 1
    assert "sent: 0" in capsys.readouterr().out
    assert path.read_bytes() == before


@pytest.mark.usefixtures("credentials")
def test_what_a_killed_run_left_is_sent_too(path, fake, capsys):
    """It is beside the file."""
    path.rename(f"{path}.sending")
    DeadLetterFile(str(path))
    assert cli.main(["dead-letters", str(path)]) == 0
    assert "messages: 1, tasks: 1" in capsys.readouterr().out
    assert cli.main(["dead-letters", str(path), "send"]) == 1
    assert fake.keys == ["key-1"]
    assert path.read_bytes() == MESSAGE.to_json() + b"\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["/no/such/file"], "/no/such/file: No such file", id="no-file"),
        pytest.param(["topic:dead"], "a topic needs --brokers", id="no-brokers"),
    ],
)
def test_errors_are_one_line(arguments, message, capsys):
    """With the reason."""
    assert cli.main(["dead-letters", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_another_file_is_not_touched(tmp_path, capsys):
    """A line that is no dead letter is an error before anything is sent."""
    path = tmp_path / "notes"
    path.write_text("remember the milk\n")
    assert cli.main(["dead-letters", str(path), "send"]) == 2
    assert capsys.readouterr().err == (
        f"infinium-otel dead-letters: {path}, line 1: not a dead letter of infinium-otel\n"
    )
    assert path.read_text() == "remember the milk\n"


def test_a_line_that_was_torn(path, fake, capsys, credentials):
    """A consumer was killed while it wrote: the others are listed and sent, that one is kept.

    Source: letta-ai/letta-code#3580, use-agent-os/agent-os#812 (one torn line made the whole
    file unreadable), microsoft/graphrag#2424 (so did a blank one).
    """
    torn = MESSAGE.to_json()[:40]
    with path.open("ab") as file:
        file.write(b"\n" + torn)
    letters = DeadLetterFile(str(path))
    letters.write(replace(TASK, key="key-2"))
    assert letters.flush()
    assert cli.main(["dead-letters", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("messages: 1, tasks: 2\n")
    assert captured.err == (
        f"Damaged, and kept: 1 ({path}, line 4: not a dead letter of infinium-otel)\n"
    )
    assert cli.main(["dead-letters", str(path), "send"]) == 1
    assert capsys.readouterr().out == "sent: 2\n"
    assert len(fake.tasks) == 2
    assert path.read_bytes().splitlines() == [MESSAGE.to_json(), torn]


def test_a_broker_that_is_away_is_an_error(path, capsys, monkeypatch):
    """For a topic; a message in a file is kept then."""
    pytest.importorskip("confluent_kafka")
    from infinium_otel.apps.dead_letters import places, resending  # noqa: PLC0415

    monkeypatch.setattr(places, "WAIT_S", 0.2)
    monkeypatch.setattr(resending, "FLUSH_S", 0.1)
    brokers = ["--brokers", "127.0.0.1:1"]
    assert cli.main(["dead-letters", "topic:dead", *brokers]) == 2
    assert capsys.readouterr().err.startswith("infinium-otel dead-letters: Kafka: ")
    path.write_bytes(MESSAGE.to_json() + b"\n")
    assert cli.main(["dead-letters", str(path), "send", *brokers]) == 1
    assert "no broker confirmed it" in capsys.readouterr().err
    assert path.read_bytes() == MESSAGE.to_json() + b"\n"


def write_tasks(path, *agents):
    letters = DeadLetterFile(str(path))
    for number, agent_id in enumerate(agents):
        letters.write(replace(TASK, key=f"key-{number}", agent_id=agent_id))
    assert letters.flush()
    return str(path)


@pytest.mark.usefixtures("credentials")
def test_a_task_of_another_agent_is_not_sent_as_ours(tmp_path, fake, capsys):
    """It would be accepted, under the wrong agent: it stays, and the cure is named."""
    path = write_tasks(tmp_path / "dead", SHOP, fake.agent_id, "")
    assert cli.main(["dead-letters", path, "send"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "sent: 2\n"
    assert f"Kept: 1 (a task of the agent {SHOP}: name it in --routes)" in captured.err
    assert set(fake.keys) == {"key-1", "key-2"}


@pytest.mark.parametrize("has_default", [True, False])
def test_tasks_of_several_agents(tmp_path, monkeypatch, capsys, has_default):
    """Each is sent with the secret of its agent, from the routes of the consumer."""
    pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    with make_fake() as fake:
        monkeypatch.setenv("INFINIUM_BASE_URL", fake.base_url)
        if has_default:
            monkeypatch.setenv("INFINIUM_AGENT_ID", fake.agent_id)
            monkeypatch.setenv("INFINIUM_AGENT_SECRET", fake.agent_secret)
        ours = [fake.agent_id] if has_default else []
        path = write_tasks(tmp_path / "dead", SHOP, *ours, SHOP)
        rules = RULES.partition('[[rules]]\nname = "bulk"')[0]
        routes = write_routes(tmp_path, rules)
        assert cli.main(["dead-letters", path, "send", "--routes", routes]) == 0
        sent = {each.key: each.headers["x-agent-id"] for each in fake.requests}
    assert sent["key-0"] == SHOP
    assert [*sent.values()].count(SHOP) == 2
    assert len(sent) == 2 + has_default
    assert capsys.readouterr().err == ""
