"""What can be completed: the commands, their options and arguments, from their parsers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.cli import COMMANDS, build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

PATHS = frozenset({"FILE", "OUT", "PATH", "DIR", "DB", "SPOOL"})
"""Placeholders of arguments that are files."""
PATH_NAMES = frozenset({"db"})
"""Arguments without a placeholder that are files."""


@dataclass(frozen=True, slots=True)
class Word:
    """One option or positional argument.

    Args:
        names: of an option, such as `-n` and `--limit`; empty for a positional.
        help: its line in the help.
        takes_value: whether a value follows.
        choices: the values, if they are known.
        is_path: whether the value is a file.
        repeats: whether it may be given several times.
    """

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]
    is_path: bool
    repeats: bool


@dataclass(frozen=True, slots=True)
class CommandWords:
    """One command: its name, its line in the help, its options and positionals."""

    name: str
    help: str
    options: tuple[Word, ...]
    positionals: tuple[Word, ...]


def list_commands() -> list[CommandWords]:
    """Every command, in the order of the help."""
    parser = build_parser(*COMMANDS)
    [commands] = [
        action.choices
        for action in parser._actions  # noqa: SLF001 - argparse has no public way
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - likewise
    ]
    return [_list_words(name, COMMANDS[name], commands[name]) for name in COMMANDS]


def _list_words(
    name: str, meaning: str, parser: argparse.ArgumentParser
) -> CommandWords:
    words = list(_read(parser))
    options = tuple(word for word in words if word.names)
    positionals = tuple(word for word in words if not word.names)
    return CommandWords(name, meaning, options, positionals)


def _read(parser: argparse.ArgumentParser) -> Iterator[Word]:
    formatter = parser._get_formatter()  # noqa: SLF001 - likewise
    for action in parser._actions:  # noqa: SLF001 - likewise
        if action.help == argparse.SUPPRESS:
            continue
        placeholder = action.metavar if isinstance(action.metavar, str) else ""
        text = formatter._expand_help(action) if action.help else ""  # noqa: SLF001 - likewise
        yield Word(
            names=tuple(action.option_strings),
            help=" ".join(text.split()),
            takes_value=action.nargs != 0,
            choices=tuple(map(str, action.choices or ())),
            is_path=placeholder in PATHS or action.dest in PATH_NAMES,
            repeats=action.nargs in ("*", "+")
            or isinstance(action, argparse._AppendAction),  # noqa: SLF001 - likewise
        )
