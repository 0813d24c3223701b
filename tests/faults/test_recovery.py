"""What the next process finds: partly delivered tasks, damaged files, another time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infinium_otel.testing import FakeInfinium, Fault
from support.programs import WAIT_S, accounted, processing, run, run_agent, start

KILLED_AFTER_THE_ANSWER = """
from infinium_otel import InfiniumClient
class Client(InfiniumClient):
    def send_task_data(self, task_data, *, idempotency_key=None):
        super().send_task_data(task_data, idempotency_key=idempotency_key)
        os.kill(os.getpid(), signal.SIGKILL)
p, t = provider_of({shape}(InfiniumSpan{kind}(client=Client())))
run_agent(t)
p.force_flush()
"""


@pytest.mark.parametrize(
    ("shape", "kind"), [("", "Processor"), ("SimpleSpanProcessor", "Exporter")]
)
def test_killed_before_the_response_was_stored(fake, spool, shape, kind):
    """The task is sent again under the same key: no loss and no duplicate."""
    program = KILLED_AFTER_THE_ANSWER.format(shape=shape, kind=kind)
    code, _, _ = run(fake, program, INFINIUM_OTEL_SPOOL=spool)
    assert code == -9
    assert len(fake.tasks) == 1
    with processing(fake, spool=spool) as (_, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for(lambda server: len(server.requests) == 2, WAIT_S)
    assert len(fake.tasks) == 1
    assert len({request.key for request in fake.requests}) == 1


LEAVES_A_RUN = """
p, t = provider_of(InfiniumSpanProcessor())
{work}
p.force_flush(20_000)
os._exit(0)
"""
A_RUN = 'run_agent(t, "left")'
A_SPAN = """
root = t.start_span("open", attributes=AGENT)
with trace.use_span(root):
    t.start_span("ended", attributes=AGENT).end()
"""


def journal_of(spool):
    """The journal file beside *spool*."""
    (file,) = Path(f"{spool}.journal").iterdir()
    return file


def garbled(path):
    """All bytes are changed."""
    path.write_bytes(b"\x00garbage\xff" * 1_000)


def torn(path):
    """The end is cut off."""
    path.write_bytes(path.read_bytes()[:-40])


def emptied(path):
    """The file is empty."""
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [garbled, emptied])
def test_a_damaged_spool(fake, spool, caplog, damage):
    """It is moved aside, logged and replaced; start-up never fails."""
    fake.close()
    run(fake, LEAVES_A_RUN.format(work=A_RUN), INFINIUM_OTEL_SPOOL=spool)
    path = Path(spool)
    for file in path.parent.glob(f"{path.name}-*"):
        file.unlink()
    damage(path)
    fake.start()
    with processing(fake, spool=spool) as (processor, provider, tracer):
        run_agent(tracer, "new")
        assert provider.force_flush(60_000)
        assert processor.stats.delivered == 3
        assert accounted(processor.stats)
    assert len(fake.tasks) == 1
    aside = list(path.parent.glob(f"{path.name}.damaged-*"))
    assert len(aside) == ("damaged" in caplog.text) == (damage is garbled)


@pytest.mark.parametrize(
    ("damage", "recovered"), [(garbled, 0), (torn, 0), (emptied, 0), (None, 1)]
)
def test_a_damaged_journal(fake, spool, damage, recovered):
    """Damaged records are skipped; everything else continues."""
    fake.close()
    run(fake, LEAVES_A_RUN.format(work=A_SPAN), INFINIUM_OTEL_SPOOL=spool)
    if damage:
        damage(journal_of(spool))
    fake.start()
    with processing(fake, spool=spool) as (processor, provider, tracer):
        run_agent(tracer, "new")
        assert provider.force_flush(60_000)
        assert processor.stats.delivered == 3 + recovered
        assert accounted(processor.stats)
    assert len(fake.tasks) == 1 + recovered


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_foreign_files_in_the_journal_directory(fake, spool, tmp_path, kind):
    """A link or a pipe in the journal's directory is ignored."""
    folder = Path(f"{spool}.journal")
    folder.mkdir(parents=True, mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    planted = folder / "x.journal"
    planted.symlink_to(victim) if kind == "link" else os.mkfifo(planted)
    with processing(fake, spool=spool) as (processor, provider, tracer):
        run_agent(tracer)
        assert provider.force_flush(60_000)
        assert processor.stats.delivered == 3
    assert victim.read_text() == "theirs"


SHIFTED = """
import time
shift_s = 0
real = time.time
time.time = lambda: real() + shift_s
"""


@pytest.mark.parametrize("shift_s", [-3_600, 3_600], ids=["back", "forth"])
@pytest.mark.parametrize("kept", ["memory", "spool"])
def test_the_clock_is_set(fake, spool, shift_s, kept):
    """A change of an hour during an outage neither loses nor delays runs."""
    fake.script(Fault.unavailable(retry_after=1))
    program = f"""
    p, t = provider_of(InfiniumSpanProcessor())
    run_agent(t, "before")
    say("ready")
    sys.stdin.readline()
    time.sleep(0.2)  # until the response was read, too
    shift_s = {shift_s}
    run_agent(t, "after")
    sys.stdin.readline()
    p.shutdown()
    """
    more = {"INFINIUM_OTEL_SPOOL": spool} if kept == "spool" else {}
    with start(fake, program, first=SHIFTED, **more) as child:
        assert child.stdout.readline() == "ready\n"
        assert fake.wait_for(lambda server: server.requests, WAIT_S)
        child.stdin.write("\n")
        child.stdin.flush()
        assert fake.wait_for_tasks(2, 60)
        child.communicate("\n", timeout=WAIT_S)
    assert child.returncode == 0
    assert len(fake.keys) == len(set(fake.keys)) == 2


def test_another_endpoint_after_a_restart(fake, spool):
    """Spooled runs go to the next process's endpoint."""
    fake.close()
    run(fake, LEAVES_A_RUN.format(work=A_RUN), INFINIUM_OTEL_SPOOL=spool)
    with (
        FakeInfinium() as elsewhere,
        processing(elsewhere, spool=spool) as (_, provider, _),
    ):
        assert provider.force_flush(60_000)
        assert elsewhere.wait_for_tasks(1, WAIT_S)
