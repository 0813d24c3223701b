"""Packs a folder of recordings into `NAME.tar.xz`, which `support.corpus` reads.

    python tests/data/pack_corpus.py FOLDER NAME

NAME is `corpus`, `corpus2` or `corpus3`.
FOLDER holds `LIBRARY/SCENARIO.json` (spans, OTLP/JSON, as a published instrumentation
emitted them), `SCENARIO.truth.json` (what really happened) and, where the library wrote
log records, `SCENARIO.logs.json`. The same recordings give the same file, byte for byte.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

LONGEST_WINDOW = 9


def _compact(path: Path) -> bytes:
    document = json.loads(path.read_text("utf-8"))
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def pack(folder: Path, packed: Path) -> int:
    """Write *packed* and return how many files it holds."""
    truths = folder.glob("*/*.truth.json")
    found = {path for truth in truths for path in _find_parts(truth)}
    # Files of one kind side by side compress to two thirds.
    paths = sorted(found, key=lambda p: (p.suffixes, p))
    with tarfile.open(packed, "w:xz", preset=LONGEST_WINDOW) as archive:
        for path in paths:
            body = _compact(path)
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return len(paths)


def _find_parts(truth: Path) -> list[Path]:
    """The files of one recording."""
    name = truth.name.removesuffix(".truth.json")
    paths = (truth.with_name(f"{name}{end}.json") for end in ("", ".truth", ".logs"))
    return [path for path in paths if path.exists()]


if __name__ == "__main__":
    target = Path(__file__).with_name(f"{sys.argv[2]}.tar.xz")
    print(pack(Path(sys.argv[1]), target), "files in", target.name)  # noqa: T201 a program
