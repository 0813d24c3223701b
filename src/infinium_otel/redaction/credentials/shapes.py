"""Credentials that are recognized by their whole shape, or by what is around them.

`known_shapes` and `known_commands` list them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import (
    Finder,
    LatePattern,
    find_start_of_run,
)
from infinium_otel.redaction.credentials.known_commands import COMMANDS
from infinium_otel.redaction.credentials.known_shapes import SHAPED, Shaped
from infinium_otel.redaction.secret_names import is_placeholder

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text


def make_shape_finders(
    rows: Iterable[Shaped] = (*SHAPED, *COMMANDS),
) -> Iterator[Finder]:
    """One finder for each kind."""
    for row in rows:
        look = partial(_look_at_shaped, row)
        pattern = LatePattern(row.pattern)
        yield Finder(pattern, look, row.lowered, (row.mark,), (), row.place)


def _look_at_shaped(row: Shaped, text: Text, match: re.Match[str]) -> Iterator[Span]:
    has_group = match.start("secret") >= 0
    start, end = match.span("secret") if has_group else match.span()
    if row.before:
        start = find_start_of_run(text.whole, match.start(), row.before)
    if end - start >= row.least and not is_placeholder(text.whole[start:end]):
        yield start, end
