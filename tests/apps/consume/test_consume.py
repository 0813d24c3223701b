"""`infinium-otel consume`: OTLP from a broker in, tasks out, and what is committed."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack

import pytest

from infinium_otel.apps import cli, consume
from infinium_otel.apps.fleets import configuration
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.testing import FakeInfinium
from support.kafka import confluent_kafka, consuming, running_broker, stop
from support.otlp_requests import agent_span, protobuf, traces

MANY = {
    "INFINIUM_OTEL_REQUESTS_PER_SECOND": "1000",
    "INFINIUM_OTEL_BURST": "1000",
}


@pytest.fixture
def broker():
    with running_broker() as found:
        found.make_topic()
        yield found


def run(number, **members):
    """A message with a run of one span."""
    return protobuf(traces(agent_span(number, **members)))


CHAT = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}


def call(number):
    """A message with a model call in the run that `run(number)` is the root of."""
    ids = {"spanId": f"{number + 999:016x}", "parentSpanId": f"{number:016x}"}
    return run(number, attributes=[CHAT], **ids)


def names(fake):
    return sorted(task["name"] for task in fake.tasks)


# -- what is delivered, and then committed ---------------------------------------------


def test_a_trace_in_several_messages_is_one_task(fake, broker):
    """It is delivered when its root has ended, and committed after that."""
    broker.write(call(1), run(1), run(2))
    with consuming(broker, fake) as consumer:
        assert fake.wait_for_tasks(2, 30)
        assert broker.wait_for_commit(3)
        assert stop(consumer) == (0, "")
    assert names(fake) == ["run 1", "run 2"]
    assert sorted(len(task.get("steps", ())) for task in fake.tasks) == [0, 1]
    assert fake.complaints == []


def test_json_is_read_where_it_is_asked_for(fake, broker):
    """As the Collector's `otlp_json` writes it."""
    broker.write(json.dumps(traces(agent_span(1))).encode())
    with consuming(broker, fake, "--format", "otlp_json") as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert stop(consumer) == (0, "")
    assert names(fake) == ["run 1"]


def test_what_waits_for_its_root_is_left_to_the_next(fake, broker):
    """A run that is not complete at the end is read again, and is one whole task."""
    broker.write(run(1), call(2))
    with consuming(broker, fake) as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert stop(consumer) == (0, "")
    assert broker.committed() <= 1
    broker.write(run(2))
    with consuming(broker, fake) as consumer:
        assert fake.wait_for(lambda fake: "run 2" in names(fake), 30)
        assert broker.wait_for_commit(3)
        assert stop(consumer) == (0, "")
    (whole,) = (task for task in fake.tasks if task["name"] == "run 2")
    assert len(whole["steps"]) == 1
    assert len(fake.tasks) == len(set(fake.keys)) == 2


def test_what_was_not_delivered_is_not_committed(fake, broker):
    """While the service fails nothing is committed; whoever comes next delivers it."""
    fake.always(503)
    broker.write(run(1), run(2))
    with consuming(broker, fake, "--drain-s", "0.5") as consumer:
        assert fake.wait_for(lambda fake: fake.requests, 30)
        code, said = stop(consumer)
    assert code == 0
    assert said.endswith("\nTasks left to the next: 2\n")
    assert broker.committed() < 0
    fake.always(None)
    with consuming(broker, fake) as consumer:
        assert fake.wait_for_tasks(2, 30)
        assert broker.wait_for_commit(2)
    assert names(fake) == ["run 1", "run 2"]


def test_what_is_delivered_while_it_stops_is_committed(fake, broker):
    """Asked to stop it goes on with what it has, and the next one has nothing to do."""
    broker.write(*map(run, range(1, 11)))
    slow = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "4", "INFINIUM_OTEL_BURST": "1"}
    with consuming(broker, fake, **slow) as consumer:
        assert fake.wait_for_tasks(2, 30)
        assert stop(consumer) == (0, "")
    assert len(fake.tasks) == 10
    assert broker.committed() == 10


def test_a_killed_consumer_loses_nothing(fake, broker):
    """Killed with tasks under way, in a group of two: the other delivers them."""
    broker.write(*map(run, range(1, 21)))
    slow = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "5", "INFINIUM_OTEL_BURST": "1"}
    with consuming(broker, fake, **slow) as first:
        assert fake.wait_for_tasks(3, 30)
        first.kill()
    with consuming(broker, fake, **MANY) as second:
        assert fake.wait_for(lambda fake: len(set(fake.keys)) == 20, 60)
        assert broker.wait_for_commit(20)
        assert stop(second)[0] == 0


