"""Secrets in the columns of tables: CSV, Markdown, results of queries, `INSERT INTO`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import (
    MAX_MATCHES,
    Finder,
    LatePattern,
    Rest,
)
from infinium_otel.redaction.secret_names import Claim, classify_name, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text

MAX_MISSES = 4
"""Rows in a row without a secret, after which a table is not read further."""

MAX_HEADER = 256
MAX_LINE = 4096
"""Longer lines are not those of a table."""

_NAMES = ("pass(?:word|wd)", "pwd", "token", "secret", "key")
_BEHIND = (
    r"s?\"?[ \t]{0,40}(?:(?P<separator>[,|;\t])"
    # a group that is repeated does not give its letters back, as the search goes on
    r"(?=(?P<rest>[\w .,|;\t\"-]{0,200}))(?P=rest))?(?=\r?\n|\\{1,8}n|\\{1,8}r)"
)
"""The rest of a header: more cells, or none."""

_SEPARATOR = re.compile(r"[,|;\t]")
_LINE_END = re.compile(r"\r?\n|\\{1,8}r\\{1,8}n|\\{1,8}n")
_HEADER = re.compile(r"[\w .,|;\t\"-]*")


def _look_at_column(text: Text, match: re.Match[str]) -> Iterator[Span]:
    """The cells below the name of a column, as long as the rows have as many cells."""
    whole = text.whole
    start = _find_line_start(whole, match.start())
    header = whole[start : match.end()]
    before = _SEPARATOR.findall(header, 0, match.start() - start)
    separator = before[-1] if before else match["separator"]
    if separator is None or not _HEADER.fullmatch(header):
        return
    cells, column = header.count(separator), before.count(separator)
    name = header.split(separator)[column].strip(' \t"')
    claim = min(classify_name(name), Claim.MIXED)
    end = _LINE_END.match(whole, match.end())
    if end is None or claim is Claim.NOTHING:
        return
    misses = 0
    for number, (place, stop) in enumerate(_iter_lines(whole, end.end())):
        if whole.count(separator, place, stop) != cells or misses == MAX_MISSES:
            return
        cell = _find_cell(whole, place, stop, separator, column)
        misses += 1
        if is_secret(whole[slice(*cell)], claim, quoted=True):
            yield cell
            misses = 0
        if number == MAX_MATCHES:
            yield Rest(stop, len(whole))
            return


def _iter_lines(whole: str, place: int) -> Iterator[Span]:
    while place < len(whole):
        end = _LINE_END.search(whole, place, place + MAX_LINE)
        yield place, end.start() if end else min(len(whole), place + MAX_LINE)
        if end is None:
            return
        place = end.end()


def _find_line_start(whole: str, place: int) -> int:
    near = max(0, place - MAX_HEADER)
    start = max(whole.rfind("\n", near, place) + 1, whole.rfind("\\n", near, place) + 2)
    return start if start > near + 1 else near


def _find_cell(
    whole: str, start: int, stop: int, separator: str, column: int
) -> tuple[int, int]:
    for _ in range(column):
        start = whole.find(separator, start, stop) + 1
    end = whole.find(separator, start, stop)
    cell = whole[start : end if end >= 0 else stop]
    bare = cell.strip(" \t\\\"'`")
    start += cell.find(bare)
    return start, start + len(bare)


_INSERT = LatePattern(
    r"insert into [^\s(]{1,128}\s{0,8}\((?P<columns>[^()]{1,2048})\)\s{1,8}values\s{0,8}"
)
_ROW = re.compile(
    r",?\s{0,40}\((?P<values>(?:'(?:[^'\\]|''|\\.){0,4096}'|[^()']){0,512})\)"
)
_VALUE = re.compile(
    r"\s{0,8}n?(?:'(?P<text>(?:[^'\\]|''|\\.){0,4096})'|[^,']{0,256})\s{0,8},?",
    re.IGNORECASE,
)


def _look_at_insert(text: Text, match: re.Match[str]) -> Iterator[Span]:
    """The values of the columns that have a secret's name."""
    names = [name.strip(' \t\n`"[]') for name in match["columns"].split(",")]
    claims = [classify_name(name) for name in names]
    place = match.end()
    while any(claims) and (row := _ROW.match(text.whole, place)):
        place, at = row.end(), row.start("values")
        for claim in claims:
            value = _VALUE.match(text.whole, at, row.end("values"))
            if value is None:
                break
            found = value["text"]
            if found and claim < Claim.HEADER and is_secret(found, claim, quoted=True):
                yield value.span("text")
            at = value.end()


def make_table_finders() -> Iterator[Finder]:
    """Finders of the columns of tables, and of the values of `INSERT INTO`."""
    yield Finder(
        LatePattern(f"(?:{'|'.join(_NAMES)}){_BEHIND}"),
        _look_at_column,
        lowered=True,
        marks=tuple(name[:4] for name in _NAMES),
        checks=tuple(LatePattern(name + _BEHIND) for name in _NAMES),
    )
    yield Finder(_INSERT, _look_at_insert, lowered=True, marks=("insert into",))
