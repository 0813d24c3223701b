"""Ended spans of traces that are still open, on disk so that a kill does not lose them."""

from infinium_otel.delivery.storage.journal.journal import Journal

__all__ = ["Journal"]
