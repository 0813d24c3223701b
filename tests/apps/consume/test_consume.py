"""`infinium-otel consume`: OTLP from Kafka in, tasks out, and what is committed."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextlib import ExitStack

import pytest

from infinium_otel.apps import cli, consume
from infinium_otel.apps.backpressure import load_config
from infinium_otel.apps.consume.telemetry import ConsumerTelemetry, Lag
from infinium_otel.errors import InfiniumError, MissingExtraError
from infinium_otel.runtime import metrics
from infinium_otel.testing import FakeInfinium, Fault
from support.kafka import confluent_kafka, consuming, running_broker, stop
from support.otlp_requests import agent_span, protobuf, traces
from support.wire import make_request, nest_values

DEPTH = 100_000

MANY = {
    "INFINIUM_OTEL_REQUESTS_PER_SECOND": "1000",
    "INFINIUM_OTEL_BURST": "1000",
}


def run(number, **members):
    """Build a message with a run of one span."""
    return protobuf(traces(agent_span(number, **members)))


CHAT = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}


def call(number):
    """Build a message with a model call of the run whose root is in `run(number)`."""
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


def test_json_is_read_with_its_format(fake, broker):
    """As the Collector's `otlp_json` writes it."""
    broker.write(json.dumps(traces(agent_span(1))).encode())
    with consuming(broker, fake, "--format", "otlp_json") as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert stop(consumer) == (0, "")
    assert names(fake) == ["run 1"]


def test_an_open_run_is_read_again_by_the_next_consumer(fake, broker):
    """A run that is incomplete at the end is read again, and becomes one whole task."""
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


def test_undelivered_tasks_are_not_committed(fake, broker):
    """While the service fails nothing is committed; the next consumer delivers it.

    Source: open-telemetry/opentelemetry-collector-contrib#6222 and #37136: a receiver
    commits what its exporter could not deliver.
    """
    fake.always(503)
    broker.write(run(1), run(2))
    with consuming(broker, fake, "--drain-s", "0.5") as consumer:
        assert fake.wait_for(lambda fake: fake.requests, 30)
        code, stderr = stop(consumer)
    assert code == 0
    assert stderr.endswith("\nTasks left to the next consumer: 2\n")
    assert broker.committed() < 0
    fake.always(None)
    with consuming(broker, fake) as consumer:
        assert fake.wait_for_tasks(2, 30)
        assert broker.wait_for_commit(2)
    assert names(fake) == ["run 1", "run 2"]


def test_tasks_delivered_while_stopping_are_committed(fake, broker):
    """After a stop signal it delivers and commits what it has."""
    broker.write(*map(run, range(1, 11)))
    slow = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "4", "INFINIUM_OTEL_BURST": "1"}
    with consuming(broker, fake, **slow) as consumer:
        assert fake.wait_for_tasks(2, 30)
        assert stop(consumer) == (0, "")
    assert len(fake.tasks) == 10
    assert broker.committed() == 10


def test_a_killed_consumer_loses_nothing(fake, broker):
    """A killed consumer's tasks are delivered by the other one of the group."""
    broker.write(*map(run, range(1, 21)))
    slow = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "5", "INFINIUM_OTEL_BURST": "1"}
    with consuming(broker, fake, **slow) as first:
        assert fake.wait_for_tasks(3, 30)
        first.kill()
    with consuming(broker, fake, **MANY) as second:
        assert fake.wait_for(lambda fake: len(set(fake.keys)) == 20, 60)
        assert broker.wait_for_commit(20)
        assert stop(second)[0] == 0


