"""What each instrumentation records, as tables in `docs/frameworks`, from the recordings.

    python tests/support/recorded.py

writes the tables again, between the marks in the pages; `tests/workshop` fails while they
differ.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from typing import TYPE_CHECKING, Any

from support import corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = Path(__file__).parents[2] / "docs" / "frameworks"
MARK = re.compile(
    r"(?s)<!-- recorded by: ([^>]*?) -->\n.*?<!-- end of the recordings -->"
)
CALL_FACTS = {
    "prompt_tokens": "tokens",
    "cached_tokens": "cached tokens",
    "reasoning_tokens": "reasoning tokens",
    "response_text": "answers",
}
TOOL_FACTS = {"arguments": "tool arguments", "result": "tool results"}
COLUMNS = (
    "model calls",
    *CALL_FACTS.values(),
    "tool runs",
    *TOOL_FACTS.values(),
    "errors",
)


def make_table(libraries: list[str]) -> str:
    """A row per set-up: which facts its spans contain whole, in part and not at all."""
    lines = ["| set-up | contains | in part | not |", "| --- | --- | --- | --- |"]
    lines += [f"| {_name(each)} | {' | '.join(_cells(each))} |" for each in libraries]
    return "\n".join(lines)


def list_names(library: str) -> list[str]:
    """The recordings of a set-up: `openlit`, or `corpus3/genai-anthropic`."""
    archive, _, name = library.partition("=")[0].rpartition("/")
    found = corpus.names(name, archive or corpus.FIRST)
    if not found:
        raise LookupError(f"no recordings of {library}")
    return found


def list_packages(library: str) -> dict[str, str]:
    """The packages of a set-up's first recording, with their versions."""
    packages = corpus.recording(list_names(library)[0]).truth["packages"]
    return {k: v for k, v in packages.items() if k != "opentelemetry-sdk"}


def _name(library: str) -> str:
    """The package that makes the spans: the first, or the one after `=` in the mark."""
    set_up, _, package = library.partition("=")
    packages = list_packages(set_up)
    package = package or next(iter(packages))
    return f"{package} {packages[package]}"


def _cells(library: str) -> Iterator[str]:
    happened: Counter[str] = Counter()
    recorded: Counter[str] = Counter()
    for name in list_names(library):
        truth = corpus.recording(name).truth
        if not truth["content_captured"]:
            continue
        found = truth.get("recordable_with_logs") or truth["recordable"]
        for fact, is_recorded in _iter_facts(truth, found):
            happened[fact] += 1
            recorded[fact] += is_recorded
    known = [column for column in COLUMNS if happened[column]]
    whole = [each for each in known if recorded[each] == happened[each]]
    none = [each for each in known if not recorded[each]]
    part = [each for each in known if each not in (*whole, *none)]
    yield ", ".join(whole)
    yield ", ".join(f"{each} ({recorded[each]} of {happened[each]})" for each in part)
    yield ", ".join(none)


def _iter_facts(
    truth: dict[str, Any], known: dict[str, Any]
) -> Iterator[tuple[str, bool]]:
    for call, found in zip(truth["llm_calls"], known["llm_calls"], strict=True):
        if not call["ok"]:
            continue
        yield "model calls", bool(found)
        for key, column in CALL_FACTS.items():
            if call.get(key):
                yield column, found.get(key) is not None
    for tool, found in zip(truth["tool_calls"], known["tool_calls"], strict=True):
        yield "tool runs", bool(found)
        for key, column in TOOL_FACTS.items():
            if tool.get(key):
                yield column, found.get(key) is not None
    for _, found in zip(truth["errors"], known["errors"], strict=True):
        yield "errors", bool(found)


def update(text: str) -> str:
    """The text of a page with its tables as the recordings have them."""
    return MARK.sub(
        lambda m: (
            f"<!-- recorded by: {m[1]} -->\n\n{make_table(m[1].split())}\n\n"
            "<!-- end of the recordings -->"
        ),
        text,
    )


if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(update(path.read_text("utf-8")), "utf-8")
