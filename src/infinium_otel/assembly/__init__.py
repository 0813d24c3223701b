"""Spans to traces: by root, with open and late spans, deadlines and bounds.

A state machine without a clock: each call is given the time.
"""

from infinium_otel.assembly.assembler import Assembler

__all__ = ["Assembler"]
