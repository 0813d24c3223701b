"""`register(flush_on_sigterm=True)`, in processes that receive the signal."""

from __future__ import annotations

import signal

import pytest

from infinium_otel.testing import Fault
from support.programs import run, start


class TestSigterm:
    """With `flush_on_sigterm=True` what has ended is delivered before the end."""

    @pytest.mark.parametrize(
        ("earlier", "code"),
        [
            pytest.param("", -signal.SIGTERM, id="default"),
            pytest.param(
                "signal.signal(signal.SIGTERM, lambda *_: os._exit(3))", 3, id="chained"
            ),
        ],
    )
    def test_runs_are_delivered(self, fake, earlier, code):
        """The process ends as it would without us."""
        program = f"""
        {earlier}
        p = register(flush_on_sigterm=True)
        register(flush_on_sigterm=True)
        run_agent(p.get_tracer("t"))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
        """
        assert run(fake, program) == (code, "", "")
        assert len(fake.tasks) == 1

    def test_an_ignored_signal_stays_ignored(self, fake):
        """The flush is all that happens."""
        program = """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        p = register(flush_on_sigterm=True)
        run_agent(p.get_tracer("t"))
        os.kill(os.getpid(), signal.SIGTERM)
        say("alive")
        """
        assert run(fake, program) == (0, "alive\n", "")
        assert len(fake.tasks) == 1

    @pytest.mark.parametrize("ending", ["p.force_flush()", ""], ids=["flush", "exit"])
    def test_our_own_work_is_finished_first(self, fake, ending):
        """A signal that interrupts a delivery in the main thread cuts nothing off."""
        fake.always(Fault(delay_s=0.5))
        program = f"""
        p = register(flush_on_sigterm=True)
        for _ in range(3):
            run_agent(p.get_tracer("t"))
        say("ready")
        {ending}
        """
        # Not measured: coverage handles the signal too, also while it saves at the exit.
        with start(fake, program, COVERAGE_PROCESS_CONFIG="") as child:
            assert child.stdout.readline() == "ready\n"
            assert fake.wait_for(lambda _: fake.requests)
            child.send_signal(signal.SIGTERM)
            _, complaints = child.communicate(timeout=30)
        assert complaints == ""
        assert child.returncode in (0, -signal.SIGTERM)
        assert len(fake.tasks) == 3

    def test_our_own_work_has_a_limit(self, fake):
        """A delivery that does not end holds the signal up for five seconds."""
        fake.always(Fault(breaks="hang"))
        program = """
        p = register(flush_on_sigterm=True)
        run_agent(p.get_tracer("t"))
        say("ready")
        p.force_flush(60_000)
        """
        with start(fake, program) as child:
            assert child.stdout.readline() == "ready\n"
            assert fake.wait_for(lambda _: fake.requests)
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=30) == -signal.SIGTERM

    def test_another_thread_cannot(self, fake):
        """Only the main thread can handle signals: one warning, no failure."""
        program = """
        before = signal.getsignal(signal.SIGTERM)
        thread = threading.Thread(target=lambda: register(flush_on_sigterm=True))
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGTERM) == before
        """
        code, _, complaints = run(fake, program)
        assert code == 0
        assert complaints.startswith("flush_on_sigterm has no effect")
