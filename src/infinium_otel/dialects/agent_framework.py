"""Microsoft Agent Framework: GenAI keys, and spans of its workflow engine.

Source: agent-framework-core 1.23.0; Microsoft.Agents.AI (.NET) 1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import first, text
from infinium_otel.dialects._dialect import Dialect, Facts

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

FIELDS = {"task_name": first(text, "workflow.name")}

_ENGINE = ("workflow.build", "message.send", "edge_group.process")


def refine(record: SpanRecord, facts: Facts) -> None:
    """The engine's own bookkeeping is not an agent's work."""
    name = record.name
    if name.startswith(_ENGINE):
        facts["kind"] = "lifecycle"
    elif name.startswith(("workflow.run", "workflow.session", "workflow_invoke")):
        facts["weak_kind"] = "workflow"
    elif name.startswith("executor.process"):
        facts["weak_kind"] = "step"


AGENT_FRAMEWORK = Dialect(
    name="agent_framework",
    scopes=("agent_framework", "*Microsoft.Agents.AI*"),
    fields=FIELDS,
    refine=refine,
    source="agent-framework-core 1.23.0",
)
