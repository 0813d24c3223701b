"""Writes the reference pages that are generated from the code, before Sphinx runs."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import re
import sys
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import infinium_otel
from infinium_otel.apps import cli
from infinium_otel.config import Config, get_variables
from infinium_otel.dialects import DIALECTS
from infinium_otel.redaction import remove_credentials
from infinium_otel.redaction.credentials.budget import (
    CHARACTERS_PER_LOOK,
    LOOKS_PER_SECOND,
    MAX_LOOKS,
)
from infinium_otel.redaction.credentials.finder import LONGEST, MAX_MATCHES
from infinium_otel.redaction.credentials.kinds import make_docs_rows
from infinium_otel.redaction.credentials.names import NAME_ENDINGS

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
        "redaction": redaction(),
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
            "argument overrides its variable, a variable overrides the default. One "
            "`ConfigurationError` lists all mistakes.",
            "",
            "| setting | environment | default | meaning |",
            "| --- | --- | --- | --- |",
            *(_setting(field) for field in fields(Config)),
        ]
    )


def _setting(field: Any) -> str:
    names = " or ".join(f"`{name}`" for name in get_variables(field.name))
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
        "`infinium-otel COMMAND`, or `python -m infinium_otel COMMAND`. Results go "
        "to standard output, messages to standard error. The exit code is 0 if "
        "everything succeeded, 1 if it succeeded in part or something was found, 2 if "
        "it failed.",
    ]
    for name, meaning in cli.COMMANDS.items():
        command = _subparser(name)
        lines += ["", f"## {name}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
        usage = command.format_usage().removeprefix("usage: ").rstrip()
        usage = usage.replace("\n       ", "\n")
        lines += ["```text", usage, "```", "", *_arguments(command)]
    return "\n".join(lines)


def _subparser(name: str) -> argparse.ArgumentParser:
    for action in cli.build_parser(name)._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: argparse.ArgumentParser = action.choices[name]
            return found
    raise KeyError(name)


def _arguments(command: argparse.ArgumentParser) -> Iterator[str]:
    formatter = command._get_formatter()
    for action in command._actions:
        if action.help is argparse.SUPPRESS or action.dest == "help":
            continue
        option = formatter._format_action_invocation(action)
        meaning = formatter._expand_help(action) if action.help else ""
        yield f"`{option}`\n: {_escape(meaning or action.dest)}\n"


def _escape(text: str) -> str:
    """*text* with the marks of Markdown as they are, except for code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_<])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


# -- pages that autodoc renders ----------------------------------------------------

TYPES = (
    "The parts of a run: Infinium's own types, field for field. Wherever one of them is "
    "expected, a mapping works too; `task_to_dict` and `task_from_dict` convert a whole "
    "task to the JSON that is sent, and back."
)
ERRORS = "All exceptions of this package are subclasses of `InfiniumError`."
CLIENT = (
    "Sends your own tasks, without any spans. Methods and arguments are those of the "
    "vendor's SDK."
)
API = "Adds the exporter to an application, and converts spans without an application."


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
    elsewhere = {*_types(), *_errors(), "InfiniumClient", "AsyncInfiniumClient"}
    elsewhere |= {"task_from_dict", "task_to_dict"}
    return [name for name in _public() if name not in elsewhere]


def _autodoc(title: str, introduction: str, names: list[str]) -> str:
    lines = [f"# {title}", "", introduction, "", "```{eval-rst}"]
    for name in names:
        kind = "class" if inspect.isclass(getattr(infinium_otel, name)) else "function"
        kind = "exception" if name in _errors() else kind
        lines += [f".. auto{kind}:: infinium_otel.{name}"]
        lines += ["   :show-inheritance:", ""] if kind == "exception" else [""]
    return "\n".join([*lines, "```"])


# -- dialects ----------------------------------------------------------------------


