"""Writes the reference pages that follow from the code, before Sphinx reads them."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import infinium_otel
from infinium_otel.apps import cli
from infinium_otel.config import Config, variables
from infinium_otel.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

    from infinium_otel.dialects import Dialect

FOLDER = Path(__file__).parents[1] / "reference" / "generated"


def pages() -> dict[str, str]:
    """Every generated page, by its name."""
    found = {
        "settings": settings(),
        "command-line": command_line(),
        "types": types(),
        "errors": _autodoc("Errors", ERRORS, _errors()),
        "client": _autodoc("Client", CLIENT, ["InfiniumClient", "AsyncInfiniumClient"]),
        "api": _autodoc("Set-up and conversion", API, _others()),
        "dialects": dialects(),
    }
    return {name: text + "\n" for name, text in found.items()}


# -- settings ----------------------------------------------------------------------


def settings() -> str:
    """The page of `Config`'s fields."""
    return "\n".join(
        [
            "# Settings",
            "",
            "Every setting is a keyword argument of `register`, of the exporters and "
            "processors, and of `Config`, and has an environment variable. An "
            "argument wins over its variable, a variable over the default. All "
            "mistakes are named at once, in one `ConfigurationError`.",
            "",
            "| setting | environment | default | meaning |",
            "| --- | --- | --- | --- |",
            *(_setting(field) for field in fields(Config)),
        ]
    )


def _setting(field: Any) -> str:
    names = " or ".join(f"`{name}`" for name in variables(field.name))
    if field.name == "should_send":
        names = "none: a callable"
    return (
        f"| `{field.name}` | {names} | {_default(field)} | {field.metadata['help']} |"
    )


def _default(field: Any) -> str:
    value = field.default
    if value is None or value is MISSING:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else f"`{value}`"


# -- the command line --------------------------------------------------------------


