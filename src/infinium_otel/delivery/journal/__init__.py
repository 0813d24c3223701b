"""Ended spans of traces that are still open, on disk so that a kill loses none."""

from infinium_otel.delivery.journal.journal import Journal

__all__ = ["Journal"]
