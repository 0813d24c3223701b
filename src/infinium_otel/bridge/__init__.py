"""A pipeline given a clock, a lock, a thread and a sender."""

from infinium_otel.bridge.bridge import Bridge
from infinium_otel.bridge.registry import shared_bridge
from infinium_otel.bridge.stats import Load, Stats

__all__ = ["Bridge", "Load", "Stats", "shared_bridge"]
