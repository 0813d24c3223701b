"""Prompts from a folder, in place of Infinium's prompt store.

A prompt is a folder named by the prompt's id; a version is a file in it named by the
version's number: `PROMPTS/3f0c…/2.md`. A file `name.txt` beside them has the name.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from infinium_otel.apps.serve.checks import RejectedError
from infinium_otel.errors import InfiniumError

VERSION = re.compile(r"[1-9][0-9]{0,8}")
SUFFIXES = (".md", ".txt")
MAX_PROMPT_BYTES = 1024 * 1024


class PromptFolder:
    """The prompts below *root*; None for a server without prompts.

    Raises:
        InfiniumError: the folder does not exist.
    """

    def __init__(self, root: str | None) -> None:
        self._root = Path(root).resolve() if root else None
        if self._root is not None and not self._root.is_dir():
            raise InfiniumError(f"--prompts {root}: the folder does not exist")

    def find(self, prompt_id: str, version: str) -> dict[str, Any]:
        """Find a prompt; return it in the API's format.

        Args:
            prompt_id: a UUID, checked before.
            version: a positive whole number, or "latest".

        Raises:
            RejectedError: 400 for an invalid version; 404 if the prompt does not
                exist, or its file is outside the folder.
        """
        if version != "latest" and not VERSION.fullmatch(version):
            raise RejectedError(
                "the version must be a positive whole number or latest",
                status_code=400,
                field="version",
            )
        versions = self._list_versions(prompt_id.lower())
        number = max(versions, default=0) if version == "latest" else int(version)
        if number not in versions:
            raise RejectedError(
                f"no prompt {prompt_id} of version {version} in the prompt folder",
                status_code=404,
            )
        return _to_response(prompt_id, number, versions[number])

    def _list_versions(self, prompt_id: str) -> dict[int, Path]:
        """List the files of a prompt by version, without links out of the folder."""
        if self._root is None:
            return {}
        try:
            paths = sorted((self._root / prompt_id).iterdir())
        except OSError:
            return {}
        return {
            int(path.stem): path
            for path in paths
            if VERSION.fullmatch(path.stem)
            and path.suffix in SUFFIXES
            and self._is_inside(path)
        }

    def _is_inside(self, path: Path) -> bool:
        real = path.resolve()
        root = self._root
        return root is not None and real.is_relative_to(root) and real.is_file()


def _to_response(prompt_id: str, version: int, path: Path) -> dict[str, Any]:
    written = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    return {
        "promptId": prompt_id,
        "name": _read_name(path.parent) or prompt_id,
        "version": version,
        "content": _read_text(path),
        "createdAt": written.isoformat().replace("+00:00", "Z"),
    }


def _read_name(folder: Path) -> str:
    path = folder / "name.txt"
    inside = path.is_file() and path.resolve().parent == folder.resolve()
    return _read_text(path).strip() if inside else ""


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_PROMPT_BYTES).decode("utf-8", "replace")
