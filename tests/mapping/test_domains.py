"""Which spans can be two reports of one piece of work."""

import pytest

from infinium_otel.mapping.domains import find_domains, have_several_scopes
from infinium_otel.mapping.tree import Node
from infinium_otel.records import Failure, NormalizedSpan, SpanRecord


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


def make_tool(number, **facts):
    record = SpanRecord(
        "0" * 31 + "1", f"{number:016x}", None, "tool", number, number + 1
    )
    return Node(record, NormalizedSpan(kind="tool", tool_name="find", **facts), "tool")


@pytest.mark.parametrize(
    ("announced", "call_id", "folded"),
    [
        pytest.param({"arguments": "{}"}, "k1", True, id="announced"),
        pytest.param({"arguments": "{}"}, "k2", False, id="other-call"),
        pytest.param({}, "k1", False, id="nothing-announced"),
        pytest.param({"arguments": "{}", "result": "1"}, "k1", False, id="ended"),
        pytest.param(
            {"arguments": "{}", "failure": Failure("x", "y")}, "k1", False, id="failed"
        ),
    ],
)
def test_result_of_announced_tool(announced, call_id, folded):
    """A span with only the result of a call belongs to the one that announced it."""
    first = make_tool(1, tool_call_id="k1", **announced)
    second = make_tool(5, tool_call_id=call_id, result="found")
    find_domains([first, second])
    assert bool(second.folded) is folded
    assert first.span.result == ("found" if folded else announced.get("result"))
