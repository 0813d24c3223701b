"""Makes a task fit: its fields into their lengths, its JSON into its bytes."""

from infinium_otel.limits.fields import (
    LAST_RESORT_TIME,
    MAX_DESCRIPTION_LENGTH,
    MAX_DURATION_S,
    MAX_NAME_LENGTH,
    check,
    fit,
)
from infinium_otel.limits.stages import (
    MAX_BODY_BYTES,
    Encoded,
    encoded,
    shrunk,
)

__all__ = [
    "LAST_RESORT_TIME",
    "MAX_BODY_BYTES",
    "MAX_DESCRIPTION_LENGTH",
    "MAX_DURATION_S",
    "MAX_NAME_LENGTH",
    "Encoded",
    "check",
    "encoded",
    "fit",
    "shrunk",
]
