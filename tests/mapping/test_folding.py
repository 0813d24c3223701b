"""What folds into what."""

from __future__ import annotations

import pytest

from support.told import agent, chat, task_of, told, tool, tools_of


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
    said = {"mcp.method.name": method, **more}
    return told(key, parent, said, start=start, end=20 - start)


def test_a_relay_knows_a_call_by_another_name():
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
    """Client and server tell of one read."""
    task = task_of(
        agent("root", end=30),
        mcp("read", "root", "resources/read", 1, **{"mcp.resource.uri": "a://1"}),
        mcp("served", "read", method, 2, **{"mcp.resource.uri": uri}),
    )
    assert len(task.steps) == reads


def test_an_agent_run_by_a_tool_of_its_name_is_the_tools():
    """A tool that is an agent is told once, as the tool the model called."""
    task = task_of(
        agent("root"),
        tool("t", "root", "helper_tool", end=5),
        told("helper_tool", "t", {"gen_ai.operation.name": "invoke_agent"}, start=1),
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
    """The root is the task itself, and a step only for what it alone knows."""
    task = task_of(told("run", None, attributes, end=9), chat("c", "run"))
    assert len(task.steps) == steps


RETRIEVAL = {"gen_ai.operation.name": "retrieval"}


@pytest.mark.parametrize(
    ("inner", "steps"), [(1, 1), (2, 3)], ids=["a-layer", "an-ensemble"]
)
def test_retrievals_inside_a_retrieval(inner, steps):
    """Exactly one inside another tells the same; several are sources of their own."""
    documents = {"gen_ai.retrieval.documents": '[{"content": "a"}]'}
    task = task_of(
        agent("root"),
        told("outer", "root", RETRIEVAL, end=5),
        *(told(f"r{n}", "outer", RETRIEVAL | documents) for n in range(inner)),
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


def test_an_agent_told_twice_in_a_row_is_one():
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


def test_an_agent_between_two_of_another_name_is_its_own():
    """Agents of different names are different agents."""
    task = task_of(
        agent("root"), agent("a", "root", name="a"), agent("b", "a", name="b")
    )
    assert [s.description for s in task.steps] == ["Ran agent a", "Ran agent b"]


def test_frames_without_work_are_no_steps():
    """What a framework passes from step to step is no work; what it did is."""
    frames = {"openinference.span.kind": "CHAIN"}
    task = task_of(
        agent("root"),
        told("silent", "root", frames),
        told("same", "root", frames | {"input.value": "a", "output.value": "a"}),
        told("state", "root", frames | {
            "input.value": '{"messages": [{"role": "user", "content": "a"}]}'}),
        told("object", "root", frames | {"output.value": "<C object at 0x7f>"}),
        told("work", "root", frames | {"input.value": "a", "output.value": "B"}),
        tool("t", "root", start=2),
        told("inside", "t", frames | {"output.value": "B"}, start=2),
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
        told("read", "root", {"mcp.method.name": "resources/read"}),
        told("list", "root", {"mcp.method.name": "tools/list"}),
        chat("c", "root", start=2),
    )
    assert [s.action for s in task.steps] == ["retrieval", "llm_inference"]
