"""A run as a tree of text."""

import pytest

from infinium_otel.taskdata import task_to_dict
from infinium_otel.taskdata.tree_text import (
    MAX_DEPTH,
    TreeOptions,
    draw_tree,
    format_cost,
    to_plain_text,
)
from support.tasks import full


def draw(task, **options):
    return to_plain_text(draw_tree(task, TreeOptions(**options)))


def make_step(number, span, parent=None, tool=None, **members):
    ids = {"otel.span_id": span, "otel.parent_span_id": parent}
    call = {"tool_call": {"tool_name": tool}} if tool else {}
    return {"step_number": number, "metadata": ids, **call, **members}


def make_task(*steps, **members):
    return {"name": "run", "steps": list(steps), **members}


def test_everything_of_a_task():
    """With all options, a tree has times, cost, ids, texts, errors and totals."""
    task = task_to_dict(full())
    task["llm_usage"] |= {"completion_tokens": 3, "estimated_cost_usd": 0.5}
    task["steps"][0] |= {"output_preview": "a\nb", "duration_ms": 1250}
    task["environment"]["custom_tags"] = {
        "otel.trace_id": "cd",
        "otel.incomplete": "true",
    }
    assert draw(task, times=True, cost=True, ids=True).splitlines() == [
        "Answer a question  incomplete  1.50 s  2026-01-02T03:04:05Z  trace cd",
        "│  input: what?",
        "├─ 1. ask  1.25 s  7 → 3 tokens  span ab",
        "│     → a b",
        "├─ 2. Called search()",
        "│     ✗ Timeout: slow",
        "│  output: that",
        "└─ total: 1 model call, 1 tool call, 1 error, 7 + 3 tokens, $0.5000",
    ]


def test_nothing_that_differs_between_two_runs():
    """Without options, a tree has no times, ids and cost; the message only once."""
    task = task_to_dict(full())
    task["errors"][0]["recoverable"] = False
    task["steps"][0]["error"] = {
        "error_type": "E",
        "message": "no",
        "recoverable": True,
    }
    task["steps"][0]["description"] = "ask: no"
    assert draw(task, texts=False).splitlines() == [
        "Answer a question  failed",
        "├─ 1. ask  7 → 3 tokens",
        "│     ✗ E: no (recovered)",
        "├─ 2. Called search",
        "│     ✗ Timeout: slow",
        "└─ total: 1 model call, 1 tool call, 1 error, 7 + ? tokens",
    ]


def test_steps_are_below_their_parents():
    """A step whose parent span is a step is below it, also if others are between."""
    tree = draw(
        make_task(
            make_step(1, "a", description="A"),
            make_step(2, "b", description="B"),
            make_step(3, "c", "a", description="C"),
            make_step(4, "d", "gone", description="D"),
            make_step(5, "e", "c", description="E"),
        )
    )
    assert tree.splitlines()[1:-1] == [
        "├─ 1. A",
        "│  ├─ 3. C",
        "│  │  ├─ 5. E",
        "├─ 2. B",
        "├─ 4. D",
    ]


def test_parallel_tools_in_one_order():
    """Out of order, neighbouring tool calls are sorted and steps are counted anew."""
    steps = [make_step(1, "a", tool="b"), make_step(2, "b", tool="a")]
    rest = [make_step(3, "c", description="x"), make_step(4, "d", tool="a")]
    orders = [make_task(*steps, *rest), make_task(*reversed(steps), *rest)]
    trees = {draw(task, in_order=False) for task in orders}
    assert [line.split()[-1] for line in trees.pop().splitlines()[1:-1]] == [
        *("a()", "b()", "x", "a()")
    ]
    assert not trees
    assert draw(orders[0]).splitlines()[1] == "├─ 1. Called b()"


@pytest.mark.parametrize("width", [20, 31, 60, 100])
def test_lines_are_cut(width):
    """No line is longer than the width, and one that was cut shows it."""
    long = "word " * 100
    task = make_task(
        make_step(1, "a", description=long, output_preview=long, duration_ms=5),
        input_summary=long,
        name=long,
    )
    lines = draw(task, times=True, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert all("…" in line for line in lines[:2])


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({}, id="empty"),
        pytest.param({"name": 1, "steps": {}, "environment": []}, id="wrong-types"),
        pytest.param(make_task(1, None, [], {}), id="steps"),
        pytest.param(make_task(make_step(True, "a", "a")), id="own-parent"),
        pytest.param(
            make_task(make_step(1, "a", "b"), make_step(2, "b", "a")), id="cycle"
        ),
        pytest.param(make_task(make_step(1, "a"), make_step(2, "a", "a")), id="same"),
        pytest.param(
            make_task(
                {"duration_ms": float("nan"), "llm_call": {"prompt_tokens": -1}},
                duration=float("inf"),
            ),
            id="numbers",
        ),
    ],
)
def test_any_object_has_a_tree(task):
    """No JSON object raises, and every step of one is drawn once."""
    steps = task.get("steps")
    count = sum(isinstance(s, dict) for s in steps) if isinstance(steps, list) else 0
    assert draw(task, times=True, cost=True, ids=True).count("├─ ") == count


def test_depth_is_bounded():
    """Steps nested 3,000 deep are drawn, the deepest beside one another."""
    steps = [make_step(n, f"{n}", f"{n - 1}", description="s") for n in range(3000)]
    tree = draw(make_task(*steps), width=500)
    assert tree.count("├─") == 3000
    assert f"{'│  ' * MAX_DEPTH}├─ 2999. s" in tree


def test_no_text_controls_the_terminal():
    """Escapes and direction marks of a recorded text do not reach the terminal."""
    tree = draw({"name": "\x1b[2Ja\u202eb", "input_summary": "\x9b1m\0"})
    assert tree.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        (0, "$0.0000"),
        (0.00002, "<$0.0001"),
        (0.00006, "$0.0001"),
        (1234.5, "$1,234.5000"),
    ],
)
def test_a_small_cost_is_not_shown_as_none(cost, shown):
    """A call of a small model costs less than four digits show."""
    assert format_cost(cost) == shown
