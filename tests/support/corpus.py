"""The recordings: spans that published instrumentations emitted, and what happened.

The archives in `tests/data` are made by `tests/data/pack_corpus.py` and read once a run:
`corpus` is what the mapping was built with, `corpus2` and `corpus3` are set-ups that were
recorded later, to see what was not foreseen. Names of these begin with their archive's:
`corpus2/genkit/tool_loop`.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
FIRST = "corpus"
CORPORA = (FIRST, "corpus2", "corpus3")


@dataclass(frozen=True)
class Recording:
    """One scenario of one library.

    Args:
        corpus: the archive it is in.
        spans: the OTLP/JSON document, `{"resourceSpans": [...]}`, spans in end order.
        logs: `{"resourceLogs": [...]}`; None where the library wrote no log records.
        truth: what really happened; `recordable` is the part that the spans contain,
            `recordable_with_logs` the part that spans and logs contain together.
    """

    library: str
    scenario: str
    spans: dict[str, Any]
    logs: dict[str, Any] | None
    truth: dict[str, Any]
    corpus: str = FIRST

    @property
    def id(self) -> str:
        """Its name, as `recording` takes it."""
        prefix = "" if self.corpus == FIRST else f"{self.corpus}/"
        return f"{prefix}{self.library}/{self.scenario}"

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
def _texts(corpus: str) -> dict[str, bytes]:
    with tarfile.open(DATA / f"{corpus}.tar.xz") as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}


def names(library: str | None = None, corpus: str = FIRST) -> list[str]:
    """The names of every recording in *corpus*, or of those of *library*, sorted."""
    ends = ".truth.json"
    prefix = "" if corpus == FIRST else f"{corpus}/"
    found = sorted(n.removesuffix(ends) for n in _texts(corpus) if n.endswith(ends))
    return [prefix + n for n in found if library in (None, n.partition("/")[0])]


def all_names() -> list[str]:
    """The names of every recording in every corpus."""
    return [name for corpus in CORPORA for name in names(corpus=corpus)]


def recording(name: str) -> Recording:
    """The recording of that name, freshly decoded: the caller may change it."""
    *archive, library, scenario = name.split("/")
    corpus = archive[0] if archive else FIRST
    texts = _texts(corpus)
    path = f"{library}/{scenario}"
    logs = texts.get(f"{path}.logs.json")
    return Recording(
        library,
        scenario,
        json.loads(texts[f"{path}.json"]),
        None if logs is None else json.loads(logs),
        json.loads(texts[f"{path}.truth.json"]),
        corpus,
    )


def recordings(library: str | None = None, corpus: str = FIRST) -> list[Recording]:
    """Every recording in *corpus*, or those of *library*, in order of their names."""
    return [recording(name) for name in names(library, corpus)]
