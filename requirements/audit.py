"""Has a package of a lock file a known hole? By the page that PyPI has for each package.

    python requirements/audit.py requirements/all.txt

`tox run -e audit` runs pip-audit, which needs PyPI's page of each version. Mirrors and
proxies often have only the page of each package, whose list of vulnerabilities is that of
its latest release. So a package that is locked at another version is reported as not
checked. The exit code is 1 for a known hole, 2 if nothing could be checked.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PAGE = "https://pypi.org/pypi/{}/json"
PINNED = re.compile(r"(?m)^([\w.-]+)==([^\s;\\]+)")
TIMEOUT_S = 30


def main(arguments: list[str]) -> int:
    """Check every package of the lock files; print what was found."""
    pinned = {
        pair
        for path in arguments
        for pair in PINNED.findall(Path(path).read_text("utf-8"))
    }
    checked, unknown, holes = 0, [], []
    for name, version in sorted(pinned):
        page = _fetch(name)
        if page is None or page["info"]["version"] != version:
            unknown.append(f"{name} {version}")
            continue
        checked += 1
        holes += _list_holes(name, version, page["vulnerabilities"])
    print("\n".join(holes))
    print(f"{checked} of {len(pinned)} packages checked; known holes: {len(holes)}")
    if unknown:
        print(f"not checked, not the latest release: {', '.join(unknown)}")
    return 1 if holes else 0 if checked else 2


def _fetch(name: str) -> dict[str, Any] | None:
    request = urllib.request.Request(PAGE.format(name))  # noqa: S310 - the scheme is ours
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            page: dict[str, Any] = json.load(response)
            return page
    except (urllib.error.URLError, ValueError):
        return None


def _list_holes(name: str, version: str, known: list[dict[str, Any]]) -> list[str]:
    """A line for each hole that was not withdrawn."""
    return [
        f"{name} {version}: {hole['id']} ({', '.join(hole.get('aliases') or ())}), "
        f"fixed in {', '.join(hole.get('fixed_in') or ['no release'])}"
        for hole in known
        if not hole.get("withdrawn")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
