"""A script as the source of a pytest file."""

from __future__ import annotations

import keyword
from datetime import datetime, timezone
from textwrap import fill
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.replay.python_source import (
    IDENTIFIER,
    WIDTH,
    CallSource,
    to_comment,
    to_identifier,
    to_source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.apps.replay.scripting import (
        RunScript,
        ScriptedAnswer,
        ScriptedResult,
    )

CALLED = "run_agent"
"""What the agent's function is called in the test."""
MAX_CHECKS = 20
MAX_ARGUMENT = 200
"""Characters of an argument that is checked; in a run's task long ones are cut."""
MAX_OUTPUT = 60

HEAD = '''\
"""{title}

Written by `infinium-otel replay` from a run{when}. The model's answers come from a
local server and the tools return what was recorded: no network, no key, no account.
{notes}
YOURS marks what you may have to change.
"""

# ruff: noqa: E501 - texts as they were recorded

import pytest

from infinium_otel.testing import {names}

# YOURS: the function that runs your agent, given the question.
from {module} import {imported}

'''
TOOLS_COMMENT = """\
# YOURS: where the function of each tool is, as "module.function", or as
# "module.TABLE[name]" for a dict of functions. It is replaced during the test.
"""


def write_test(
    script: RunScript, name: str, ended_ns: int, agent: str, *, strict: bool
) -> str:
    """The source of the test.

    Args:
        script: of the run.
        name: of the run.
        ended_ns: when it ended, ns since the epoch.
        agent: the function to import: `module:function`.
        strict: also check that each request's newest message is the recorded one.
    """
    module, _, function = agent.partition(":")
    names = ["Answer", "Script"] if script.answers else ["Script"]
    names += ["ToolRequest"] if any(a.tools for a in script.answers) else []
    names += ["ToolResult"] if script.results else []
    head = HEAD.format(
        title=f"The run {to_comment(name, 60)} again.",
        when=_describe_time(ended_ns),
        notes=_describe_notes(script.notes),
        names=", ".join(names),
        module=module,
        imported=function if function == CALLED else f"{function} as {CALLED}",
    )
    tools = list(dict.fromkeys(result.name for result in script.results))
    parts = [head, *([_write_tools(tools, module)] if tools else [])]
    parts.append(f"SCRIPT = {to_source(_to_script(script), len('SCRIPT = '))}\n\n\n")
    parts.append(_write_function(script, name, tools, strict=strict))
    return "".join(parts)


def _describe_time(ended_ns: int) -> str:
    try:
        ended = datetime.fromtimestamp(ended_ns // 1_000_000_000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return f" of {ended:%Y-%m-%d}"


def _describe_notes(notes: list[str]) -> str:
    if not notes:
        return ""
    lines = (fill(f"Note: {to_comment(note)}.", WIDTH) for note in notes)
    return "".join(f"\n{each}" for each in lines) + "\n"


def _write_tools(tools: list[str], module: str) -> str:
    places = {tool: f"{module}.{tool}" for tool in tools}
    return f"{TOOLS_COMMENT}TOOLS = {to_source(places, len('TOOLS = '))}\n\n"


def _to_script(script: RunScript) -> CallSource:
    arguments: dict[str, Any] = {"question": script.question}
    if script.answers:
        arguments["answers"] = [_to_answer(answer) for answer in script.answers]
    if script.results:
        arguments["results"] = [_to_result(result) for result in script.results]
    return CallSource("Script", (), arguments)


def _to_answer(answer: ScriptedAnswer) -> CallSource:
    tools = [
        CallSource("ToolRequest", _to_request_arguments(name, arguments, call_id))
        for name, arguments, call_id in answer.tools
    ]
    arguments: dict[str, Any] = {
        "tools": tools,
        "input": answer.input,
        "model": answer.model,
        "tokens": CallSource("", answer.tokens) if any(answer.tokens) else None,
        "status": answer.status if answer.status != 200 else None,
        "error": answer.error or None,
    }
    given = {k: v for k, v in arguments.items() if v not in (None, [])}
    return CallSource("Answer", () if answer.text is None else (answer.text,), given)


def _to_request_arguments(
    name: str, arguments: Mapping[str, Any], call_id: Any
) -> tuple[Any, ...]:
    """The arguments of a ToolRequest, without those at the end that are the default."""
    if call_id:
        return (name, arguments, call_id)
    return (name, arguments) if arguments else (name,)


def _to_result(result: ScriptedResult) -> CallSource:
    arguments: dict[str, Any] = {
        "arguments": result.arguments,
        "result": None if result.error else result.result,
        "error": CallSource("", result.error) if result.error else None,
    }
    given = {k: v for k, v in arguments.items() if v is not None}
    return CallSource("ToolResult", (result.name,), given)


# -- the test ------------------------------------------------------------------------


def _write_function(
    script: RunScript, name: str, tools: list[str], *, strict: bool
) -> str:
    places = "monkeypatch, TOOLS" if tools else "monkeypatch"
    play = f"    with SCRIPT.play({places}) as replay:"
    call = f"        replay.call({CALLED})"
    if script.failure is not None:
        call = f"        with pytest.raises(Exception):\n    {call}"
    lines = [
        "@pytest.mark.infinium(instrument=True)",
        f"def test_{to_identifier(name)}(infinium, monkeypatch):",
        play,
        call,
        "    replay.check_complete()",
        *(["    replay.check_questions()"] if strict else []),
        "    recorded = infinium.run()",
        *(f"    {check}" for check in _iter_checks(script)),
    ]
    return "\n".join(lines) + "\n"


def _iter_checks(script: RunScript) -> Iterator[str]:
    """What is expected of the run, a statement each."""
    counts: dict[str, int] = {}
    for result in script.results:
        counts[result.name] = counts.get(result.name, 0) + 1
    for tool, count in list(counts.items())[:MAX_CHECKS]:
        yield _write_call("called_times", (count, tool))
    yield from list(dict.fromkeys(_iter_argument_checks(script)))[:MAX_CHECKS]
    names = [result.name for result in script.results][:MAX_CHECKS]
    if len(names) > 1 and script.is_sequential:
        yield _write_call("called_in_order", tuple(names))
    responding = [a for a in script.answers if a.status < 400 and a.requested_model]
    for model in list(dict.fromkeys(a.requested_model for a in responding))[
        :MAX_CHECKS
    ]:
        yield _write_call("used_model", (model,))
    text = _find_first_line(script.final_text)
    if text and script.failure is None:
        yield _write_call("output_contains", (text,))
    if script.failure is None:
        yield "recorded.succeeded()"


def _iter_argument_checks(script: RunScript) -> Iterator[str]:
    for result in script.results:
        simple = {
            key: value
            for key, value in (result.arguments or {}).items()
            if isinstance(value, (str, bool, int, float))
            and len(str(value)) <= MAX_ARGUMENT
        }
        whole = sum(len(str(value)) for value in (result.arguments or {}).values())
        if simple and whole <= MAX_ARGUMENT:
            yield _write_call("called", (result.name,), simple)


def _write_call(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None
) -> str:
    given = dict(kwargs or {})
    named = {k: v for k, v in given.items() if _is_argument(k)}
    rest = {k: v for k, v in given.items() if k not in named}
    source = CallSource(
        f"recorded.{name}", args, {**named, **({"**": rest} if rest else {})}
    )
    return to_source(source, 4, 4)


def _is_argument(name: str) -> bool:
    return bool(IDENTIFIER.fullmatch(name)) and not keyword.iskeyword(name)


def _find_first_line(text: str | None) -> str | None:
    """The beginning of the first line of a text that a check can look for."""
    lines = (line.strip() for line in (text or "").removesuffix("...").splitlines())
    return next((line[:MAX_OUTPUT] for line in lines if line), None)
