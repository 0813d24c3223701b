"""The connection to Kafka, which one thread polls and others ask."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("confluent_kafka")

from infinium_otel.apps.consume.kafka import KafkaTopic
from support.kafka import GROUP, TOPIC, running_mock_cluster
from support.waiting import wait_until

PROPERTIES = {
    "group.id": GROUP,
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}


def test_any_thread_may_ask_for_the_end():
    """While another thread polls without a pause, which has noted it."""
    with running_mock_cluster() as broker:
        broker.write(b"one", b"two", b"three")
        topic = KafkaTopic(broker.properties | PROPERTIES, TOPIC, lambda *_: None)
        stop = threading.Event()

        def poll():
            topic.assign({0: 0})
            while not stop.is_set():
                topic.poll(0.2)
                topic.note_ends([0])

        thread = threading.Thread(target=poll)
        assert topic.find_end(0) < 0
        thread.start()
        try:
            wait_until(lambda: topic.find_end(0) == 3)
            assert topic.find_end(1) < 0
        finally:
            stop.set()
            thread.join()
            topic.close()
