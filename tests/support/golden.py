"""Golden files: what a whole trace becomes, kept beside it and looked at when it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Golden:
    """Compares values with files; with `--update-golden` rewrites them and fails."""

    def __init__(self, *, update: bool) -> None:
        self.update = update

    def check(self, value: Any, path: Path) -> None:
        """*value*, as JSON, is what *path* holds.

        A file that is missing is written only with `--update-golden`.
        """
        if self.update:
            self._rewrite(value, path)
            return
        if not path.exists():
            pytest.fail(f"{path} is missing: pytest --update-golden writes it")
        # Through JSON, so that a tuple equals the list it is written as.
        assert json.loads(json.dumps(value)) == json.loads(path.read_text("utf-8"))

    def _rewrite(self, value: Any, path: Path) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
        if path.exists() and path.read_text("utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        # An update must be looked at: the run that makes it never passes.
        pytest.fail(f"rewrote {path}: look at the diff, then run again without")
