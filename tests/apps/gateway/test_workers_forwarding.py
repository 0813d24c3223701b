"""From the worker that gets a request to the one that holds the run."""

from __future__ import annotations

import asyncio
import pickle
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from infinium_otel.apps.gateway.workers import wire
from infinium_otel.apps.gateway.workers.links import PeerLink
from infinium_otel.apps.gateway.workers.sharding import (
    ForwardCounters,
    ShardedSink,
    find_owner,
    raise_worst,
    split,
)
from infinium_otel.apps.http.body_limiter import BusyError
from infinium_otel.errors import DecodingError, InfiniumError
from infinium_otel.otlp import from_json
from infinium_otel.records import NOTHING, LogEvent, SpanRecord
from support.corpus import recording
from support.otlp_requests import agent_span, traces
from support.waiting import wait_until

peer_server = pytest.importorskip("infinium_otel.apps.gateway.workers.peer_server")

LOG = LogEvent("1" * 32, "2" * 16, "gen_ai.choice", 5, {"raw": b"\0\xff"}, {"a": (1,)})
BARE = SpanRecord("1" * 32, "2" * 16, None, "\ud800", 0, 1, NOTHING)


def records(*numbers):
    return from_json(traces(*map(agent_span, numbers))).records


# -- frames ----------------------------------------------------------------------------


def test_records_arrive_unchanged():
    """Of every kind, with bytes, tuples, lone surrogates, events and links."""
    recorded = from_json(recording("genai-openai/tool_loop").spans).records
    linked = from_json(
        traces(
            agent_span(
                1,
                events=[{"name": "e", "timeUnixNano": "3", "attributes": []}],
                links=[{"traceId": "3" * 32, "spanId": "4" * 16}],
            )
        )
    ).records
    given = [*recorded, *linked, LOG, BARE]
    assert wire.decode_records(wire.encode_records(given)) == given


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x05", id="cut"),
        pytest.param(pickle.dumps([print]), id="a-function"),
        pytest.param(pickle.dumps([Path()]), id="a-class"),
        pytest.param(pickle.dumps([(1, 2)]), id="not-a-record"),
        pytest.param(pickle.dumps(7), id="not-a-list"),
    ],
)
def test_a_frame_holds_plain_values_only(content):
    """Nothing is called or built but records."""
    with pytest.raises(DecodingError, match="damaged frame"):
        wire.decode_records(content)


@pytest.mark.parametrize(
    ("error", "kind", "attribute", "value"),
    [
        pytest.param(BusyError(3.5), BusyError, "retry_after", 3.5, id="busy"),
        pytest.param(
            DecodingError("too many", status_code=413),
            DecodingError,
            "status_code",
            413,
            id="never",
        ),
        pytest.param(
            InfiniumError("secret"),
            InfiniumError,
            "message",
            "another worker failed: InfiniumError",
            id="failed",
        ),
    ],
)
def test_an_error_is_the_same_for_the_sender(error, kind, attribute, value):
    """Whichever worker it comes from."""
    parsed = wire.parse_outcome(wire.describe_outcome(error))
    assert type(parsed) is kind
    assert getattr(parsed, attribute) == value


def test_a_response_that_is_damaged_is_no_success():
    """Only what is read as accepted was accepted."""
    assert wire.parse_outcome(wire.describe_outcome(None)) is None
    assert isinstance(wire.parse_outcome(b"\xff\n"), InfiniumError)


# -- links -----------------------------------------------------------------------------


@pytest.fixture
def path():
    with tempfile.TemporaryDirectory() as folder:
        yield f"{folder}/0.sock"


