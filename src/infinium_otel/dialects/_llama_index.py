"""LlamaIndex's workflows, which OpenInference and OpenLLMetry both trace.

Source: llama-index-core 0.14 (`agent.workflow`), as those two record its steps.
"""

from __future__ import annotations

import re
from typing import Any

_CURRENT_AGENT = re.compile(r"""current_agent_name['"]?\s?[=:]\s?['"]([^'"]{1,200})""")


def find_current_agent(value: Any) -> str | None:
    """The agent at work, which only the input and output of a workflow's step name."""
    if not isinstance(value, str) or "current_agent_name" not in value:
        return None
    match = _CURRENT_AGENT.search(value)
    return match[1] if match else None
