"""`infinium-otel completion`: a script that lets a shell complete the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "shell", choices=SHELLS, help="the shell that the script is for"
    )


def run(args: argparse.Namespace) -> int:
    """Write the script to stdout; return the exit code."""
    from infinium_otel.apps.completion.scripts import WRITERS  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.completion.words import list_commands  # noqa: PLC0415 - likewise

    sys.stdout.write(WRITERS[args.shell](list_commands()))
    return 0