@contextmanager
def serving(accept, path):
    """A peer that accepts; it listens as long as the block runs."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(step):
        return asyncio.run_coroutine_threadsafe(step, loop).result(30)

    server = peer_server.PeerServer(accept, listener)
    server.run = run
    run(server.start())
    try:
        yield server
    finally:
        run(server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def forward(link, *numbers):
    return link.begin(records(*numbers)).finish()


def try_forward(link, *numbers):
    try:
        return forward(link, *numbers)
    except InfiniumError as error:
        return error


def test_a_worker_ends_while_others_are_connected(path, caplog):
    """Their connections are closed without a word in the log.

    Source: python/cpython#113538 (before 3.12.2 a cancelled connection is logged with a
    traceback).
    """
    with serving(list, path) as server:
        link = PeerLink(path)
        assert forward(link, 1) is None
        assert len(server._connections) == 1
    link.close()
    assert caplog.text == ""


def test_one_connection_serves_many_requests(path):
    """It is kept for the next; several threads use several."""
    got = []
    with serving(got.extend, path) as server:
        link = PeerLink(path)
        for number in range(1, 4):
            assert forward(link, number) is None
        assert len(server._connections) == 1
        with ThreadPoolExecutor(4) as threads:
            numbers = range(4, 40)
            assert not any(threads.map(lambda each: forward(link, each), numbers))
        assert len(server._connections) <= 4
        link.close()
        server.run(server.wait_until_quiet())
        assert not server._connections
    assert sorted(int(each.trace_id, 16) for each in got) == list(range(1, 40))


def test_a_connection_is_not_kept_after_the_end(path):
    """A request in progress finishes, then its connection closes too."""
    with serving(lambda _: None, path) as server:
        link = PeerLink(path)
        exchange = link.begin(records(1))
        link.close()
        assert exchange.finish() is None
        server.run(server.wait_until_quiet())


def test_a_worker_that_was_started_again_is_reached(path):
    """The kept connection is of the process before: one attempt more on a new one."""
    got = []
    link = PeerLink(path)
    with serving(got.extend, path):
        assert forward(link, 1) is None
    with serving(got.extend, path):
        assert forward(link, 2) is None
        assert forward(link, 3) is None
    link.close()
    assert len(got) == 3


def test_a_worker_that_is_away_makes_the_sender_wait(path):
    """429, and not an error that loses spans."""
    link = PeerLink(path)
    with pytest.raises(BusyError):
        link.begin(records(1))
    with serving(lambda _: None, path):
        assert forward(link, 1) is None
    assert isinstance(try_forward(link, 2), BusyError)
    assert isinstance(try_forward(link, 3), BusyError)


def test_a_worker_that_ends_with_a_request_makes_the_sender_wait(path):
    """Nobody knows whether it had accepted it: what comes twice is dropped there."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        exchange = PeerLink(path).begin(records(1))
        accepted, _ = listener.accept()
        accepted.close()
        assert isinstance(exchange.finish(), BusyError)


def test_a_silent_worker_holds_no_request_up(path):
    """Past the deadline the sender retries; the connection is not used again."""
    release = Event()
    with serving(lambda _: release.wait(30), path) as server:
        link = PeerLink(path, deadline_s=0.2)
        assert isinstance(forward(link, 1), BusyError)
        release.set()
        wait_until(lambda: not server._connections)
        slow = PeerLink(path, deadline_s=0.0)
        with pytest.raises(BusyError):
            slow.begin(records(1))


def test_a_full_socket_holds_no_request_up(path):
    """A worker that does not even read: the same."""
    large = [replace(BARE, name="x" * 4_000_000)]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        with pytest.raises(BusyError):
            PeerLink(path, deadline_s=0.2).begin(large)


