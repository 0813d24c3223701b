"""One exchange with Infinium without the network: request, result, next delay."""

from infinium_otel.delivery.protocol.attempts import (
    MAX_DELAY_S,
    RetryPolicy,
    backoff,
    exchange,
)
from infinium_otel.delivery.protocol.requests import (
    USER_AGENT,
    VERSION,
    build_prompt_request,
    build_result_request,
    build_trace_request,
    encode,
)
from infinium_otel.delivery.protocol.responses import (
    classify_response,
    parse_retry_after,
    to_error,
)
from infinium_otel.delivery.protocol.values import (
    AttemptResult,
    Request,
    Response,
    Send,
    StepResult,
    TransportFailure,
    Wait,
)

__all__ = [
    "MAX_DELAY_S",
    "USER_AGENT",
    "VERSION",
    "AttemptResult",
    "Request",
    "Response",
    "RetryPolicy",
    "Send",
    "StepResult",
    "TransportFailure",
    "Wait",
    "backoff",
    "build_prompt_request",
    "build_result_request",
    "build_trace_request",
    "classify_response",
    "encode",
    "exchange",
    "parse_retry_after",
    "to_error",
]
