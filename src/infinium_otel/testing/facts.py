"""The tool calls and errors of a recorded run, and how arguments are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads
from infinium_otel.taskdata.tree_text import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

CUT = "..."
"""How the text of a task ends that was cut."""
SHOWN = 100
"""Characters of an argument that a message shows."""
WRAPPERS = ("kwargs", "input", "arguments", "args")
"""Members in which some instrumentations put the arguments of a tool."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool.

    Args:
        name: the tool's name.
        arguments: as recorded: usually a dict; text if it is not JSON, None if unknown.
        is_cut: the recorded arguments are longer than a task may contain: of the last
            one there is only the beginning, and those after it are missing.
        output: the beginning of its result; "" if unknown.
        error: of what it raised; None if it did not fail.
    """

    name: str
    arguments: Any
    is_cut: bool
    output: str
    error: RunError | None


@dataclass(frozen=True, slots=True)
class RunError:
    """One failure of a run.

    Args:
        type: the exception's class or the provider's code.
        message: its text.
        recovered: whether the run went on after it.
    """

    type: str
    message: str
    recovered: bool


def to_tool_use(step: Mapping[str, Any]) -> ToolUse:
    """The tool call of a task's step that has one."""
    call = step["tool_call"]
    text = call.get("input_summary")
    error = step.get("error") or call.get("error")
    return ToolUse(
        name=str(call.get("tool_name", "")),
        arguments=loads(text.removesuffix(CUT)) if text else None,
        is_cut=bool(text) and text.endswith(CUT),
        output=str(call.get("output_summary") or ""),
        error=to_error(error) if error else None,
    )


def to_error(error: Mapping[str, Any]) -> RunError:
    """An error of a task."""
    return RunError(
        str(error.get("error_type", "")),
        str(error.get("message", "")),
        error.get("recoverable") is True,
    )


def has_arguments(found: Any, expected: Mapping[str, Any]) -> bool:
    """Whether all *expected* arguments are among those *found*."""
    if not expected:
        return True
    if not isinstance(found, Mapping):
        return False
    if all(k in found and _matches(found[k], v) for k, v in expected.items()):
        return True
    inner = [loads(found[name]) for name in WRAPPERS if name in found]
    return any(has_arguments(each, expected) for each in inner)


def _matches(found: Any, expected: Any) -> bool:
    if isinstance(expected, re.Pattern):
        return isinstance(found, str) and expected.search(found) is not None
    if isinstance(expected, tuple):
        expected = list(expected)  # as JSON has it
    return bool(expected == found)


def describe_tool_use(tool: str, arguments: Mapping[str, Any]) -> str:
    """A tool with its arguments as in Python, such as `get_weather(city='Paris')`."""
    shown = (f"{name}={cut(repr(value), SHOWN)}" for name, value in arguments.items())
    return f"{tool}({', '.join(shown)})"


def describe_tool_uses(uses: Sequence[ToolUse], tool: str) -> str:
    """What was called instead of *tool*, and why an argument may not be found."""
    same = [use for use in uses if use.name == tool]
    if not same:
        called = ", ".join(dict.fromkeys(use.name for use in uses))
        return f"it called {called or 'no tool'}"
    text = "it called " + ", ".join(map(_describe, same))
    if any(use.is_cut for use in same):
        text += " (a task has only the beginning of long arguments)"
    return text


def _describe(use: ToolUse) -> str:
    if isinstance(use.arguments, Mapping):
        return describe_tool_use(use.name, use.arguments)
    if use.arguments is None:
        return f"{use.name}(arguments not recorded)"
    return f"{use.name}({cut(repr(use.arguments), SHOWN)})"
