"""`register()` and `FakeInfinium` in one, for the time of a test."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from infinium_otel.exporter import _providers as providers
from infinium_otel.exporter._handle import forcing
from infinium_otel.exporter.registration import register
from infinium_otel.testing.fake import FakeInfinium
from infinium_otel.testing.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace import TracerProvider

FLUSH_S = 10.0
"""Seconds that reading the runs may wait for their delivery."""
CLOSE_S = 1.0
"""Seconds that the end of a recording may take to deliver what nobody read."""
FAST = {"requests_per_second": 10_000.0, "burst": 10_000}
UNSET = ("OTEL_SDK_DISABLED", "INFINIUM_OTEL_SPOOL")
"""Variables that would keep the SDK from recording, or keep runs between two tests."""


class RecordedRuns:
    """The runs of this process since the recording began.

    Args:
        fake: what receives the runs; use it to make deliveries fail.
        provider: the tracer provider whose spans are recorded.
    """

    def __init__(self, fake: FakeInfinium, provider: TracerProvider) -> None:
        self.fake = fake
        self.provider = provider
        self._hidden = 0

    @property
    def runs(self) -> list[Run]:
        """Every run, in the order of their ends; delivers first what has ended.

        A run that is not over yet is delivered in part, so read them afterwards.
        """
        for attachment in list(providers.attachments):
            attachment.handle.force_flush(FLUSH_S * 1000)
        return [Run(task) for task in self.fake.tasks[self._hidden :]]

    def run(self, name: str | None = None) -> Run:
        """The only run, or the only one with this name or of this agent.

        Raises:
            AssertionError: there is none, or there are several; lists them all.
        """
        __tracebackhide__ = True
        runs = self.runs
        found = [run for run in runs if name is None or name in run.names]
        if len(found) == 1:
            return found[0]
        what = f"run of {name!r}" if name else "run"
        if not runs:
            raise AssertionError(f"no {what}: {self._explain_none()}")
        count = f"{len(found)} runs, not one {what}" if found else f"no {what}"
        trees = "\n\n".join(run.tree() for run in found or runs)
        raise AssertionError(f"{count}\n\n{trees}")

    def clear(self) -> None:
        """Forget the runs so far."""
        self._hidden += len(self.runs)

    def tree(self) -> str:
        """All runs as text trees, a blank line between them."""
        return "\n\n".join(run.tree() for run in self.runs)

    def _explain_none(self) -> str:
        """Why no run arrived, as far as the counters show."""
        # The processors of spans and of logs share their counters.
        stats = {s.received: s for s in (a.handle.stats for a in providers.attachments)}
        received = sum(stats)
        filtered = sum(each.filtered for each in stats.values())
        if filtered:
            return (
                f"spans recorded: {received}, but none of a model, tool or agent; "
                "include='all' makes runs of such spans too"
            )
        if received:
            refused = sum(each.refused for each in stats.values())
            return f"spans recorded: {received}, refused: {refused}"
        return (
            "no span was recorded: is the library instrumented (instrument=True "
            "activates installed instrumentors), and does it use this provider?"
        )


@contextmanager
def record_runs(**settings: Any) -> Iterator[RecordedRuns]:
    """Record the runs of this process: `register()` with a local endpoint, then undo it.

    The global tracer provider is extended, or created if there is none. Whatever the
    program itself passes to `register()` or to our classes meanwhile, nothing is sent to
    another endpoint than the local one.

    Args:
        settings: arguments of `register()`, such as `instrument=True`.
    """
    with ExitStack() as stack:
        stack.callback(_restore_environ, dict(os.environ))
        fake = stack.enter_context(FakeInfinium())
        _change_environ(fake)
        stack.enter_context(forcing({**fake.settings, "spool": None}))
        stack.enter_context(providers.restoring(CLOSE_S))
        provider = register(**{**FAST, **settings, "enabled": True})
        yield RecordedRuns(fake, provider)


def _change_environ(fake: FakeInfinium) -> None:
    """Let clients that are configured by the environment find the fake."""
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ["INFINIUM_AGENT_ID"] = fake.agent_id
    os.environ["INFINIUM_AGENT_SECRET"] = fake.agent_secret
    os.environ["INFINIUM_BASE_URL"] = fake.base_url


def _restore_environ(earlier: Mapping[str, str]) -> None:
    """Undo our own changes only: a fixture may have made others meanwhile."""
    for name in (
        *UNSET,
        "INFINIUM_AGENT_ID",
        "INFINIUM_AGENT_SECRET",
        "INFINIUM_BASE_URL",
    ):
        if name in earlier:
            os.environ[name] = earlier[name]
        else:
            os.environ.pop(name, None)
