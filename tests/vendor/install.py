"""Install the packages that the tests in one folder here need.

    python tests/vendor/install.py NAME

`NAME/requirements.txt` is installed with dependencies, `NAME/requirements-nodeps.txt`
without: those are too many or do not resolve, and the types that the tests use can be
imported without them.
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
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet"]
            subprocess.run([*install, *options, "-r", str(path)], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
