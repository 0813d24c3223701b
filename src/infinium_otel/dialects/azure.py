"""Azure AI's clients and the Foundry agents behind them.

Source: azure-ai-projects 2.10.0 (`azure.ai.projects.telemetry`).
"""

from __future__ import annotations

from infinium_otel.dialects._attributes import any_of, first, one_of, text
from infinium_otel.dialects._dialect import Dialect

KINDS = {
    # Housekeeping requests, not work of the model.
    "create_thread": "lifecycle",
    "create_message": "lifecycle",
    "create_conversation": "lifecycle",
    "list_conversation_items": "http",
    "list_messages": "http",
    "list_run_steps": "http",
    "get_thread_run": "http",
    # The service runs the agent; its counts are the whole run's.
    "start_thread_run": "agent",
    "process_thread_run": "agent",
    "submit_tool_outputs": "agent",
}

FIELDS = {
    # a run that the service gave up, whatever the span's status
    "failed": first(any_of("failed expired incomplete"), "gen_ai.thread.run.status"),
    "kind": first(one_of(KINDS), "gen_ai.operation.name"),
    "conversation_id": first(text, "gen_ai.conversation.id", "gen_ai.thread.id"),
}


AZURE = Dialect(
    name="azure",
    speaks=("az",),
    fields=FIELDS,
    source="azure-ai-projects 2.10.0",
)
