"""The recordings: spans that published instrumentations emitted, and what happened.

`tests/data/corpus.tar.xz` is made by `tests/data/pack_corpus.py` and read once a run.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKED = Path(__file__).parents[1] / "data" / "corpus.tar.xz"


@dataclass(frozen=True)
class Recording:
    """One scenario of one library.

    Args:
        spans: the OTLP/JSON document, `{"resourceSpans": [...]}`, spans in end order.
        logs: `{"resourceLogs": [...]}`; None where the library wrote no log records.
        truth: what really happened; `recordable` is the part that the spans tell,
            `recordable_with_logs` the part that spans and logs tell together.
    """

    library: str
    scenario: str
    spans: dict[str, Any]
    logs: dict[str, Any] | None
    truth: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.library}/{self.scenario}"

    def write(self, folder: Path) -> list[Path]:
        """Put spans and logs into *folder* as files, for what reads files."""
        paths = []
        for kind, document in (("", self.spans), (".logs", self.logs)):
            if document is not None:
                path = folder / f"{self.library}-{self.scenario}{kind}.json"
                path.write_text(json.dumps(document), "utf-8")
                paths.append(path)
        return paths


@cache
def _texts() -> dict[str, bytes]:
    with tarfile.open(PACKED) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}


def names(library: str | None = None) -> list[str]:
    """`LIBRARY/SCENARIO` of every recording, or of those of *library*, sorted."""
    ends = ".truth.json"
    found = sorted(n.removesuffix(ends) for n in _texts() if n.endswith(ends))
    return [n for n in found if library in (None, n.partition("/")[0])]


def recording(name: str) -> Recording:
    """The recording `LIBRARY/SCENARIO`, freshly decoded: the caller may change it."""
    texts = _texts()
    library, _, scenario = name.partition("/")
    logs = texts.get(f"{name}.logs.json")
    return Recording(
        library,
        scenario,
        json.loads(texts[f"{name}.json"]),
        None if logs is None else json.loads(logs),
        json.loads(texts[f"{name}.truth.json"]),
    )


def recordings(library: str | None = None) -> list[Recording]:
    """Every recording, or those of *library*, in order of their names."""
    return [recording(name) for name in names(library)]
