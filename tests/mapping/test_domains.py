"""Which spans can be two reports of one piece of work."""

import pytest

from infinium_otel.mapping.domains import have_several_scopes
from infinium_otel.mapping.tree import Node
from infinium_otel.records import NormalizedSpan, SpanRecord


def make_node(number, scope):
    record = SpanRecord(
        "0" * 31 + "1", f"{number:016x}", None, "chat", 0, 1, scope_name=scope
    )
    return Node(record, NormalizedSpan(), "llm")


@pytest.mark.parametrize(
    ("scopes", "folded", "expected"),
    [
        pytest.param([], None, False, id="none"),
        pytest.param(["a", "a"], None, False, id="one"),
        pytest.param(["a", "b"], None, True, id="two"),
        pytest.param(["a", "a"], "b", True, id="folded"),
        pytest.param(["a", "a"], "a", False, id="folded-same"),
    ],
)
def test_several_scopes(scopes, folded, expected):
    """One instrumentation reports each work once; what is folded counts as well."""
    nodes = [make_node(number, scope) for number, scope in enumerate(scopes, 1)]
    if folded is not None:
        make_node(99, folded).fold_into(nodes[0])
    assert have_several_scopes(nodes) is expected
