"""What a recorded run consists of, to let it happen again: answers and tools' results."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pytest

    from infinium_otel.testing.scripted_model import ScriptedModel
    from infinium_otel.testing.scripted_tools import ScriptedTools


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool that the model requested.

    Args:
        name: the tool's name.
        arguments: a JSON object; {} if they were not recorded.
        id: what ties the request to the tool's response; None: one is made.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer to one request.

    Args:
        text: the text; None for an answer of tool requests only.
        tools: the tools that it requests.
        input: the newest message of the request, or its beginning, by which requests that
            are made at the same time are distinguished; None if it is not known.
        model: the model that responds; None: the one that is requested.
        tokens: of the prompt and of the completion.
        status: an HTTP status of 400 or more if the request failed.
        error: the message of that failure.
    """

    text: str | None = None
    tools: Sequence[ToolRequest] = ()
    input: str | None = None
    model: str | None = None
    tokens: tuple[int, int] = (0, 0)
    status: int = 200
    error: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool returned to one call.

    Args:
        name: the tool's name.
        arguments: those it was called with; None if they were not recorded.
        result: what it returned: JSON or a text.
        error: the type and the message of what it raised; None if it did not.
    """

    name: str
    arguments: Mapping[str, Any] | None = None
    result: Any = None
    error: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A recorded run, as `infinium-otel replay` writes it.

    Args:
        question: what the agent is given.
        answers: of the model, in the order of the requests.
        results: of the tools, in the order of their calls.
    """

    question: str
    answers: Sequence[Answer] = ()
    results: Sequence[ToolResult] = ()

    @contextmanager
    def play(
        self, monkeypatch: pytest.MonkeyPatch, tools: Mapping[str, str] | None = None
    ) -> Iterator[Replay]:
        """Serve the answers, and let the tools return their results, for a `with` block.

        The clients of OpenAI and Anthropic find the server by the environment.

        Args:
            monkeypatch: the fixture, which undoes everything.
            tools: where the function of each tool is, see `ScriptedTools.replace`.
        """
        from infinium_otel.testing.scripted_model import (  # noqa: PLC0415 - cycle
            ScriptedModel,
        )
        from infinium_otel.testing.scripted_tools import (  # noqa: PLC0415 - cycle
            ScriptedTools,
        )

        scripted = ScriptedTools(self.results)
        scripted.replace(monkeypatch, tools or {})
        with ScriptedModel(self.answers) as model:
            for name, value in model.environment.items():
                monkeypatch.setenv(name, value)
            yield Replay(self, model, scripted)


@dataclass(frozen=True, slots=True)
class Replay:
    """A run that happens again.

    Args:
        script: what was recorded.
        model: the server of the answers.
        tools: the results of the tools.
    """

    script: Script
    model: ScriptedModel
    tools: ScriptedTools

    def call(self, agent: Callable[[str], Any]) -> Any:
        """Call *agent* with the recorded question; awaits a coroutine."""
        found = agent(self.script.question)
        return asyncio.run(_await(found)) if inspect.isawaitable(found) else found

    def check_complete(self) -> None:
        """Check that each answer and each tool's result was used, and nothing more requested.

        Raises:
            AssertionError: names what was not used, and what the script did not have.
        """
        __tracebackhide__ = True
        problems = [*self.model.find_problems(), *self.tools.find_problems()]
        if problems:
            raise AssertionError("not as recorded: " + "; ".join(problems))

    def check_questions(self) -> None:
        """Check that the newest message of each request is the recorded one.

        Raises:
            AssertionError: names the first that is not, as it was and as it is.
        """
        __tracebackhide__ = True
        for newest, recorded in self.model.changed:
            raise AssertionError(
                f"the model's input is {newest!r}, but the recorded one {recorded!r}"
            )


async def _await(found: Any) -> Any:
    return await found