def command_line() -> str:
    """The page of the commands, as their parsers describe them."""
    lines = [
        "# Command line",
        "",
        "`infinium-otel COMMAND`, also `python -m infinium_otel COMMAND`. Results go "
        "to standard output, complaints to standard error. The exit code is 0 when "
        "all is done, 1 when it is done in part, 2 when it could not be done.",
    ]
    for name, meaning in sorted(cli.COMMANDS.items()):
        command = _subparser(name)
        lines += ["", f"## {name}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
        usage = command.format_usage().removeprefix("usage: ").rstrip()
        usage = usage.replace("\n       ", "\n")
        lines += ["```text", usage, "```", "", *_arguments(command)]
    return "\n".join(lines)


def _subparser(name: str) -> argparse.ArgumentParser:
    for action in cli.parser(name)._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: argparse.ArgumentParser = action.choices[name]
            return found
    raise KeyError(name)


def _arguments(command: argparse.ArgumentParser) -> Iterator[str]:
    formatter = command._get_formatter()
    for action in command._actions:
        if action.help is argparse.SUPPRESS or action.dest == "help":
            continue
        shown = formatter._format_action_invocation(action)
        meaning = formatter._expand_help(action) if action.help else ""
        yield f"`{shown}`\n: {meaning or action.dest}\n"


# -- what autodoc renders ----------------------------------------------------------

TYPES = (
    "What a run consists of: Infinium's own types, field for field. Anywhere one of "
    "them is expected a mapping will do; `task_from_dict` and `task_to_dict` turn a "
    "whole task into the JSON that is sent, and back."
)
ERRORS = "Everything this package raises is an `InfiniumError`."
CLIENT = (
    "For sending tasks of your own, without any spans. Methods and arguments are "
    "those of the vendor's SDK."
)
API = "What puts the bridge into an application, and what uses it without one."


def _public() -> dict[str, Any]:
    return {name: getattr(infinium_otel, name) for name in infinium_otel.__all__}


def _types() -> list[str]:
    home = "infinium_otel.taskdata"
    return [
        name
        for name, value in _public().items()
        if is_dataclass(value) and value.__module__.startswith(home)
    ]


def types() -> str:
    """The page of Infinium's dataclasses, field for field, and their JSON both ways."""
    lines = ["# Types", "", TYPES]
    for name in _types():
        lines += ["", *_type(name, getattr(infinium_otel, name))]
    functions = _autodoc("JSON", "", ["task_to_dict", "task_from_dict"])
    return "\n".join([*lines, "", f"#{functions}"])


def _type(name: str, cls: Any) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield inspect.getdoc(cls) or ""
    yield ""
    yield "| field | type | default |"
    yield "| --- | --- | --- |"
    for field in fields(cls):
        kind = str(field.type).replace("|", "\\|")
        yield f"| `{field.name}` | `{kind}` | {_type_default(field)} |"


def _type_default(field: Any) -> str:
    if field.default is not MISSING:
        return f"`{field.default!r}`"
    return "required" if field.default_factory is MISSING else "empty"


def _errors() -> list[str]:
    return [
        name
        for name, value in _public().items()
        if isinstance(value, type) and issubclass(value, Exception)
    ]


def _others() -> list[str]:
    told = {*_types(), *_errors(), "InfiniumClient", "AsyncInfiniumClient"}
    told |= {"task_from_dict", "task_to_dict"}
    return [name for name in _public() if name not in told]


def _autodoc(title: str, words: str, names: list[str]) -> str:
    lines = [f"# {title}", "", words, "", "```{eval-rst}"]
    for name in names:
        kind = "class" if inspect.isclass(getattr(infinium_otel, name)) else "function"
        kind = "exception" if name in _errors() else kind
        lines += [f".. auto{kind}:: infinium_otel.{name}"]
        lines += ["   :show-inheritance:", ""] if kind == "exception" else [""]
    return "\n".join([*lines, "```"])


# -- dialects ----------------------------------------------------------------------


def dialects() -> str:
    """The page of what is read from where, per dialect."""
    lines = [
        "# Dialects",
        "",
        "What is read from which attribute, per dialect, the key that decides first. "
        "A span may speak several at once: the dialects stand here in the order in "
        "which they decide, fact by fact. What a table cannot say (message lists, "
        "events, exceptions) is read by code beside it.",
    ]
    for dialect in DIALECTS:
        lines += ["", *_dialect(dialect)]
    return "\n".join(lines)


def _dialect(dialect: Dialect) -> Iterator[str]:
    yield f"## {dialect.name}"
    yield ""
    if dialect.source:
        yield f"Read from {dialect.source.rstrip('.')}."
        yield ""
    marks = [f"`{mark}`" for mark in (*dialect.speaks, *dialect.scopes)]
    if marks:
        yield f"Known by {', '.join(marks)}."
        yield ""
    if not dialect.fields:
        yield "Has no table: code reads it."
        return
    yield "| fact | attributes |"
    yield "| --- | --- |"
    for fact, row in sorted(dialect.fields.items()):
        keys = dict.fromkeys(key for key, _ in row.places)
        yield f"| {fact.replace('_', ' ')} | {', '.join(f'`{k}`' for k in keys)} |"


SINGLE_QUOTED = re.compile(r"(?<!`)`([^`]+)`(?!`)(?=(\w?))")


def literal_names(lines: list[str]) -> None:
    """Make the docstrings' `names` literals, also with a letter right behind them."""
    for place, line in enumerate(lines):
        lines[place] = SINGLE_QUOTED.sub(
            lambda m: f"``{m[1]}``" + ("\\ " if m[2] else ""), line
        )


# -- Sphinx ------------------------------------------------------------------------


def write(folder: Path = FOLDER) -> None:
    """Write the pages that changed, and remove what is no page any more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / f"{name}.md": text for name, text in pages().items()}
    for path in set(folder.glob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        with contextlib.suppress(FileNotFoundError):
            if path.read_text("utf-8") == text:
                continue
        path.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's hook."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("builder-inited", lambda _: write())
    app.connect(
        "autodoc-process-docstring", lambda *told: literal_names(told[-1]), priority=400
    )
    return {"parallel_read_safe": True}
