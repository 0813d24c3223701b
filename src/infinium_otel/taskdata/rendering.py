"""Fills the variables of a stored prompt in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FETCHED_AT = "_fetched_at"
VARIABLES = "_variables"
"""Where a fetched prompt keeps when it was fetched, and the variables filled in."""
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def render(content: str, variables: Mapping[str, str]) -> str:
    """*content* with `{{name}}` replaced; an unknown name is kept as it is.

    Source: infinium-o2 1.2.0, client.py, `InfiniumClient.get_prompt`.
    """
    return PLACEHOLDER.sub(
        lambda match: str(variables.get(match[1], match[0])), content
    )
