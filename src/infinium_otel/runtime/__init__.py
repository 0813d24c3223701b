"""Runs a pipeline: with a clock, a lock, a thread, a sender, forks and exit handlers."""

from infinium_otel.runtime.registry import get_shared_runner
from infinium_otel.runtime.runner import PipelineRunner
from infinium_otel.runtime.stats import Load, Stats

__all__ = ["Load", "PipelineRunner", "Stats", "get_shared_runner"]
