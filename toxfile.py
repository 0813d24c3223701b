"""Lets tox find every Python that pyenv keeps, not only the ones it has switched on."""

from __future__ import annotations

import os
from pathlib import Path

OLDEST = (3, 10)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _interpreters() -> list[str]:
    """Folders of pyenv's Pythons that this project runs on, the newest last."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = [p for p in root.glob("versions/3.*") if _number(p.name) >= OLDEST]
    return [str(p / "bin") for p in sorted(versions, key=lambda p: _number(p.name))]


# In front of pyenv's shims, which deny the versions that are not switched on.
os.environ["PATH"] = os.pathsep.join([*_interpreters(), os.environ.get("PATH", "")])
