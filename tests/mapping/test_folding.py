"""Which spans fold into which."""

from __future__ import annotations

import pytest

from support.records import agent, chat, make_span, task_of, tool, tools_of


def ids(name):
    return {"gen_ai.tool.call.id": name}


def test_a_tool_that_calls_itself_is_called_twice():
    """Two calls with ids of their own are two, one inside the other or not."""
    task = task_of(
        agent("root"),
        tool("outer", "root", attributes=ids("a"), end=3),
        tool("inner", "outer", attributes=ids("b")),
    )
    assert len(tools_of(task)) == 2


def mcp(key, parent, method, start, **more):
    attributes = {"mcp.method.name": method, **more}
    return make_span(key, parent, attributes, start=start, end=20 - start)


def test_a_relay_may_rename_a_call():
    """A mounted server's tool has a prefix outside, and none inside."""
    task = task_of(
        agent("root", end=30),
        mcp("call", "root", "tools/call", 1, **{"gen_ai.tool.name": "w_f"}),
        mcp("delegate f", "call", "tools/call", 2),
        mcp("inner", "delegate f", "tools/call", 3, **{"gen_ai.tool.name": "f"}),
    )
    assert [t.tool_name for t in tools_of(task)] == ["w_f"]


@pytest.mark.parametrize(
    ("method", "uri", "reads"),
    [
        pytest.param("resources/read", "a://1", 1, id="the-servers-side"),
        pytest.param("resources/read", "a://2", 2, id="another-resource"),
        pytest.param("prompts/get", "a://1", 2, id="another-method"),
    ],
)
def test_a_fetch_has_layers_too(method, uri, reads):
    """Client and server report one read."""
    task = task_of(
        agent("root", end=30),
        mcp("read", "root", "resources/read", 1, **{"mcp.resource.uri": "a://1"}),
        mcp("served", "read", method, 2, **{"mcp.resource.uri": uri}),
    )
    assert len(task.steps) == reads


def test_an_agent_run_by_a_tool_of_its_name_is_the_tools():
    """A tool that is an agent is one step: the tool the model called."""
    task = task_of(
        agent("root"),
        tool("t", "root", "helper_tool", end=5),
        make_span(
            "helper_tool", "t", {"gen_ai.operation.name": "invoke_agent"}, start=1
        ),
        chat("c", "helper_tool", start=2),
    )
    assert [s.action for s in task.steps] == ["tool_use", "llm_inference"]


@pytest.mark.parametrize(
    ("attributes", "steps"),
    [
        pytest.param({"logfire.msg": "run", "code.lineno": 7}, 1, id="bookkeeping"),
        pytest.param({"order": 7}, 2, id="its-own-matter"),
    ],
)
def test_a_root_of_the_users_own(attributes, steps):
    """The root is the task itself, and a step only for what it alone reports."""
    task = task_of(make_span("run", None, attributes, end=9), chat("c", "run"))
    assert len(task.steps) == steps


RETRIEVAL = {"gen_ai.operation.name": "retrieval"}


@pytest.mark.parametrize(
    ("inner", "steps"), [(1, 1), (2, 3)], ids=["a-layer", "an-ensemble"]
)
def test_retrievals_inside_a_retrieval(inner, steps):
    """Exactly one inside another is the same retrieval; several are separate sources."""
    documents = {"gen_ai.retrieval.documents": '[{"content": "a"}]'}
    task = task_of(
        agent("root"),
        make_span("outer", "root", RETRIEVAL, end=5),
        *(make_span(f"r{n}", "outer", RETRIEVAL | documents) for n in range(inner)),
        chat("c", "root", start=6),
    )
    retrievals = [s for s in task.steps if s.action == "retrieval"]
    assert len(retrievals) == steps
    assert retrievals[-1].output_preview == "a"


@pytest.mark.parametrize(
    ("name", "action"), [("boss", "subagent"), ("", "agent")], ids=["named", "nameless"]
)
def test_who_is_under_another_agent(name, action):
    """An agent is a subagent of one that has a name, not of a frame that has none."""
    task = task_of(agent("root", name=name), agent("a", "root", name="b", end=5))
    assert [s.action for s in task.steps if s.description == "Ran agent b"] == [action]


def test_an_agent_reported_twice_in_a_row_is_one():
    """A framework's and an instrumentation's span of one agent are one step."""
    task = task_of(
        agent("root"),
        agent("a", "root", name="writer", start=1, end=5),
        agent("b", "a", name="writer", start=1, end=4,
              attributes={"input.value": "Write"}),
        chat("c", "b", start=2),
    )  # fmt: skip
    assert [s.action for s in task.steps] == ["subagent", "llm_inference"]
    assert task.steps[0].input_preview == "Write"


def test_iterations_of_an_agent_stay():
    """Several runs of an agent below one of its name are no doubles of it."""
    task = task_of(
        agent("root", name="fixer"),
        agent("a", "root", name="fixer", start=1, end=3),
        agent("b", "root", name="fixer", start=4, end=6),
    )
    assert [s.description for s in task.steps] == ["Ran agent fixer"] * 2


def test_an_agent_between_two_of_another_name_is_its_own():
    """Agents of different names are different agents."""
    task = task_of(
        agent("root"), agent("a", "root", name="a"), agent("b", "a", name="b")
    )
    assert [s.description for s in task.steps] == ["Ran agent a", "Ran agent b"]


