"""OTLP export requests, as JSON or protobuf, to our records and back.

Input that is not OTLP at all raises a `DecodingError`; invalid parts of a request are
skipped and counted, so that one bad span never costs its neighbours.

Source: opentelemetry-proto 1.9, and the JSON mapping of the OTLP specification (hex
ids, 64-bit integers as text, enumerations as numbers). Base64 ids, enumerations by
name and snake_case field names are accepted too, because some writers use them.
"""

from __future__ import annotations

from infinium_otel.otlp._decoded import Decoded, Record
from infinium_otel.otlp._encoding import to_otlp
from infinium_otel.otlp._json import from_json
from infinium_otel.otlp._protobuf import from_protobuf, iter_protobuf

__all__ = [
    "Decoded",
    "Record",
    "from_json",
    "from_protobuf",
    "iter_protobuf",
    "to_otlp",
]
