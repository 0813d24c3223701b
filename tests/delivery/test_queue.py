"""The queue in memory: bounded, fair, and it reports everything it drops."""

from __future__ import annotations

from infinium_otel.delivery.queue import FULL, TOO_LARGE, Evicted, MemoryQueue


def filled(*sizes, items=100, size=1_000):
    queue = MemoryQueue(items, size)
    for number, each in enumerate(sizes):
        queue.put(f"k{number}", b"x" * each, 1)
    return queue


def test_first_in_first_out():
    """The oldest item is claimed first, and only once."""
    queue = filled(1, 1)
    first, second = queue.claim(0), queue.claim(0)
    assert (first.key, second.key) == ("k0", "k1")
    assert queue.claim(0) is None
    queue.ack(first)
    queue.ack(second)
    assert len(queue) == 0


def test_failures_wait_and_go_last():
    """A failed item waits, then comes after those with fewer failures."""
    queue = filled(1, 1, 1)
    queue.nack(queue.claim(0), 10.0, failed=True)
    assert [queue.claim(5).key, queue.claim(5).key, queue.claim(5)] == [
        "k1",
        "k2",
        None,
    ]
    again = queue.claim(10)
    assert (again.key, again.attempts) == ("k0", 1)
    queue.nack(again, 20.0, failed=False)
    queue.put("new", b"", 1)
    assert queue.claim(30).key == "new"
    assert queue.claim(30).attempts == 1


def test_among_failures_those_that_failed_least_go_first():
    """A task that always fails does not delay the others."""
    queue = filled(1, 1, 1)
    for key, times in (("k0", 2), ("k1", 1), ("k2", 3)):
        for _ in range(times):
            item = next(i for i in iter(lambda: queue.claim(9), None) if i.key == key)
            queue.nack(item, 0.0, failed=True)
            for entry in queue._entries.values():
                entry.claimed = False
    assert [queue.claim(9).key for _ in range(3)] == ["k1", "k0", "k2"]


def test_the_oldest_are_evicted():
    """Past a bound the oldest unclaimed items are dropped."""
    queue = filled(1, 1, 1, items=3)
    taken = queue.claim(0)
    assert queue.put("k3", b"x", 1) == (4, [Evicted(2, FULL)])
    assert queue.put("k4", b"x" * 999, 1)[1] == [Evicted(3, FULL), Evicted(4, FULL)]
    assert taken.key == "k0"
    assert len(queue) == 2


def test_claimed_items_are_not_evicted():
    """If all other items are claimed, the new one is dropped."""
    queue = filled(1, items=1)
    queue.claim(0)
    assert queue.put("k1", b"x", 1) == (2, [Evicted(2, FULL)])


def test_a_body_larger_than_the_queue():
    """Such a body does not evict others."""
    queue = filled(1)
    assert queue.put("big", b"x" * 1_001, 1) == (2, [Evicted(2, TOO_LARGE)])
    assert len(queue) == 1


def test_a_smaller_body_takes_less_room():
    """A shrunk body counts with its new size."""
    queue = filled(900)
    item = queue.replace(queue.claim(0), b"small")
    assert (item.body, item.shrunk) == (b"small", True)
    assert queue.put("k1", b"x" * 900, 1)[1] == []


def test_make_due_and_next_due():
    """`make_due` ends all pauses."""
    queue = filled(1)
    assert MemoryQueue(1, 1).next_due() is None
    queue.nack(queue.claim(0), 50.0, failed=True)
    assert queue.next_due() == 50.0
    queue.make_due()
    assert queue.claim(0) is not None
    assert queue.next_due() is None


def test_refused_items_are_removed():
    """Memory holds only what may still be delivered."""
    queue = filled(1)
    queue.refuse(queue.claim(0), "400", "no")
    assert len(queue) == 0
    queue.ack(filled(1).claim(0))