def dialects() -> str:
    """The page of each dialect's attributes."""
    lines = [
        "# Dialects",
        "",
        "Which attributes contain each fact, per dialect, the one that wins first. A "
        "span may use several dialects at once: they are listed in the order in which "
        "they win, fact by fact. Code next to each table reads what a table cannot "
        "express (message lists, events, exceptions).",
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
    marks = [f"`{mark}`" for mark in (*dialect.key_segments, *dialect.scopes)]
    if marks:
        yield f"Recognized by {', '.join(marks)}."
        yield ""
    if not dialect.fields:
        yield "It has no table: code reads it."
        return
    yield "| fact | attributes |"
    yield "| --- | --- |"
    for fact, row in sorted(dialect.fields.items()):
        keys = dict.fromkeys(key for key, _ in row.places)
        yield f"| {fact.replace('_', ' ')} | {', '.join(f'`{k}`' for k in keys)} |"


# -- redaction ---------------------------------------------------------------------

REDACTION = """\
# Redaction: what is found and what is not

With `redact` on, which is the default, each text is searched for the kinds of credentials
below, and what is found becomes `[redacted]`. [What data is
sent](../../explanation/what-data-is-sent.md) lists where that happens.

## How well it works

The test set has {credentials} credentials of {kinds} kinds in the places where agents meet
them (tool results, environment files, JSON in JSON, commands, logs, tracebacks, prose), and
{harmless} texts without any that resemble them: ids, hashes, code that reads a secret,
types, placeholders, sentences about passwords. No credential in it is real. Of the
credentials {missed} are missed; of the harmless texts {touched} are changed.

The set was made together with the search, so strangers' texts give worse figures. To
measure it in a checkout, with the time that hostile texts take:

```console
$ python tests/benchmarks/redaction.py
```

## What is not found

- A secret that nothing marks: no known prefix or shape, and no name before it, such as an
  AWS secret key or a password alone in a sentence.
- What is secret by its meaning: personal data, a company's plans, a question.
- A value in code, a placeholder or a reference after a secret's name
  (`password = os.environ["X"]`, `<your-key>`, `vault:secret/x`): it is kept on purpose.
- A credential that was encoded or compressed (except private keys and registries in
  base64), translated or spelled out.

## Bounds

The search takes time linear in the length of a text. A text with more than {matches} places
that resemble one kind of credential was made to take long: it is not searched to its end,
and the rest of it is withheld. All texts together have a budget of {looks} such places,
which grows by one for each {characters} characters that are searched and by {pace} a second;
a text that is reached when it is used up is withheld as a whole. `[withheld: N characters]` is in their place, and the log
reports it once. A secret in quotes that are never closed ends after
{longest} characters at most.

## By name

A value after a name that ends like one of these is removed, in any spelling (`API_KEY`,
`apiKey`, `api-key`), quoted or not, in JSON, YAML, code, headers, addresses, XML and
commands: {names}. Names such as `next_token`, `primary_key` or `max_tokens` are known not
to be secrets. After `token`, `pass` and other names that mean many things, only a value that
is not a plain word or number is removed; after `..._key`, only one that looks random. An
attribute whose own name is such a name loses its value.

A name and its value may be apart: in members of one object (`"name": "x", "value": "y"`),
elements and fields of HTML and XML, columns of a table or a CSV file, `INSERT INTO` and
lists in YAML.

## By kind

| kind | how it looks | source |
| --- | --- | --- |
{rows}"""


def redaction() -> str:
    """The page of what is redacted, with the figures of the test set."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    from support import redaction_sets  # noqa: PLC0415 - only in a checkout

    credentials = redaction_sets.load("credentials")
    return REDACTION.format(
        credentials=len(credentials),
        kinds=len({row["kind"] for row in credentials}),
        harmless=len(redaction_sets.load("harmless")),
        missed=len(redaction_sets.find_missed(remove_credentials)),
        touched=len(redaction_sets.find_touched(remove_credentials)),
        matches=f"{MAX_MATCHES:,}",
        looks=f"{MAX_LOOKS:,}",
        characters=CHARACTERS_PER_LOOK,
        pace=f"{LOOKS_PER_SECOND:,}",
        longest=f"{LONGEST:,}",
        names=", ".join(f"`{mark}`" for mark in _list_names()),
        rows="\n".join(
            f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
            for row in make_docs_rows()
        ),
    )


def _list_names() -> list[str]:
    return sorted({re.split(r"[\[(]", ending)[0] for ending in NAME_ENDINGS})


SINGLE_QUOTED = re.compile(r"(?<!`)`([^`]+)`(?!`)(?=(\w?))")


def literal_names(lines: list[str]) -> None:
    """Turn `names` in docstrings into literals, also before a letter."""
    for place, line in enumerate(lines):
        lines[place] = SINGLE_QUOTED.sub(
            lambda m: f"``{m[1]}``" + ("\\ " if m[2] else ""), line
        )


# -- Sphinx ------------------------------------------------------------------------


def write(folder: Path = FOLDER) -> None:
    """Write the pages that changed, and delete those that no longer exist."""
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
        "autodoc-process-docstring", lambda *args: literal_names(args[-1]), priority=400
    )
    return {"parallel_read_safe": True}
