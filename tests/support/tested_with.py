"""The page `docs/reference/tested-with.md`, made from the recordings.

    python tests/support/tested_with.py

writes it again; `tests/workshop` fails while it differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from typing import TYPE_CHECKING

from support import corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "tested-with.md"
TITLES = {
    "corpus": "Recordings that the mapping was built with",
    "corpus2": "Recordings of further set-ups",
    "corpus3": "Recordings of the newest versions",
}
CONTENTS = {
    "corpus": "The client libraries and frameworks in Python that are used most, each with"
    "\nthe instrumentations of OpenTelemetry, OpenInference, OpenLLMetry and others.",
    "corpus2": "What the mapping had not seen: JavaScript (Vercel AI, Mastra, Genkit and"
    "\nothers), other vendors' SDKs (AgentOps, Laminar, LangWatch, MLflow), voice agents,"
    "\nvector stores, and programs with several instrumentations at once.",
    "corpus3": "Frameworks and their instrumentations in what was newest in November 2026, older"
    "\nframeworks that still have users, and gateways (LiteLLM, Portkey).",
}


def make_page() -> str:
    """The whole page."""
    return "\n".join(_iter_lines()) + "\n"


def _iter_lines() -> Iterator[str]:
    found = {name: corpus.names(corpus=name) for name in corpus.CORPORA}
    total = sum(map(len, found.values()))
    yield "# What it was tested with"
    yield ""
    yield f"{total} recordings of what published libraries emit are in `tests/data`, each with"
    yield "what really happened, from the script that was run and the log of the model's server."
    yield "`tox run -e corpus` compares the two. Other libraries that use one of the dialects"
    yield "work as well."
    for name, title in TITLES.items():
        yield ""
        yield f"## {title}"
        yield ""
        set_ups = len({each.split("/")[-2] for each in found[name]})
        yield f"{len(found[name])} recordings of {set_ups} set-ups, in `{name}.tar.xz`."
        yield CONTENTS[name]
        yield ""
        yield "| set-up | packages | recordings |"
        yield "| --- | --- | --- |"
        yield from _iter_rows(found[name])


def _iter_rows(names: list[str]) -> Iterator[str]:
    libraries: dict[str, list[str]] = {}
    for name in names:
        libraries.setdefault(name.split("/")[-2], []).append(name)
    for library, members in sorted(libraries.items()):
        packages: dict[str, dict[str, None]] = {}
        for name in members:
            for package, version in corpus.recording(name).truth["packages"].items():
                packages.setdefault(package, {})[version] = None
        packages.pop("opentelemetry-sdk", None)
        listed = ", ".join(f"{each} {', '.join(v)}" for each, v in packages.items())
        yield f"| `{library}` | {listed} | {len(members)} |"


if __name__ == "__main__":
    PAGE.write_text(make_page(), "utf-8")
