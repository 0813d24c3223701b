"""Installs what the tests in one folder here need, beside this package.

    python vendor_tests/install.py NAME

`NAME/requirements.txt` is installed as it stands; what `NAME/requirements-nodeps.txt`
lists without dependencies, because those are too many or do not resolve, and the types
that the tests use import without them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FILES = (("requirements.txt", ()), ("requirements-nodeps.txt", ("--no-deps",)))


def main(name: str) -> None:
    """Install the requirements of the folder *name*."""
    for file, options in FILES:
        path = Path(__file__).parent / name / file
        if path.exists():
            pip = [sys.executable, "-m", "pip", "install", "-qq"]
            subprocess.run([*pip, *options, "-r", str(path)], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
