"""`python -m infinium_otel` is the command line."""

from __future__ import annotations

import sys

from infinium_otel.apps.cli import main

if __name__ == "__main__":  # pragma: no branch - nothing else is done with it
    sys.exit(main())