def test_a_worker_that_ends_again_and_again_makes_the_sender_wait(path):
    """The kept connection was broken, and so is the new one: no third attempt."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(4)
        link = PeerLink(path)
        exchange = link.begin(records(1))
        first, _ = listener.accept()
        first.sendall(wire.describe_outcome(None))
        assert exchange.finish() is None
        exchange = link.begin(records(2))
        first.close()
        Path(path).unlink()
        assert isinstance(exchange.finish(), BusyError)
        link.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(BusyError(2), BusyError, id="busy"),
        pytest.param(DecodingError("no", status_code=413), DecodingError, id="never"),
        pytest.param(InfiniumError("no"), InfiniumError, id="failed"),
        pytest.param(KeyError("bug"), InfiniumError, id="unforeseen"),
    ],
)
def test_what_a_worker_does_not_accept_is_reported(error, kind, path, caplog):
    """An unforeseen error is logged where it happened."""

    def refuse(_):
        raise error

    with serving(refuse, path):
        link = PeerLink(path)
        assert type(forward(link, 1)) is kind
        link.close()
    assert ("could not be processed" in caplog.text) == isinstance(error, KeyError)


def test_a_frame_has_a_limit(path, monkeypatch):
    """The sender gets 413; a peer that ignores it is disconnected."""
    monkeypatch.setattr(wire, "MAX_FRAME_BYTES", 100)
    with pytest.raises(DecodingError, match="smaller batches"):
        wire.encode_records(records(1))
    with serving(lambda _: None, path):
        connection = socket.socket(socket.AF_UNIX)
        with connection:
            connection.connect(path)
            connection.sendall(wire.LENGTH.pack(peer_server.MAX_FRAME_BYTES + 1))
            assert connection.recv(1) == b""


def test_frames_wait_while_others_fill_the_memory(path, monkeypatch):
    """They are read once there is room, and none is lost."""
    monkeypatch.setattr(
        peer_server, "MAX_HELD_BYTES", len(wire.encode_records(records(1))) + 10
    )
    got = []
    with serving(got.extend, path):
        link = PeerLink(path)
        with ThreadPoolExecutor(8) as threads:
            numbers = range(1, 30)
            assert not any(threads.map(lambda each: forward(link, each), numbers))
        link.close()
    assert len(got) == 29


# -- sharding --------------------------------------------------------------------------


def test_a_trace_belongs_to_the_same_worker_for_ever():
    """After a restart, and in every process: these values must not change."""
    assert [find_owner(f"{n:032x}", 4) for n in range(1, 9)] == [2, 0, 2, 1, 3, 1, 3, 2]
    counts = [0] * 4
    for number in range(4000):
        counts[find_owner(f"{number << 96:032x}", 4)] += (
            1  # X-Ray: the time comes first
        )
    assert all(800 < count < 1200 for count in counts), counts


def test_a_request_is_divided_without_loss():
    """Every record once, in order, all of a trace in one part."""
    given = [*records(*range(1, 50)), LOG, *records(*range(1, 50))]
    parts = split(given, 3)
    divided = [id(each) for part in parts.values() for each in part]
    assert sorted(divided) == sorted(map(id, given))
    for owner, part in parts.items():
        assert {find_owner(each.trace_id, 3) for each in part} == {owner}
        positions = [given.index(each) for each in part if each is not LOG]
        assert len(positions) == len(part) - (LOG in part)


NEVER = DecodingError("never", status_code=413)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        pytest.param([None, None], None, id="all-accepted"),
        pytest.param([None, BusyError(1), BusyError(4)], BusyError, id="longest-wait"),
        pytest.param([NEVER, BusyError(4)], BusyError, id="retry-before-giving-up"),
        pytest.param([NEVER, InfiniumError("x")], InfiniumError, id="failed"),
        pytest.param([NEVER, None], DecodingError, id="never"),
    ],
)
def test_the_error_that_decides(errors, expected):
    """A sender that may retry any part must retry the request."""
    if expected is None:
        raise_worst(errors)
        return
    with pytest.raises(expected) as raised:
        raise_worst(errors)
    assert type(raised.value) is expected
    if expected is BusyError:
        assert raised.value.retry_after == 4


def test_each_worker_gets_its_part(path):
    """Its own at once, the other's over the link; all or the sender retries."""
    other = find_owner(records(1)[0].trace_id, 2)
    here, there, counters = [], [], ForwardCounters()
    with serving(there.extend, path):
        link = PeerLink(path)
        sink = ShardedSink(here.extend, 1 - other, {other: link}, counters)
        sink.accept(records(*range(1, 21)))
        link.close()
    assert {find_owner(each.trace_id, 2) for each in there} == {other}
    assert len(here) + len(there) == 20
    assert counters == ForwardCounters(forwarded=len(there))
    Path(path).unlink(missing_ok=True)
    with pytest.raises(BusyError):
        sink.accept(records(*range(1, 21)))
    assert counters.not_forwarded == 1


def test_a_busy_worker_makes_the_sender_wait(path):
    """Though the others have accepted their parts."""
    other = find_owner(records(1)[0].trace_id, 2)
    got = []

    def refuse(_):
        raise BusyError(2)

    with serving(got.extend, path):
        link = PeerLink(path)
        sink = ShardedSink(refuse, 1 - other, {other: link}, ForwardCounters())
        with pytest.raises(BusyError):
            sink.accept(records(*range(1, 21)))
        link.close()
    assert got
