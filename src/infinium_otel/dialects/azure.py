"""Azure AI's clients and the Foundry agents behind them.

Source: azure-ai-projects 2.10.0 (`azure.ai.projects.telemetry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import any_of, first, one_of, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._events import put_messages

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    # Housekeeping requests, without the model.
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
    # a run that the service ended without a result, whatever the span's status
    "failed": first(any_of("failed expired incomplete"), "gen_ai.thread.run.status"),
    "kind": first(one_of(KINDS), "gen_ai.operation.name"),
    "conversation_id": first(text, "gen_ai.conversation.id", "gen_ai.thread.id"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """The question, the tools' results and the answer, which housekeeping requests hold.

    The messages of a thread are listed with the newest first or last.
    """
    operation = record.attributes.get("gen_ai.operation.name")
    if operation not in ("create_message", "list_messages", "submit_tool_outputs"):
        return
    found: Facts = {}
    put_messages(found, record.events)
    listed = [*(found.get("input") or ()), *(found.get("output") or ())]
    if operation == "create_message" and listed:
        facts.update(kind="step", input=listed)
    elif operation == "submit_tool_outputs" and listed:
        facts.update(input=None, output=listed)
    elif listed:
        answers = [message for message in listed if message.get("role") == "assistant"]
        if answers:
            newest = answers[0] if listed[0] is answers[0] else answers[-1]
            facts.update(kind="step", input=None, output=[newest])


AZURE = Dialect(
    name="azure",
    key_segments=("az",),
    fields=FIELDS,
    refine=refine,
    source="azure-ai-projects 2.10.0",
)