def test_a_task_in_the_spool_counts_as_delivered(fake, broker, tmp_path):
    """Tasks on disk are committed, and the next start sends them."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    fake.always(503)
    broker.write(run(1))
    with consuming(broker, fake, "--drain-s", "0.5", **spool) as consumer:
        assert broker.wait_for_commit(1)
        code, stderr = stop(consumer)
    assert code == 0
    assert stderr.endswith(f"\nTasks waiting in {tmp_path / 'spool.db'}: 1\n")
    assert list(tmp_path.glob("*owner*")) == []
    fake.always(None)
    with consuming(broker, fake, **spool) as consumer:
        assert fake.wait_for_tasks(1, 30)
        stop(consumer)
    assert names(fake) == ["run 1"]


def test_reading_pauses_while_the_queue_is_full(fake, broker):
    """A backlog larger than the queue is delivered without loss."""
    broker.write(*map(run, range(1, 101)))
    broker.write(protobuf(traces(*map(agent_span, range(101, 151)))))
    small = {"INFINIUM_OTEL_MAX_QUEUED_TASKS": "8", "INFINIUM_OTEL_TASK_PER": "root"}
    with consuming(broker, fake, **MANY, **small) as consumer:
        assert fake.wait_for(lambda fake: len(set(fake.keys)) == 150, 60)
        assert broker.wait_for_commit(101)
        assert stop(consumer) == (0, "")
    assert len(fake.tasks) == 150


def test_delivery_continues_without_a_broker(fake):
    """What was read is delivered, and a stop does not wait for the broker."""
    with ExitStack() as stack:
        with running_broker() as broker:
            broker.make_topic()
            broker.write(run(1), run(2))
            fake.always(503)
            consumer = stack.enter_context(consuming(broker, fake))
            assert fake.wait_for(lambda fake: fake.requests, 30)
        fake.always(None)
        assert fake.wait_for_tasks(2, 30)
        code, stderr = stop(consumer, timeout_s=20)
    assert code == 0
    assert "brokers are down" in stderr


def test_undecodable_messages_are_counted(fake, broker):
    """They do not block others, and the exit code is 1."""
    broker.write(b"no protobuf", b"neither", run(1), run(2, spanId=""), b"")
    with consuming(broker, fake) as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert broker.wait_for_commit(5)
        code, stderr = stop(consumer)
    assert code == 1
    assert stderr.splitlines() == [
        "infinium-otel: partition 0, offset 0: invalid OTLP: not a protobuf request for "
        "traces; skipped, further ones are only counted",
        "Messages that could not be read: 2",
        "Spans that could not be read: 1",
    ]


@pytest.mark.parametrize(
    ("form", "deep"),
    [
        pytest.param("otlp_json", b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, id="json"),
        pytest.param("otlp_json", b'{"a":' * 500 + b"1" + b"}" * 500, id="json-500"),
        pytest.param("otlp_proto", make_request(nest_values(DEPTH)), id="protobuf"),
    ],
)
def test_the_consumer_goes_on_behind_a_deep_message(form, deep, fake, broker):
    """A message nested 100,000 deep is counted, and committed like any other."""
    good = run(1) if form == "otlp_proto" else json.dumps(traces(agent_span(1)))
    broker.write(deep, good)
    with consuming(broker, fake, "--format", form) as consumer:
        assert fake.wait_for_tasks(1, 30)
        assert broker.wait_for_commit(2)
        code, stderr = stop(consumer)
    assert code == 1
    assert "Messages that could not be read: 1" in stderr


def test_consumers_of_a_group_share_the_partitions(fake):
    """Partitions move when consumers join and stop, and no run is lost."""

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


# -- errors at the start ---------------------------------------------------------------


@pytest.fixture
def arguments(fake, monkeypatch):
    """Valid arguments, except that no broker answers."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    monkeypatch.setattr(consume, "BROKER_TIMEOUT_S", 0.2)
    return ["consume", "--brokers", "127.0.0.1:1"]


