"""What a judge's result contains: its scores, labels and texts as evaluations."""

from infinium_otel.delivery.verdicts.awaited import AwaitedRun, describe_run
from infinium_otel.delivery.verdicts.reading import read_verdict

__all__ = ["AwaitedRun", "describe_run", "read_verdict"]
