"""The command line: finds the command, imports only that, reports what went wrong.

A command is a module with `add_arguments(parser)` and `run(args) -> int`. Exit codes:
0 complete, 1 partial (the last line on stderr has the counts), 2 failed.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from importlib import import_module, metadata
from typing import TYPE_CHECKING, NoReturn, cast

from infinium_otel.apps import standard_streams
from infinium_otel.config.suggestion import suggest
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Command(Protocol):
        """The interface of a command's module."""

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            """Declare the command's arguments."""

        def run(self, args: argparse.Namespace) -> int:
            """Run the command; return the exit code."""


PROGRAM = "infinium-otel"

COMMANDS = {
    "serve": "run a local stand-in for the service, with a page that shows tasks",
    "runs": "list runs of a local server or of files in the terminal",
    "show": "show one run as a tree in the terminal",
    "doctor": "check the configuration, the endpoint and the instrumentations",
    "convert": "convert recorded runs from one format to another, or send them",
    "check": "run a command, and check the agent runs that it makes by rules",
    "compare": "compare two sets of runs: what changed, and how sure that is",
    "replay": "write a test in which a recorded run happens again",
    "gateway": "receive OTLP over HTTP from services in any language, deliver tasks",
    "consume": "read OTLP from Kafka as a consumer group, deliver tasks",
    "dead-letters": "list or send again what the consumer gave up",
    "size": "compute how many consumers a load needs, and what they need",
    "spool": "list, retry or delete the tasks in a spool file",
    "verdicts": "fetch the interpretations of delivered runs, as evaluation events",
    "completion": "print the script that completes commands in bash, zsh or fish",
}
"""Every command, with its line in the help; its module has nearly the same name."""

PAGES = {
    "runs": "howto/terminal",
    "show": "howto/terminal",
    "dead-letters": "howto/consume",
    "size": "explanation/scale",
    "completion": "howto/terminal",
}
"""The pages of the documentation that are not called as their command."""

DOCS = "https://github.com/infinium-otel/infinium-otel/blob/main/docs"

EPILOG = f"""\
Settings are read from the environment: `{PROGRAM} doctor` checks them.
Exit codes: 0 complete, 1 partial or something found, 2 failed.
Documentation: {DOCS}/index.md"""

PARTIAL, FAILED, INTERRUPTED = 1, 2, 130

_WRONG_CHOICE = re.compile(r"invalid choice: '(.*?)'.* \(choose from (.*)\)")


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports errors in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Report what is wrong with the arguments, and exit."""
        wrong = _WRONG_CHOICE.search(message)
        if wrong and (meant := suggest(wrong[1], re.findall(r"[\w-]+", wrong[2]))):
            message = f"{message[: wrong.start()]}invalid choice: '{wrong[1]}'{meant}"
        self.exit(FAILED, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser(*wanted: str) -> argparse.ArgumentParser:
    """Build the parser of the whole command line.

    Args:
        wanted: the commands whose arguments are needed; only their modules are imported.
    """
    parser = OneLineParser(
        prog=PROGRAM,
        description="Sends the agent runs recorded in OpenTelemetry spans to Infinium.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"{PROGRAM} {metadata.version(PROGRAM)}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands"
    )
    for name, meaning in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=meaning,
            description=meaning,
            epilog=f"Documentation:\n{DOCS}/{PAGES.get(name, f'howto/{name}')}.md",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in wanted:
            import_command(name).add_arguments(command)
    return parser


def import_command(name: str) -> Command:
    """Import the module of the command *name*; its hyphens are underscores there."""
    return cast(
        "Command", import_module(f"infinium_otel.apps.{name.replace('-', '_')}")
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments without the program's name; None for those of the process.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    standard_streams.prepare()
    if not given:
        build_parser().print_help(sys.stderr)
        return FAILED
    if given[0] == "help":
        given = [*given[1:2], "--help"]
    logging.basicConfig(level=logging.WARNING, format=f"{PROGRAM}: %(message)s")
    wanted = next((word for word in given if not word.startswith("-")), "")
    try:
        args = parse_arguments(given, wanted)
        code = import_command(args.command).run(args)
        sys.stdout.flush()  # inside the try: the reader of a pipe may be gone
    except BrokenPipeError:
        # The reader closed the pipe (`| head`). The interpreter flushes stdout once
        # more at exit, which would fail again.
        # Source: Python library, "signal", note on SIGPIPE.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PARTIAL
    except KeyboardInterrupt:
        return report_error(wanted, "interrupted", INTERRUPTED)
    except InfiniumError as error:
        return report_error(wanted, str(error), FAILED)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        return report_error(wanted, f"{where}{error.strerror or error}", FAILED)
    return code


def parse_arguments(given: Sequence[str], wanted: str) -> argparse.Namespace:
    """The arguments; what is unknown is reported under the command that it was given to.

    Args:
        given: all arguments.
        wanted: the command, so that only its module is imported.
    """
    parser = build_parser(wanted)
    args, unknown = parser.parse_known_args(given)
    if unknown:
        command = OneLineParser(prog=f"{PROGRAM} {args.command}", add_help=False)
        command.error(f"unrecognized arguments: {' '.join(unknown)}")
    return args


def report_error(command: str, message: str, code: int) -> int:
    """Write one line to stderr, and return the exit code *code*."""
    printable = (each if each.isprintable() else " " for each in message)
    line = " ".join("".join(printable).split())
    sys.stderr.write(f"{PROGRAM} {command}: {line}\n")
    return code