@pytest.mark.parametrize(
    ("properties", "message"),
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
def test_an_error_at_the_start_is_one_line(
    properties, message, arguments, tmp_path, capsys
):
    """The line has the reason, and the exit code is 2."""
    path = tmp_path / "kafka.properties"
    path.write_text(properties)
    assert cli.main([*arguments, "--properties", str(path)]) == 2
    stderr = capsys.readouterr().err
    assert message in stderr
    assert stderr.startswith("infinium-otel consume: ")
    assert stderr.count("\n") == 1


def test_without_the_extra_the_error_names_it(arguments, monkeypatch):
    """The error for a missing extra has the `pip install` command."""
    monkeypatch.setitem(sys.modules, "infinium_otel.apps.consume.setup", None)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[kafka\]"):
        consume.run(cli.build_parser("consume").parse_args(arguments))


# -- errors of Kafka ------------------------------------------------------------------


@pytest.fixture
def loop(arguments, monkeypatch):
    """A loop without a broker."""
    monkeypatch.setattr("infinium_otel.apps.consume.kafka.KafkaTopic.check", print)
    args = cli.build_parser("consume").parse_args(arguments)
    loop = consume.build_loop(args, load_config(os.environ))
    loop.kafka._first_error = None
    yield loop
    loop.sender.shutdown(1.0)


def test_an_error_is_logged_once(loop, caplog, monkeypatch):
    """Until a message is received; then it may be logged again."""
    error = confluent_kafka.KafkaError
    down = confluent_kafka.Message(error=error(error._ALL_BROKERS_DOWN))
    good = confluent_kafka.Message(partition=0, offset=0, value=b"")
    messages = iter((down, down, good, down))

    class Broken:
        def poll(self, _):
            return next(messages)

    monkeypatch.setattr(loop.kafka, "_consumer", Broken())
    found = [loop.kafka.poll(0) for _ in range(4)]
    assert found == [None, None, good, None]
    assert len(caplog.messages) == 2
    assert loop.kafka.is_cut_off


def test_a_fatal_error_ends_the_loop(loop):
    """A fatal error is raised, not logged."""
    fenced = confluent_kafka.KafkaError._FATAL
    with pytest.raises(InfiniumError, match="Kafka: fenced"):
        loop.kafka.report_error(
            confluent_kafka.KafkaError(fenced, "fenced", fatal=True)
        )


def test_a_failed_commit_is_repeated(loop, caplog):
    """The error is logged, and the next commit includes the offsets."""
    partition = confluent_kafka.TopicPartition("otlp_spans", 0, 7)
    loop.assignment.add([0])
    state = loop.assignment.states[0]
    state.offsets["otlp_spans"].read(6, 0.0)
    assert state.find_commits(set()) == {"otlp_spans": 7}
    loop.kafka.on_commit(None, [partition])
    assert state.find_commits(set()) == {}
    loop.kafka.on_commit(confluent_kafka.KafkaError(25), [partition])
    assert "Kafka: Broker: Unknown member" in caplog.text
    assert state.find_commits(set()) == {"otlp_spans": 7}
    loop.kafka.on_commit(confluent_kafka.KafkaError(27), [partition])
    assert len(caplog.messages) == 1  # partitions move: that is no news
    assert state.find_commits(set()) == {"otlp_spans": 7}


def test_nothing_is_committed_for_a_partition_given_up(loop, monkeypatch):
    """Neither what was read nor what is finished of it; the others are committed.

    Source: open-telemetry/otel-arrow#3261, vectordotdev/vector#14865: a commit after a
    rebalance includes partitions that another consumer has by then, or forgets those
    that stayed.
    """
    committed = []
    monkeypatch.setattr(loop.kafka, "commit", committed.extend)
    loop.assignment.add([0, 1])
    for number in (0, 1):
        for offset in (0, 1):
            loop.assignment.feed(number, offset, [], "otlp_spans")
    loop.on_lost([0])
    loop._commit()
    assert committed == [("otlp_spans", 1, 2)]


def test_what_is_being_sent_is_waited_for(loop, fake, monkeypatch):
    """A partition is given up after the requests under way, which are committed then.

    Source: PostHog/posthog#80897: work that ends while partitions move is not recorded,
    and done again.
    """
    committed = []
    monkeypatch.setattr(loop.kafka, "commit", committed.extend)
    fake.always(Fault(delay_s=0.5))
    read(loop, run(1), *[b""] * 8, run(2))
    loop._submit()
    assert fake.wait_for(lambda fake: loop.sender.in_flight, 60)
    loop.on_revoke([0])
    assert committed == [("otlp_spans", 0, 8)]
    assert len(fake.tasks) == 1


def test_a_share_of_the_groups_rate(loop, monkeypatch):
    """As many parts of it as this consumer has of the partitions."""
    loop._rate_of_group = 100
    monkeypatch.setattr(loop.kafka, "count_partitions", lambda _: 8)
    monkeypatch.setattr(loop.kafka, "find_committed", lambda _: {})
    loop.on_assign([0, 1])
    assert loop.pace.ceiling == pytest.approx(25)
    assert loop.pace.share == pytest.approx(0.25)
    loop.on_assign([2, 3])
    assert loop.pace.ceiling == pytest.approx(50)
    monkeypatch.setattr(loop.kafka, "count_partitions", lambda _: 0)
    loop.on_lost([0])
    assert loop.pace.ceiling == pytest.approx(100)


def test_messages_deleted_before_they_were_read(loop, caplog, monkeypatch):
    """A gap that retention made is reported; one of a transaction is not."""
    loop.assignment.add([0])
    lows = iter((None, 5, 30))
    monkeypatch.setattr(loop.kafka, "find_low", lambda _: next(lows))
    loop.intake.expected[0] = 10
    for offset in (20, 25, 35):
        message = confluent_kafka.Message(
            partition=0, offset=offset, value=b"", topic="otlp_spans"
        )
        loop.intake.handle(message)
        loop.intake.expected[0] = 10
    (text,) = caplog.messages
    assert "Kafka deleted 20 messages of partition 0" in text
    assert loop.intake.expected[0] == 10


# -- metrics and hints -----------------------------------------------------------------


def read(loop, *values):
    """Let *loop* read a message for each of *values*, from one partition."""
    loop._config = loop._config.but(task_per="root")  # complete without waiting
    loop.assignment.add([0])
    for offset, value in enumerate(values):
        message = confluent_kafka.Message(
            partition=0, offset=offset, value=value, topic="otlp_spans"
        )
        loop.intake.handle(message)


def test_missing_content_is_logged_once(loop, caplog):
    """For each instrumentation, however many partitions there are."""
    scope = {"name": "opentelemetry.instrumentation.openai_v2"}
    for number in (1, 2):
        request = traces(agent_span(number, attributes=[CHAT]), scope=scope)
        with caplog.at_level(logging.INFO, "infinium_otel"):
            read(loop, protobuf(request))
    assert len(caplog.messages) == 1
    assert "openai_v2" in caplog.text


def test_stats_account_for_every_span(loop):
    """Each span is in one place, in tasks that are not in the queue yet too."""
    telemetry = ConsumerTelemetry(loop)
    read(loop, run(1), call(2), run(1))
    stats = telemetry.stats()
    assert (stats.received, stats.queued, stats.open, stats.refused) == (3, 1, 1, 1)
    assert (stats.tasks_received, stats.tasks_queued, stats.tasks_open) == (2, 1, 1)
    loop._submit()
    later = telemetry.stats()  # a task that was queued may be delivered by now
    assert (later.received, later.open, later.refused) == (3, 1, 1)
    assert later.queued + later.delivered == 1
    assert later.tasks_queued + later.tasks_delivered == 1


def test_its_metrics_are_observed(loop, monkeypatch):
    """Spans in flight and exported, with the attributes of the consumer."""
    monkeypatch.setattr(metrics, "_sources", [])
    metrics.observe([ConsumerTelemetry(loop)])
    read(loop, run(1), call(2))
    (inflight,) = metrics._observe_inflight(None)
    assert (inflight.value, inflight.attributes) == (2, loop.labels)


def test_its_probes(loop, monkeypatch):
    """Ready once partitions are assigned and brokers answer; alive while it runs."""
    now_s = time.monotonic()
    telemetry = ConsumerTelemetry(loop, lambda: now_s + 61)
    loop.progress_s = now_s
    assert "no progress for 61 s" in telemetry.find_stalled()
    loop.progress_s = now_s + 60
    assert telemetry.find_stalled() == ""
    assert "no partition was assigned" in telemetry.find_unready()
    loop.rebalances = 1
    assert telemetry.find_unready() == ""
    down = confluent_kafka.KafkaError._ALL_BROKERS_DOWN
    loop.kafka.report_error(confluent_kafka.KafkaError(down))
    assert telemetry.find_unready() == "no Kafka broker answers"


def test_its_lag(loop, monkeypatch):
    """In messages and in seconds, over the partitions with messages to read."""
    exposition = pytest.importorskip("infinium_otel.apps.observe.exposition")
    telemetry = ConsumerTelemetry(loop)
    assert telemetry.read_lag() == Lag(0, 0.0)
    loop.intake.times_ms.update({0: (time.time() - 100) * 1000, 1: 1, 2: 1})
    loop.intake.expected.update({0: 40, 1: 7, 2: 3})
    ends = {0: 50, 1: 7, 2: -1001}
    monkeypatch.setattr(loop.kafka, "find_end", ends.get)
    lag = telemetry.read_lag()
    assert lag.messages == 10
    assert 99 < lag.seconds < 200
    samples = {sample.name: sample.values for sample in telemetry.read_samples()}
    assert samples["infinium.consumer.lag"] == {"": 10}
    assert samples["infinium.runs.open.age"] == {"": 0.0}
    registry = exposition.make_registry(telemetry.read_samples)
    body, _ = exposition.expose(registry, "")
    assert b"\ninfinium_consumer_lag 10.0\n" in body
    assert b"\ninfinium_consumer_lag_time_seconds 1" in body