def test_frames_without_work_are_no_steps():
    """State passed from step to step is not work; what a step did is."""
    frames = {"openinference.span.kind": "CHAIN"}
    task = task_of(
        agent("root"),
        make_span("silent", "root", frames),
        make_span("same", "root", frames | {"input.value": "a", "output.value": "a"}),
        make_span("state", "root", frames | {
            "input.value": '{"messages": [{"role": "user", "content": "a"}]}'}),
        make_span("object", "root", frames | {"output.value": "<C object at 0x7f>"}),
        make_span("work", "root", frames | {"input.value": "a", "output.value": "B"}),
        tool("t", "root", start=2),
        make_span("inside", "t", frames | {"output.value": "B"}, start=2),
        chat("c", "root", start=4),
    )  # fmt: skip
    assert [s.description for s in task.steps] == [
        "work",
        "Called f",
        "Asked gpt-4o (helper)",
    ]


def test_resources_and_prompts_of_a_server_are_steps():
    """Reading a resource is work; listing tools is not."""
    task = task_of(
        agent("root"),
        make_span("read", "root", {"mcp.method.name": "resources/read"}),
        make_span("list", "root", {"mcp.method.name": "tools/list"}),
        chat("c", "root", start=2),
    )
    assert [s.action for s in task.steps] == ["retrieval", "llm_inference"]


@pytest.mark.parametrize(
    ("first", "second", "runs"),
    [
        pytest.param({}, {}, 1, id="the-same-name"),
        pytest.param({"tool": "mcp__server__f"}, {}, 1, id="a-servers-prefix"),
        pytest.param({"tool": "developer.f"}, {}, 1, id="a-namespace"),
        pytest.param({}, {"tool": "g"}, 2, id="another-tool"),
        pytest.param({}, {"scope": "one"}, 2, id="one-instrumentation"),
        pytest.param({}, {"start": 6, "end": 7}, 2, id="another-time"),
        pytest.param({"parent": "branch"}, {}, 1, id="in-another-branch"),
        pytest.param(
            {"attributes": ids("a")}, {"attributes": ids("b")}, 2, id="other-ids"
        ),
        pytest.param(
            {"attributes": {"gen_ai.tool.call.arguments": '{"a": 1}'}},
            {"attributes": {"gen_ai.tool.call.arguments": '{"a": 2}'}},
            2, id="other-arguments",
        ),
        pytest.param(
            {"attributes": {"gen_ai.tool.call.arguments": '{"a": "x"}'}},
            {"attributes": {"gen_ai.tool.call.arguments": "x"}},
            1, id="the-same-arguments-otherwise",
        ),
    ],
)  # fmt: skip
def test_a_tool_reported_beside_itself(first, second, runs):
    """Two instrumentations' spans of one run of a tool are one, wherever they are."""
    task = task_of(
        agent("root"),
        make_span("branch", "root", end=9),
        tool("a", **{"parent": "root", "start": 1, "end": 5, "scope": "one", **first}),
        tool("b", **{"parent": "root", "start": 2, "end": 4, "scope": "two", **second}),
        chat("c", "root", start=8),
    )
    assert len(tools_of(task)) == runs


@pytest.mark.parametrize(
    ("again", "runs"),
    [
        pytest.param({}, 1, id="a-replay"),
        pytest.param({"end": 9}, 2, id="as-long-as-the-first"),
        pytest.param({"id": "other"}, 2, id="another-id"),
        pytest.param({"result": "dry"}, 2, id="another-result"),
        pytest.param({"arguments": "{}"}, 2, id="other-arguments"),
        pytest.param({"start": 2, "end": 2.1}, 2, id="at-the-same-time"),
    ],
)
def test_a_tool_in_a_replay(again, runs):
    """A durable workflow's replay reports what ran before: with its id, and at once."""

    def run(key, *, start, end, **own):
        facts = {"id": "k1", "arguments": '{"a": 1}', "result": "wet", **own}
        attributes = {f"gen_ai.tool.call.{name}": facts[name] for name in facts}
        return tool(key, "root", start=start, end=end, attributes=attributes)

    task = task_of(
        agent("root", end=9),
        run("a", start=1, end=5),
        run("b", **{"start": 6, "end": 6.1, **again}),
        chat("c", "root", start=9),
    )
    assert len(tools_of(task)) == runs


def test_layers_below_a_mirrored_tool():
    """The layers below either report of a run are that run."""
    task = task_of(
        agent("root"),
        tool("a", "root", start=1, end=5, scope="one"),
        tool("b", "root", start=1, end=5, scope="two"),
        tool("c", "b", tool="mcp__s__f", start=2, end=4, scope="mcp"),
        chat("d", "root", start=8),
    )
    assert len(tools_of(task)) == 1


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        pytest.param({}, ["f", "g"], id="a-frame"),
        pytest.param({"gen_ai.tool.name": "run"}, ["run", "f", "g"], id="named"),
        pytest.param(ids("1"), ["run", "f", "g"], id="with-an-id"),
    ],
)
def test_a_node_that_runs_tools_is_none(attributes, names):
    """Graphs have a node for tools, with the operation of the tools in it."""
    operation = {"gen_ai.operation.name": "execute_tool"}
    task = task_of(
        agent("root", end=20),
        make_span("n", "root", operation | attributes, name="run", start=1, end=8),
        tool("t", "n", name="execute_tool f", attributes={"gen_ai.tool.name": "f"}, start=2),
        tool("u", "n", name="execute_tool g", attributes={"gen_ai.tool.name": "g"}, start=4),
    )  # fmt: skip
    assert [t.tool_name for t in tools_of(task)] == names
