"""The queue in memory: bounded, fair, and told of all it gives up."""

from __future__ import annotations

from infinium_otel.delivery.queue import FULL, TOO_LARGE, GivenUp, MemoryQueue


def filled(*sizes, items=100, size=1_000):
    queue = MemoryQueue(items, size)
    for number, each in enumerate(sizes):
        queue.put(f"k{number}", b"x" * each, 1)
    return queue


def test_first_in_first_out():
    """The oldest goes first; what is taken is nobody else's."""
    queue = filled(1, 1)
    first, second = queue.take(0), queue.take(0)
    assert (first.key, second.key) == ("k0", "k1")
    assert queue.take(0) is None
    queue.done(first)
    queue.done(second)
    assert len(queue) == 0


def test_failures_wait_and_go_last():
    """What failed waits its time, then goes after what failed less."""
    queue = filled(1, 1, 1)
    queue.release(queue.take(0), 10.0, failed=True)
    assert [queue.take(5).key, queue.take(5).key, queue.take(5)] == ["k1", "k2", None]
    again = queue.take(10)
    assert (again.key, again.attempts) == ("k0", 1)
    queue.release(again, 20.0, failed=False)
    queue.put("new", b"", 1)
    assert queue.take(30).key == "new"
    assert queue.take(30).attempts == 1


def test_among_failures_those_that_failed_least_go_first():
    """A task that always fails holds up no other."""
    queue = filled(1, 1, 1)
    for key, times in (("k0", 2), ("k1", 1), ("k2", 3)):
        for _ in range(times):
            item = next(i for i in iter(lambda: queue.take(9), None) if i.key == key)
            queue.release(item, 0.0, failed=True)
            for entry in queue._entries.values():
                entry.taken = False
    assert [queue.take(9).key for _ in range(3)] == ["k1", "k0", "k2"]


def test_the_oldest_make_room():
    """Past a bound the oldest that are not under way are given up."""
    queue = filled(1, 1, 1, items=3)
    taken = queue.take(0)
    assert queue.put("k3", b"x", 1) == (4, [GivenUp(2, FULL)])
    assert queue.put("k4", b"x" * 999, 1)[1] == [GivenUp(3, FULL), GivenUp(4, FULL)]
    assert taken.key == "k0"
    assert len(queue) == 2


def test_nothing_that_is_under_way_is_given_up():
    """If all others are under way the newcomer must go."""
    queue = filled(1, items=1)
    queue.take(0)
    assert queue.put("k1", b"x", 1) == (2, [GivenUp(2, FULL)])


def test_what_can_never_fit():
    """A body larger than the whole queue drives out nothing else."""
    queue = filled(1)
    assert queue.put("big", b"x" * 1_001, 1) == (2, [GivenUp(2, TOO_LARGE)])
    assert len(queue) == 1


def test_a_smaller_body_takes_less_room():
    """A body that was shrunk counts as what it is now."""
    queue = filled(900)
    item = queue.replace(queue.take(0), b"small")
    assert (item.body, item.shrunk) == (b"small", True)
    assert queue.put("k1", b"x" * 900, 1)[1] == []


def test_hurry_and_next_ready():
    """Waiting ends when somebody hurries."""
    queue = filled(1)
    assert MemoryQueue(1, 1).next_ready() is None
    queue.release(queue.take(0), 50.0, failed=True)
    assert queue.next_ready() == 50.0
    queue.hurry()
    assert queue.take(0) is not None
    assert queue.next_ready() is None


def test_refused_items_are_forgotten():
    """Memory is for what may yet be delivered."""
    queue = filled(1)
    queue.refuse(queue.take(0), "400", "no")
    assert len(queue) == 0
    queue.done(filled(1).take(0))
