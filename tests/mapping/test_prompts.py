"""The stored prompts of a run: on its calls, in its tags, in Infinium's own record."""

from __future__ import annotations

from infinium_otel import Config, task_to_dict
from support.records import agent, chat, make_span, task_of, tool

LANGFUSE = {
    "langfuse.observation.prompt.name": "critic",
    "langfuse.observation.prompt.version": 2,
}


def own(version, name="greeting", prompt_id="id-1", variables=""):
    return {
        "infinium.prompt.id": prompt_id,
        "infinium.prompt.name": name,
        "infinium.prompt.version": version,
        "infinium.prompt.variables": variables,
    }


def tags(task):
    found = task.environment.custom_tags
    return {k: v for k, v in found.items() if k.startswith("prompt.")}


def test_without_prompts():
    """A run without prompts has no record of any."""
    task = task_of(agent(), chat(parent="agent"))
    assert "prompt_studio" not in task_to_dict(task)
    assert tags(task) == {}


def test_others_prompts():
    """Prompts of another store are on the call and in the tags, not in Infinium's record."""
    task = task_of(agent(), chat(parent="agent", attributes=LANGFUSE))
    assert "prompt_studio" not in task_to_dict(task)
    assert tags(task) == {"prompt.critic": "2"}
    [step] = [step for step in task.steps if step.llm_call]
    assert step.metadata["prompts"] == [
        {"name": "critic", "version": 2, "source": "langfuse"}
    ]


def test_only_calls_use_prompts():
    """A tool or a plain span with a prompt on it counts for the run, not as its user.

    Source: langfuse/langfuse#14962, livekit/agents#4400.
    """
    task = task_of(
        agent(attributes=LANGFUSE),
        tool(parent="agent", attributes=LANGFUSE),
        make_span("llm_node", "agent", LANGFUSE),
        chat(parent="agent"),
    )
    using = [step.action for step in task.steps if "prompts" in step.metadata]
    assert using == []
    assert tags(task) == {"prompt.critic": "2"}


def test_each_version_once():
    """A version is listed once, with all its variables; another version is another."""
    task = task_of(
        agent(),
        chat("a", "agent", attributes=own(1, variables="x"), start=1),
        chat("b", "agent", attributes=own(1, variables="x,y"), start=2),
        chat("c", "agent", attributes=own(2), start=3),
    )
    used = task_to_dict(task)["prompt_studio"]["prompts_used"]
    assert [(each["version"], each["variables_used"]) for each in used] == [
        (1, ["x", "y"]),
        (2, None),
    ]
    assert tags(task) == {"prompt.greeting": "1, 2"}


def test_without_an_id():
    """Without an id a prompt of our store is not in the record, but in the tags."""
    task = task_of(chat(attributes=own(1, prompt_id="")))
    assert "prompt_studio" not in task_to_dict(task)
    assert tags(task) == {"prompt.greeting": "1"}


def test_a_version_without_a_name():
    """OpenInference's templates have a version and no name."""
    version = {"openinference.span.kind": "LLM", "llm.prompt_template.version": "v1"}
    assert tags(task_of(chat(attributes=version))) == {"prompt.unnamed": "v1"}


def test_a_folded_span():
    """A prompt on the outer of two reports of one call is on the step of the call."""
    task = task_of(
        agent(),
        chat("outer", "agent", attributes=own(7), scope="one", start=1, end=3),
        chat("inner", "outer", scope="two", start=1.1, end=2.9),
    )
    [step] = [step for step in task.steps if step.llm_call]
    assert [each["version"] for each in step.metadata["prompts"]] == [7]


def test_content_off():
    """Names and versions are not content."""
    config = Config(capture_content=False)
    task = task_of(chat(attributes=own(1, variables="x")), config=config)
    [used] = task_to_dict(task)["prompt_studio"]["prompts_used"]
    assert (used["prompt_name"], used["version"]) == ("greeting", 1)


def test_bounds():
    """A task names at most twenty prompts, and twenty versions of one."""
    many = [
        chat(f"c{n}", "agent", attributes=own(n, f"p{n}", f"id-{n}"), start=n)
        for n in range(1, 30)
    ]
    task = task_of(agent(end=40), *many)
    assert len(task_to_dict(task)["prompt_studio"]["prompts_used"]) == 20
    assert len(tags(task)) == 20
    versions = [
        chat(f"c{n}", "agent", attributes=own(n), start=n) for n in range(1, 30)
    ]
    assert tags(task_of(agent(end=40), *versions))["prompt.greeting"].count(",") == 19
