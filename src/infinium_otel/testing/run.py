"""One recorded run: its facts, its tree, and assertions whose failure shows the tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from infinium_otel.taskdata.tree_text import TreeOptions, draw_tree, to_plain_text
from infinium_otel.testing.facts import (
    describe_tool_use,
    describe_tool_uses,
    has_arguments,
    to_error,
    to_tool_use,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.testing.facts import RunError, ToolUse

AGENT_TAG = "gen_ai.agent.name"


class Run:
    """One run as Infinium receives it.

    The methods that check something raise AssertionError with the run as a tree, and
    return the run, so that they can be chained. Unknown numbers are None, never zero.

    Args:
        task: the JSON object of the task.
    """

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.task = task

    def __repr__(self) -> str:
        counts = f"steps: {len(self.steps)}, errors: {len(self.errors)}"
        return f"<Run {self.name!r}: {counts}>"

    @property
    def name(self) -> str:
        """The name of the task."""
        return str(self.task.get("name", ""))

    @property
    def names(self) -> frozenset[str]:
        """What the run can be found by: its name, and the names of its agents."""
        tags = self.tags
        agents = {step.get("metadata", {}).get(AGENT_TAG) for step in self.steps}
        found = {
            self.name,
            tags.get(AGENT_TAG),
            tags.get("otel.root_span_name"),
            *agents,
        }
        return frozenset(each for each in found if isinstance(each, str) and each)

    @property
    def tags(self) -> dict[str, str]:
        """The custom tags: ids of the trace, the session and the user, and others."""
        return dict(self.task.get("environment", {}).get("custom_tags") or {})

    @property
    def input(self) -> str:
        """The beginning of the question; "" if unknown."""
        return str(self.task.get("input_summary") or "")

    @property
    def output(self) -> str:
        """The beginning of the answer; "" if unknown."""
        return str(self.task.get("output_summary") or "")

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return float(self.task["duration"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps in order, as the JSON objects of the task."""
        return list(self.task.get("steps") or ())

    @property
    def tool_uses(self) -> list[ToolUse]:
        """Every call of a tool, in order."""
        return [to_tool_use(step) for step in self.steps if step.get("tool_call")]

    @property
    def models(self) -> list[str]:
        """The model of each model call, in order."""
        calls = [step["llm_call"] for step in self.steps if step.get("llm_call")]
        return [str(call["model"]) for call in calls]

    @property
    def errors(self) -> list[RunError]:
        """Every failure, also of those the run recovered from."""
        return [to_error(error) for error in self.task.get("errors") or ()]

    @property
    def tokens(self) -> int | None:
        """Tokens in total, in and out; None if no model call reports any."""
        known = [each for each in (self.input_tokens, self.output_tokens) if each]
        total = self._usage.get("total_tokens")
        return sum(known) if total is None and known else total

    @property
    def input_tokens(self) -> int | None:
        """Tokens of all prompts; None if unknown."""
        return self._usage.get("prompt_tokens")

    @property
    def output_tokens(self) -> int | None:
        """Tokens of all completions; None if unknown."""
        return self._usage.get("completion_tokens")

    @property
    def cost(self) -> float | None:
        """US dollars; None if a price is unknown, as without the extra `cost`."""
        return self._usage.get("estimated_cost_usd")

    @property
    def _usage(self) -> dict[str, Any]:
        return self.task.get("llm_usage") or {}

    def tree(  # noqa: PLR0913 - each is a switch of its own
        self,
        *,
        times: bool = False,
        cost: bool = False,
        ids: bool = False,
        texts: bool = True,
        in_order: bool = True,
        width: int = 100,
    ) -> str:
        """The run as text, the same for every run that does the same.

        Args:
            times: add when it began, and how long it and each step took.
            cost: add the cost, which changes with the prices known.
            ids: add the ids of the trace and of the spans.
            texts: False leaves out inputs, outputs and arguments.
            in_order: False sorts neighbouring tool calls, for agents that call several
                at the same time.
            width: characters of a line; longer lines are cut.
        """
        options = TreeOptions(times, cost, ids, texts, in_order, width)
        return to_plain_text(draw_tree(self.task, options))

    def called(self, tool: str, /, **arguments: Any) -> Run:
        """Check that a tool was called, with at least these arguments.

        Args:
            tool: its name.
            arguments: compared by `==`; a compiled pattern is searched for.
        """
        __tracebackhide__ = True
        if not self._find_uses(tool, arguments):
            self._fail(
                f"did not call {describe_tool_use(tool, arguments)}; {describe_tool_uses(self.tool_uses, tool)}"
            )
        return self

    def not_called(self, tool: str, /, **arguments: Any) -> Run:
        """Check that a tool was not called, or not with these arguments."""
        __tracebackhide__ = True
        if self._find_uses(tool, arguments):
            self._fail(f"called {describe_tool_use(tool, arguments)}")
        return self

    def called_times(self, count: int, tool: str, /, **arguments: Any) -> Run:
        """Check that a tool was called exactly *count* times."""
        __tracebackhide__ = True
        found = len(self._find_uses(tool, arguments))
        if found != count:
            what = describe_tool_use(tool, arguments)
            self._fail(
                f"called {what} {found} times, not {count}; {describe_tool_uses(self.tool_uses, tool)}"
            )
        return self

    def called_in_order(self, *tools: str) -> Run:
        """Check that the tools were called one after the other; others may be between."""
        __tracebackhide__ = True
        names = [use.name for use in self.tool_uses]
        remaining = iter(names)
        for tool in tools:
            if tool not in remaining:
                self._fail(f"did not call {', '.join(tools)} in this order: {names}")
        return self

    def used_model(self, model: str) -> Run:
        """Check that a model was called; its name may go on after a hyphen or an @."""
        __tracebackhide__ = True
        if not any(re.match(re.escape(model) + "($|[-@:])", m) for m in self.models):
            self._fail(f"did not use {model}; it used {self.models or 'no model'}")
        return self

    def output_contains(self, text: str | re.Pattern[str]) -> Run:
        """Check that the answer contains *text*, or that a pattern is found in it."""
        __tracebackhide__ = True
        pattern = re.escape(text) if isinstance(text, str) else text
        if not re.search(pattern, self.output):
            shown = text if isinstance(text, str) else text.pattern
            self._fail(f"has no {shown!r} in its output: {self.output!r}")
        return self

    def succeeded(self) -> Run:
        """Check that the run had no error, except those it recovered from."""
        __tracebackhide__ = True
        if fatal := [error for error in self.errors if not error.recovered]:
            self._fail(f"failed: {fatal[0].type}: {fatal[0].message}")
        return self

    def failed_with(self, error_type: str, message: str = "") -> Run:
        """Check that there was an error of this type, with *message* in its text."""
        __tracebackhide__ = True
        name = error_type.rpartition(".")[2]
        same = [each for each in self.errors if each.type.rpartition(".")[2] == name]
        if not any(message in error.message for error in same):
            what = f"{error_type}: {message}" if message else error_type
            self._fail(f"did not fail with {what}; its errors: {self.errors or 'none'}")
        return self

    def within(
        self,
        *,
        tokens: float | None = None,
        cost: float | None = None,
        steps: int | None = None,
        seconds: float | None = None,
    ) -> Run:
        """Check that the run used no more than this.

        Args:
            tokens: in total. A run that reports none fails.
            cost: US dollars. A run whose cost is unknown fails.
            steps: of any kind.
            seconds: from start to end.
        """
        __tracebackhide__ = True
        limits = {
            "tokens": (self.tokens, tokens),
            "cost": (self.cost, cost),
            "steps": (len(self.steps), steps),
            "seconds": (self.duration_s, seconds),
        }
        for name, (used, limit) in limits.items():
            if limit is not None and used is None:
                self._fail(f"has no known {name}, so it is not within {limit}")
            # not `>`: no run is within a limit that is no number
            if limit is not None and used is not None and not used <= limit:
                self._fail(f"is not within {limit:g} {name}: {used:g}")
        return self

    def _find_uses(self, tool: str, arguments: Mapping[str, Any]) -> list[ToolUse]:
        uses = [use for use in self.tool_uses if use.name == tool]
        return [use for use in uses if has_arguments(use.arguments, arguments)]

    def _fail(self, reason: str) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(f"{self.name} {reason}\n\n{self.tree()}")
