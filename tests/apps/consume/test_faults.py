"""What a consumer does with messages and tasks that cannot be read or delivered."""

from __future__ import annotations

import json

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.consume.dead_letters import DeadLetter, read_dead_letter
from infinium_otel.taskdata import task_to_dict
from infinium_otel.testing import Fault
from support.kafka import TOPIC, consuming, running_broker, stop
from support.otlp_requests import agent_span, protobuf, traces
from support.tasks import small

FAST = {
    "INFINIUM_OTEL_REQUESTS_PER_SECOND": "1000",
    "INFINIUM_OTEL_TASK_PER": "root",
}


def run(number, **members):
    return protobuf(traces(agent_span(number, **members)))


def wait(consumer, timeout_s=60):
    """Wait for the end of a consumer; its exit code, and its stderr."""
    _, errors = consumer.communicate(timeout=timeout_s)
    return consumer.returncode, errors


def test_json_and_protobuf_may_be_mixed(fake, broker):
    """Each message is recognized by itself."""
    broker.write(run(1), json.dumps(traces(agent_span(2))).encode(), run(3))
    with consuming(broker, fake, **FAST) as consumer:
        assert fake.wait_for_tasks(3, 30)
        assert broker.wait_for_commit(3)
        assert stop(consumer) == (0, "")


def test_a_wrong_format_stops_the_consumer(fake, broker):
    """With a clear error, and without a commit of what it could not read."""
    broker.write(*[run(number) for number in range(1, 30)])
    options = ("--format", "otlp_json", "--max-unreadable", "20")
    with consuming(broker, fake, *options, **FAST) as consumer:
        code, errors = wait(consumer)
    assert code == 2
    assert "the last 20 messages cannot be read" in errors
    assert "--format" in errors.splitlines()[-1]
    assert broker.committed() <= 0


def test_what_cannot_be_read_is_a_dead_letter(fake, broker, tmp_path):
    """With its reason, its place and its bytes; then it is committed."""
    path = tmp_path / "dead"
    broker.write(b"no protobuf", run(1), b'[{"id": "1"}]')
    with consuming(broker, fake, "--dead-letters", str(path), **FAST) as consumer:
        assert broker.wait_for_commit(3)
        code, errors = stop(consumer)
    assert code == 1
    assert "kept as a dead letter" in errors
    first, last = map(read_dead_letter, path.read_bytes().splitlines())
    assert (first.value, first.source.offset) == (b"no protobuf", 0)
    assert "zipkin_json" in last.detail
    assert last.source == type(last.source)(TOPIC, 0, 2)


class Refusing:
    """Responds to the requests for one run with 500."""

    def __init__(self, fake, name):
        self._fake, self._name = fake, name
        self._respond = fake._server.respond

    def __call__(self, received, *rest):
        if self._name.encode() in received.body:
            return 500, {"success": False, "error": "cannot store it"}
        return self._respond(received, *rest)


@pytest.mark.parametrize("place", ["file", "topic"])
def test_a_task_that_always_fails_is_a_dead_letter(place, fake, broker, tmp_path):
    """The others are delivered and committed; it goes after so many attempts."""
    name = "run 5555"
    fake._server.respond = Refusing(fake, name)
    where = str(tmp_path / "dead") if place == "file" else "topic:dead"
    broker.write(run(5555), *[run(number) for number in range(1, 11)])
    options = ("--dead-letters", where, "--max-attempts", "3")
    with consuming(broker, fake, *options, **FAST) as consumer:
        assert fake.wait_for_tasks(10, 60)
        assert broker.wait_for_commit(11)
        code, errors = stop(consumer)
    assert code == 1
    assert "failed 3 times while others were delivered" in errors
    if place == "file":
        (line,) = (tmp_path / "dead").read_bytes().splitlines()
    else:
        (message,) = broker.read("dead", 1)
        line = message.value()
    letter = read_dead_letter(line)
    assert (letter.kind, letter.reason) == ("task", "retries exhausted")
    assert letter.source.offset == 0
    assert json.loads(letter.value)["name"] == name


def test_a_task_that_is_refused_is_a_dead_letter(fake, broker, tmp_path):
    """For good, such as with status 400: with the reason and the key."""
    fake.script(Fault(400))
    broker.write(run(1), run(2))
    path = tmp_path / "dead"
    with consuming(broker, fake, "--dead-letters", str(path), **FAST) as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert broker.wait_for_commit(2)
        code, _ = stop(consumer)
    assert code == 1
    letter = read_dead_letter(path.read_bytes())
    assert (letter.kind, letter.reason) == ("task", "400")
    assert letter.key == fake.requests[0].headers["idempotency-key"]


def test_other_partitions_are_committed(fake):
    """A task that fails holds up the partition it is from, and no other."""
    fake._server.respond = Refusing(fake, "run 5555")
    with running_broker() as broker:
        broker.make_topic(2)
        broker.write(run(5555), partition=0)
        broker.write(*[run(number) for number in range(1, 11)], partition=1)
        with consuming(broker, fake, **FAST) as consumer:
            assert fake.wait_for_tasks(10, 30)
            assert broker.wait_for_commit(10, partition=1)
            assert broker.committed(0) <= 0
            stop(consumer)


def test_dead_letters_are_sent_again(fake, broker, monkeypatch, capsys):
    """From a topic: messages to where they came from, tasks to Infinium; once."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    command = ["dead-letters", "topic:dead"]
    options = ["--brokers", broker.address]
    fake.script(Fault(400))
    broker.write(run(1), b"no protobuf", run(2))
    with consuming(broker, fake, "--dead-letters", "topic:dead", **FAST) as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert broker.wait_for_commit(3)
        stop(consumer)
    assert cli.main([*command, *options]) == 0
    assert capsys.readouterr().out.endswith("messages: 1, tasks: 1\n")
    fake.script(Fault(400))
    assert cli.main([*command, "send", *options]) == 1
    assert capsys.readouterr().out == "sent: 1\n"
    assert cli.main([*command, "send", *options]) == 0
    assert capsys.readouterr().out == "sent: 1\n"
    assert len(fake.tasks) == 2
    assert broker.read(TOPIC, 4)[-1].value() == b"no protobuf"
    assert cli.main([*command, *options]) == 0
    assert capsys.readouterr().out == "messages: 0, tasks: 0\n"


def test_a_damaged_dead_letter_is_not_in_the_way(fake, broker, monkeypatch, capsys):
    """Those behind it are listed and sent; it is reported, and stays in the topic."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    body = json.dumps(task_to_dict(small())).encode()
    task = DeadLetter("task", "http 400", "no", 1e9, None, "key", body)
    broker.make_topic(name="dead")
    broker.write(b"{", b"", task.to_json(), topic="dead")
    command = ["dead-letters", "topic:dead"]
    options = ["--brokers", broker.address]
    report = "Damaged, and kept: 2 (dead 0:{}: not a dead letter of infinium-otel)\n"
    assert cli.main([*command, *options]) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("messages: 0, tasks: 1\n")
    assert captured.err == report.format(0)
    assert cli.main([*command, "send", *options]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("sent: 1\n", report.format(0))
    assert len(fake.tasks) == 1
    assert {message.value() for message in broker.read("dead", 5)[3:]} == {b"{", b""}
    assert cli.main([*command, "send", *options]) == 2
    assert "not a dead letter" in capsys.readouterr().err
