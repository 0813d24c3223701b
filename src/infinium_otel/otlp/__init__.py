"""OTLP export requests, as JSON or protobuf, to our records and back.

What is no OTLP at all is one `DecodingError`; what is wrong inside a request is left
out and counted, so that one bad span never loses its neighbours.

Source: opentelemetry-proto 1.9, and the JSON mapping of the OTLP specification (hex
ids, 64-bit integers as text, enumerations as numbers). Base64 ids, enumerations by
name and snake_case field names are understood too: writers in the wild use them.
"""

from __future__ import annotations

from infinium_otel.otlp._decoded import Decoded, Record
from infinium_otel.otlp._encoding import to_otlp
from infinium_otel.otlp._json import from_json
from infinium_otel.otlp._protobuf import from_protobuf

__all__ = ["Decoded", "Record", "from_json", "from_protobuf", "to_otlp"]
