"""All benchmarks, one after the other; each interleaves its rivals in one run.

    python benchmarks/run.py [NAME ...]

Prints ratios. The exit code is 0 whatever they are: machines differ, read them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

NAMES = ("imports", "application", "worker", "client", "burst", "mapping", "memory")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", nargs="*", help=f"of {', '.join(NAMES)}")
    for name in parser.parse_args().name or NAMES:
        print(f"== {name}", flush=True)
        path = Path(__file__).with_name(f"{name}.py")
        subprocess.run([sys.executable, str(path)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
