"""Standard spans of agentix runs as they happen: `instrument(agent)`.

agentix's own tracing has no model name and no messages, loses the calls that a guard
denied or a human declined, and turns streaming off. This instrumentation listens to the
same events and does not wrap the model.
"""

from __future__ import annotations

from infinium_otel.models.agentix.instrumentation._events import AgentixEvents
from infinium_otel.models.agentix.instrumentation._instrument import instrument

__all__ = ["AgentixEvents", "instrument"]
