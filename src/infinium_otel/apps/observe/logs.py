"""`--log-level` and `--log-format`: how the log of a long-running command looks."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default="warning",
        help="the least severe lines to log (%(default)s)",
    )
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        default="text",
        help="text, or one JSON object a line (%(default)s)",
    )


def configure(args: argparse.Namespace) -> None:
    """Apply the options to the log of this process, which goes to stderr."""
    root = logging.getLogger()
    if args.log_format == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        root.handlers[:] = [handler]
    # Other packages' lines below a warning can contain what passes through them.
    logging.getLogger("infinium_otel").setLevel(args.log_level.upper())
    if args.log_level == "error":
        root.setLevel(logging.ERROR)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Format *record*."""
        at = datetime.fromtimestamp(record.created, timezone.utc)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
