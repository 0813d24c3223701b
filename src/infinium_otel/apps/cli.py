"""The command line: finds the command, imports only that, says what went wrong.

A command is a module with `add_arguments(parser)` and `run(args) -> int`. Exit codes:
0 all done, 1 done in part (the last line on stderr says how much), 2 not done.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from importlib import import_module, metadata
from typing import TYPE_CHECKING, NoReturn, cast

from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Command(Protocol):
        """What a command's module offers."""

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            """Declare the command's arguments."""

        def run(self, args: argparse.Namespace) -> int:
            """Do it; return the exit code."""


PROGRAM = "infinium-otel"

COMMANDS = {
    "convert": "turn recorded runs from one format into another, or send them",
    "serve": "a local stand-in for the service, with a page to look at tasks",
    "gateway": "take OTLP over HTTP from services in any language, deliver tasks",
    "consume": "take OTLP from Kafka as a consumer group, deliver tasks",
    "spool": "look at a spool file: what waits, what was refused",
    "doctor": "say what is configured, reachable and installed, and what is wrong",
}
"""Every command, with its line in the help. Its module has its name."""

IN_PART, NOT_DONE, INTERRUPTED = 1, 2, 130


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and exit."""
        self.exit(NOT_DONE, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser(*wanted: str) -> argparse.ArgumentParser:
    """The parser of the whole command line.

    Args:
        wanted: commands whose arguments are needed; only their modules are imported.
    """
    whole = OneLineParser(
        prog=PROGRAM,
        description="Brings the agent runs that OpenTelemetry spans tell to Infinium.",
    )
    version = f"{PROGRAM} {metadata.version(PROGRAM)}"
    whole.add_argument("--version", action="version", version=version)
    commands = whole.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands"
    )
    for name, meaning in COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=meaning)
        if name in wanted:
            module(name).add_arguments(command)
    return whole


def module(command: str) -> Command:
    """The module of *command*."""
    return cast("Command", import_module(f"infinium_otel.apps.{command}"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments without the program's name; None for the process's own.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format=f"{PROGRAM}: %(message)s")
    wanted = next((word for word in given if not word.startswith("-")), "")
    args = parser(wanted).parse_args(given)
    try:
        code = module(args.command).run(args)
        sys.stdout.flush()  # here, where a reader that has gone can be answered
    except BrokenPipeError:
        # whoever read our output has seen enough; flushing it would fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return IN_PART
    except KeyboardInterrupt:
        return complain(args.command, "interrupted", INTERRUPTED)
    except InfiniumError as error:
        return complain(args.command, str(error), NOT_DONE)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        return complain(args.command, f"{where}{error.strerror or error}", NOT_DONE)
    return code


def complain(command: str, message: str, code: int) -> int:
    """Write one line to stderr, and return the exit code *code*."""
    line = " ".join(message.split())
    sys.stderr.write(f"{PROGRAM} {command}: {line}\n")
    return code