def test_a_spool_is_as_good_as_delivered(fake, broker, tmp_path):
    """What is on disk is committed, and another start sends it."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    fake.always(503)
    broker.write(run(1))
    with consuming(broker, fake, "--drain-s", "0.5", **spool) as consumer:
        assert broker.wait_for_commit(1)
        code, said = stop(consumer)
    assert code == 0
    assert said.endswith(f"\nTasks waiting in {tmp_path / 'spool.db'}: 1\n")
    assert list(tmp_path.glob("*owner*")) == []
    fake.always(None)
    with consuming(broker, fake, **spool) as consumer:
        assert fake.wait_for_tasks(1, 30)
        stop(consumer)
    assert names(fake) == ["run 1"]


def test_no_more_is_read_than_can_go_out(fake, broker):
    """A backlog larger than the queue arrives whole: reading stops where it must."""
    broker.write(*map(run, range(1, 101)))
    broker.write(protobuf(traces(*map(agent_span, range(101, 151)))))
    small = {"INFINIUM_OTEL_MAX_QUEUED_TASKS": "8", "INFINIUM_OTEL_TASK_PER": "root"}
    with consuming(broker, fake, **MANY, **small) as consumer:
        assert fake.wait_for(lambda fake: len(set(fake.keys)) == 150, 60)
        assert broker.wait_for_commit(101)
        assert stop(consumer) == (0, "")
    assert len(fake.tasks) == 150


def test_a_broker_that_is_gone_holds_up_no_delivery(fake):
    """What was read is delivered all the same, and a stop waits no 45 seconds."""
    with ExitStack() as stack:
        with running_broker() as broker:
            broker.make_topic()
            broker.write(run(1), run(2))
            fake.always(503)
            consumer = stack.enter_context(consuming(broker, fake))
            assert fake.wait_for(lambda fake: fake.requests, 30)
        fake.always(None)
        assert fake.wait_for_tasks(2, 30)
        code, said = stop(consumer, timeout_s=20)
    assert code == 0
    assert "brokers are down" in said


def test_messages_that_nobody_can_read_are_counted(fake, broker):
    """They hold up no other, and the exit code says that something is missing."""
    broker.write(b"no protobuf", b"neither", run(1), run(2, spanId=""), b"")
    with consuming(broker, fake) as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert broker.wait_for_commit(5)
        code, said = stop(consumer)
    assert code == 1
    assert said.splitlines() == [
        "infinium-otel: partition 0, offset 0: not OTLP: no protobuf request for "
        "traces; left out, further ones are counted",
        "Messages that could not be read: 2",
        "Spans that could not be read: 1",
    ]


def test_consumers_of_a_group_share_the_partitions(fake):
    """One that joins gets some, one that goes leaves its own, and no run is lost."""

    def write(*numbers):
        for number in numbers:
            broker.write(run(number), partition=number % 4)

    def delivered():
        return len({*fake.keys, *other.keys})

    with running_broker() as broker, FakeInfinium() as other:
        broker.make_topic(partitions=4)
        with consuming(broker, fake) as first, consuming(broker, other) as second:
            assert second.stdout.readline()
            write(*range(1, 9))
            assert fake.wait_for_tasks(1, 30)
            number = 9
            while not other.wait_for_tasks(1, 0.5):
                write(number)
                number += 1
            assert stop(first) == (0, "")
            write(*range(number, number + 8))
            assert other.wait_for(lambda _: delivered() == number + 7, 60)
            assert stop(second) == (0, "")


# -- what keeps it from starting -------------------------------------------------------


@pytest.fixture
def arguments(fake, monkeypatch):
    """Arguments of a command that has everything but a broker."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    monkeypatch.setattr(consume, "REACH_S", 0.2)
    return ["consume", "--brokers", "127.0.0.1:1"]


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        pytest.param(
            "# nothing\n\n",
            "cannot reach Kafka: 127.0.0.1:1/bootstrap: Connect to",
            id="no-broker",
        ),
        pytest.param("security.protocol", "line 1: not name=value", id="no-value"),
        pytest.param("bread = butter", "bread", id="no-property"),
    ],
)
def test_why_it_cannot_start_is_one_line(
    properties, complaint, arguments, tmp_path, capsys
):
    """It says what is wrong, and exits 2."""
    path = tmp_path / "kafka.properties"
    path.write_text(properties)
    assert cli.main([*arguments, "--properties", str(path)]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.startswith("infinium-otel consume: ")
    assert said.count("\n") == 1


def test_without_the_extra_the_error_says_how_to_get_it(arguments, monkeypatch):
    """A missing extra says which `pip install` mends it."""
    monkeypatch.setitem(sys.modules, "infinium_otel.apps.consume.consumer", None)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[kafka\]"):
        consume.run(cli.parser("consume").parse_args(arguments))


# -- what Kafka complains of -----------------------------------------------------------


@pytest.fixture
def worker(arguments, monkeypatch):
    """A worker that no broker answers."""
    monkeypatch.setattr("infinium_otel.apps.consume.consumer.Worker.reach", print)
    args = cli.parser("consume").parse_args(arguments)
    worker = consume.build(args, configuration(os.environ))
    worker._heard = None
    return worker


def test_a_complaint_is_told_once(worker, caplog):
    """Until a message has come; then it may be told again."""
    error = confluent_kafka.KafkaError
    down = confluent_kafka.Message(error=error(error._ALL_BROKERS_DOWN))
    good = confluent_kafka.Message(partition=0, offset=0, value=b"")
    for message in (down, down, good, down):
        worker._take(message)
    assert len(caplog.messages) == 2


def test_what_will_not_get_better_ends_it(worker):
    """A fatal error is no complaint but the end."""
    fenced = confluent_kafka.KafkaError._FATAL
    with pytest.raises(InfiniumError, match="Kafka: fenced"):
        worker.complain(confluent_kafka.KafkaError(fenced, "fenced", fatal=True))


def test_a_commit_that_failed_is_made_again(worker, caplog):
    """It is told, and what was asked for is asked for anew."""
    worker._asked = {0: 7}
    worker._answered(None, [])
    assert worker._asked == {0: 7}
    worker._answered(confluent_kafka.KafkaError(25), [])
    assert "Kafka: Broker: Unknown member" in caplog.text
    assert worker._asked == {}
