"""Model calls as instrumentations report them: whether two reports are of one call.

The reports agree on the time and on the facts: the response id and the tokens; without an
id the tokens and the texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from infinium_otel.mapping.model_names import are_other_models

SLACK_NS = 2_000_000
"""How far two clocks' spans of one call may differ: a step's length is in whole ms."""

MAX_PAUSE_NS = 60 * 10**9
"""How long after the request's span the log record of its stream may begin."""

MAX_UNCOUNTED = 5
"""Tokens by which two counts of one response may differ, where its id is the same."""


@dataclass(frozen=True, slots=True)
class ReportedCall:
    """What one instrumentation reports of a model call.

    Args:
        scope: the instrumentation's scope: it reports a call in one trace only.
        tokens: prompt and completion tokens; None where either is unknown.
        question: the newest message of its input; None where unknown.
        answer: its text and the tools it requested; None where unknown.
        model: the model that responded, or that was requested.
        service: the service that reports it; None where unknown.
        is_log: a log record of the call, written when its stream had been read.
    """

    scope: str | None
    start_ns: int
    end_ns: int
    response_id: str | None = None
    tokens: tuple[int, int] | None = None
    question: str | None = None
    answer: str | None = None
    model: str | None = None
    service: str | None = None
    failed: bool = False
    is_log: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is a request of which no response is known."""
        response = (self.response_id, self.tokens, self.answer)
        return self.question is not None and not self.failed and not any(response)


def is_same_call(call: ReportedCall, other: ReportedCall) -> bool:
    """Whether two instrumentations report one call: same time, same facts."""
    if call.scope == other.scope or call.failed != other.failed:
        return False
    if not _is_overlapping(call, other) or are_other_models(call.model, other.model):
        return False
    ids = call.response_id, other.response_id
    if all(ids):
        return (
            ids[0] == ids[1]
            and not _has_other_texts(call, other)
            and _has_same_facts(call, other)
        )
    if call.service and other.service and call.service != other.service:
        return False  # only a shared id shows that two services report one call
    return (
        _is_contained(call, other)
        and call.tokens == other.tokens
        and _has_same_texts(call, other)
    )


def is_stream(request: ReportedCall, log: ReportedCall) -> bool:
    """Whether *log* is the log record of the stream that *request* began."""
    return (
        request.is_open
        and log.is_log
        and not log.is_open
        and request.scope == log.scope
        and request.question == log.question
        and request.end_ns - SLACK_NS <= log.start_ns <= request.end_ns + MAX_PAUSE_NS
    )


def _has_same_facts(call: ReportedCall, other: ReportedCall) -> bool:
    """Tokens if both have them; else question and answer; else one inside the other.

    A framework that adds up a stream's chunks may count a few tokens twice.
    """
    if call.tokens and other.tokens:
        return call.tokens == other.tokens or (
            call.tokens[0] == other.tokens[0]
            and abs(call.tokens[1] - other.tokens[1]) <= MAX_UNCOUNTED
            and _is_contained(call, other)
            and _has_same_texts(call, other)
        )
    if call.answer and other.answer:
        return _has_same_texts(call, other)
    return _is_contained(call, other)


def _has_other_texts(call: ReportedCall, other: ReportedCall) -> bool:
    """Whether both report texts of which none is the other's.

    Local servers give the same ids and the same round token counts to all; whereas two
    instrumentations differ in how they show a text, hardly in question and answer both.
    """
    texts = ((call.question, other.question), (call.answer, other.answer))
    both = [(remove_spaces(a), remove_spaces(b)) for a, b in texts if a and b]
    return bool(both) and not any(a in b or b in a for a, b in both)


def _has_same_texts(call: ReportedCall, other: ReportedCall) -> bool:
    """Whether all texts that both have are equal, apart from white space."""
    texts = ((call.question, other.question), (call.answer, other.answer))
    return all(remove_spaces(a) == remove_spaces(b) for a, b in texts if a and b)


def remove_spaces(text: str) -> str:
    """Remove all white space: two reports of a text may differ in it."""
    return "".join(text.split())


def _is_overlapping(call: ReportedCall, other: ReportedCall) -> bool:
    return (
        call.start_ns <= other.end_ns + SLACK_NS
        and other.start_ns <= call.end_ns + SLACK_NS
    )


def _is_contained(call: ReportedCall, other: ReportedCall) -> bool:
    """Whether one lies inside the other: a client's call in its framework's."""
    first, second = sorted((call, other), key=lambda c: c.end_ns - c.start_ns)
    return (
        second.start_ns - SLACK_NS <= first.start_ns
        and first.end_ns <= second.end_ns + SLACK_NS
    )
