"""agentix runs as standard spans while they happen: `instrument(agent)`.

agentix's own tracing names no model, keeps no message, loses the calls that a guard
denied or a human declined, and turns streaming off. This listens to the same events
and leaves the model alone.
"""

from __future__ import annotations

from infinium_otel.agentix_events._events import AgentixEvents
from infinium_otel.agentix_events._instrument import instrument

__all__ = ["AgentixEvents", "instrument"]
