"""Reports of one model call that lie beside each other, or in other branches."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from infinium_otel.mapping import content_texts
from infinium_otel.mapping.call_pairs import (
    agree,
    get_richness,
    have_other_models,
    merge_wrapper,
    read_answer,
    sum_tokens,
)
from infinium_otel.mapping.domains import (
    MAX_PENDING,
    do_coincide,
    have_other_scopes,
    have_several_scopes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.mapping.tree import Node


def unify_beside(calls: list[tuple[Node, object]]) -> None:
    """Merge reports of one call that lie beside each other, or in other branches.

    A framework that does not make its spans current has the client's spans beside its
    own; two callback handlers mirror a whole chain. Two spans are one call if different
    instrumentations report it, one in the other's time, with the same fingerprint: the
    same tokens, the same failure, or, where tokens are unknown, the same answer.

    Args:
        calls: each with its group: only calls of one group can be the same.
    """
    if not have_several_scopes(node for node, _ in calls):
        return
    ordered = sorted(calls, key=lambda pair: (pair[0].start_ns, -pair[0].end_ns))
    by_answer = any(_is_without_tokens(node) for node, _ in ordered)
    pending_calls: dict[object, deque[Node]] = defaultdict(
        lambda: deque(maxlen=MAX_PENDING)
    )
    for node, group in ordered:
        keys = [(group, key) for key in _find_fingerprints(node, by_answer=by_answer)]
        outer = next(
            (
                other
                for key in keys
                for other in pending_calls[key]
                if not other.folded and _is_same_call(other, node)
            ),
            None,
        )
        kept = node if outer is None else _merge_beside(outer, node)
        for key in keys:
            if kept not in pending_calls[key]:
                pending_calls[key].append(kept)


def _is_without_tokens(call: Node) -> bool:
    usage = call.span.usage
    return not call.failed and (usage is None or not (usage.input and usage.output))


def _find_fingerprints(node: Node, *, by_answer: bool) -> Iterator[tuple[object, ...]]:
    """What two reports of a call share, of which one is enough."""
    usage = node.span.usage
    if usage is not None and usage.input and usage.output:
        yield "tokens", usage.input, usage.output
    elif node.failed:
        yield ("failed",)
    if by_answer and not node.failed:
        answer = content_texts.find_answer(node.output_content)
        if answer:
            yield "answer", "".join(answer.split())


def _is_same_call(one: Node, other: Node) -> bool:
    if not have_other_scopes(one, other) or not do_coincide(one, other):
        return False
    first, second = one.span, other.span
    if not _may_share_response(first.response_id, second.response_id):
        return False
    if have_other_models(one, other):
        return False
    if one.failed and other.failed and first.failure and second.failure:
        messages = first.failure.message, second.failure.message
        return messages[0] in messages[1] or messages[1] in messages[0]
    return one.failed == other.failed and _have_same_texts(one, other)


_ID_KIND = re.compile(r"[a-zA-Z]*")


def _may_share_response(one: str | None, other: str | None) -> bool:
    """Whether two ids can be one response's: gateways replace the provider's by theirs."""
    if not one or not other or one == other:
        return True
    kinds = [_ID_KIND.match(each) for each in (one, other)]
    return kinds[0] is not None and kinds[1] is not None and kinds[0][0] != kinds[1][0]


def _have_same_texts(one: Node, other: Node) -> bool:
    """Whether the answer is the same as far as both have it; without tokens, the question too.

    Equal tokens are proof enough for a question, which libraries record differently.
    """
    answers = read_answer(one), read_answer(other)
    if all(answers) and not agree(*answers):
        return False
    tokens = sum_tokens(one)
    if tokens is not None and all(answers) and tokens == sum_tokens(other):
        return True
    return agree(_read_question(one), _read_question(other))


def _read_question(call: Node) -> str | None:
    return content_texts.find_newest(call.input_content)


def _merge_beside(one: Node, other: Node) -> Node:
    """Merge two reports of a call; the kept one is returned.

    Of a framework's span and the client's inside it the client's is kept, of two in
    different branches the richer one.
    """
    if one.parent is other.parent or get_richness(other) > get_richness(one):
        merge_wrapper(one, other)
        return other
    merge_wrapper(other, one)
    return one
