"""Packs a folder of recordings into `corpus.tar.xz`, which `support.corpus` reads.

    python tests/data/pack_corpus.py FOLDER

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

PACKED = Path(__file__).with_name("corpus.tar.xz")
LONGEST_WINDOW = 9


def _compact(path: Path) -> bytes:
    document = json.loads(path.read_text("utf-8"))
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def pack(folder: Path, packed: Path = PACKED) -> int:
    """Write *packed* and return how many files it holds."""
    # Files of one kind side by side compress to two thirds.
    paths = sorted(folder.glob("*/*.json"), key=lambda p: (p.suffixes, p))
    with tarfile.open(packed, "w:xz", preset=LONGEST_WINDOW) as archive:
        for path in paths:
            body = _compact(path)
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return len(paths)


if __name__ == "__main__":
    print(pack(Path(sys.argv[1])), "files in", PACKED.name)  # noqa: T201 a program
