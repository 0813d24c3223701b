"""One exchange with Infinium without the network: request, verdict, next delay."""

from infinium_otel.protocol.attempts import MAX_DELAY_S, Patience, backoff, exchange
from infinium_otel.protocol.requests import (
    USER_AGENT,
    VERSION,
    encode,
    prompt_request,
    result_request,
    trace_request,
)
from infinium_otel.protocol.values import (
    Answer,
    NoReply,
    Outcome,
    Reply,
    Request,
    Send,
    Wait,
)
from infinium_otel.protocol.verdict import error_of, outcome_of, retry_after

__all__ = [
    "MAX_DELAY_S",
    "USER_AGENT",
    "VERSION",
    "Answer",
    "NoReply",
    "Outcome",
    "Patience",
    "Reply",
    "Request",
    "Send",
    "Wait",
    "backoff",
    "encode",
    "error_of",
    "exchange",
    "outcome_of",
    "prompt_request",
    "result_request",
    "retry_after",
    "trace_request",
]
