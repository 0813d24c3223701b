"""Programs that ask no model, however their spans are worded, make no run of an agent.

The spans are written by hand, as the code of shops, trainings, forums, games, call
centres and the like would write them.
"""

from __future__ import annotations

import pytest

from infinium_otel import spans_to_tasks
from support.records import agent, chat, make_span, task_of, tokens_of

FAILED = {"status": "error", "status_message": "it failed"}

PROGRAMS = [
    pytest.param(
        "support.ticket",
        {
            "ticket.messages": '[{"role": "customer", "text": "help"}, {"role": "agent", "text": "sure"}]',
            "agent.name": "Ann",
        },
        {},
        id="shop-assistant",
    ),
    pytest.param(
        "ticket",
        {
            "messages": '[{"role": "user", "text": "help", "at": "10:00"}, {"role": "system", "text": "Ann joined", "at": "10:01"}]'
        },
        {},
        id="support-user-system",
    ),
    pytest.param(
        "stock.lookup",
        {"product.model": "GPT-4 Turbo Blender", "product.name": "Blender"},
        {},
        id="sd-model",
    ),
    pytest.param(
        "train.step",
        {
            "model": "bert-base",
            "train.tokens": 4096,
            "train.tokens_per_second": 300,
            "loss": 0.2,
        },
        {},
        id="ml-batch",
    ),
    pytest.param(
        "dataset.tokenize",
        {
            "tokenizer.input.tokens": 300,
            "tokenizer.output.tokens": 320,
            "model": "bert-base",
        },
        {},
        id="ml-dataset",
    ),
    pytest.param(
        "evaluate",
        {"model.name": "fraud-v3", "input": "[1, 2]", "output": "[0.1]"},
        {},
        id="ml-eval",
    ),
    pytest.param(
        "mlflow.run",
        {"mlflow.run_id": "7", "mlflow.experiment": "x"},
        FAILED,
        id="mlflow-run",
    ),
    pytest.param(
        "online_store.read",
        {"feature.model": "fraud", "feature.service": "x", "output": "[1]"},
        FAILED,
        id="feast",
    ),
    pytest.param(
        "cad.open",
        {"model": "Engine block", "model.id": "77", "model.vendor": "Siemens"},
        FAILED,
        id="cad",
    ),
    pytest.param(
        "call.transfer",
        {"call.id": "c77", "transfer.to.agent": "Bob", "agent.name": "Ann"},
        {},
        id="pbx-transfer",
    ),
    pytest.param(
        "route",
        {"target.agent": "team-2", "queue.depth": 7},
        {},
        id="callcenter-target",
    ),
    pytest.param(
        "collect",
        {"component.type": "agent", "component.name": "otelcol"},
        FAILED,
        id="component-agent",
    ),
    pytest.param(
        "consume",
        {"messaging.system": "kafka", "message.id": "7", "tool.name": "x"},
        {},
        id="mq-tools",
    ),
    pytest.param(
        "batch",
        {"batch.messages": '[{"role": "producer", "message": "m"}]', "model": "Order"},
        {},
        id="mq-msgs",
    ),
    pytest.param(
        "slack.post",
        {"chat.id": "C7", "thread.id": "8", "message.text": "hi", "user.id": "U"},
        {},
        id="slack",
    ),
    pytest.param(
        "room.sync",
        {"conversation.id": "c", "messages": '[{"sender": "a", "content": "x"}]'},
        {},
        id="matrix",
    ),
    pytest.param(
        "forum.read",
        {
            "model": "Post",
            "messages": '[{"role": "moderator", "content": "x"}]',
            "output": "3",
        },
        {},
        id="forum-model",
    ),
    pytest.param(
        "forum.read",
        {
            "model": "Post",
            "messages": '[{"role": "user", "content": "x", "post_id": 3}]',
            "output": "3",
        },
        {},
        id="forum-user",
    ),
    pytest.param(
        "compile",
        {"compiler.tokens.in": 300, "compiler.tokens.out": 280, "model": "c99"},
        {},
        id="compiler",
    ),
    pytest.param(
        "sqlparse",
        {
            "parser.input_tokens": 30,
            "parser.output_tokens": 12,
            "query": "select 1",
            "output": "ast",
        },
        {},
        id="sql-parser",
    ),
    pytest.param(
        "figma.sync",
        {"design.tokens.input": 30, "design.tokens.output": 30},
        {},
        id="design-tokens",
    ),
    pytest.param(
        "swap",
        {
            "token.in": "USDC",
            "token.out": "ETH",
            "token.in.amount": 100,
            "token.out.amount": 3,
        },
        {},
        id="dex2",
    ),
    pytest.param(
        "quote",
        {"model": "usage-based", "usage.input": 300, "usage.output": 10},
        {},
        id="pricing2",
    ),
    pytest.param(
        "documentLoad",
        {
            "user_agent.original": "Mozilla/5.0 Claude-User/1.0",
            "browser.language": "en",
        },
        FAILED,
        id="browser",
    ),
    pytest.param(
        "resolve",
        {
            "graphql.operation.name": "chat",
            "model": "User",
            "query": "{me{role}}",
            "output": "{}",
        },
        {},
        id="graphql",
    ),
    pytest.param(
        "lsp.complete",
        {"lsp.completion.items": 30, "editor.prompt": "foo", "completion": "foobar"},
        {},
        id="autocomplete",
    ),
    pytest.param(
        "course.progress",
        {
            "course.completion": "0.4",
            "course.model": "self-paced",
            "course.prompt": "Continue?",
        },
        FAILED,
        id="completion-rate",
    ),
    pytest.param(
        "wizard",
        {"cli.prompt": "Overwrite file?", "cli.answer": "yes please"},
        {},
        id="cli-prompt",
    ),
    pytest.param(
        "quiz.submit",
        {
            "quiz.question": "What is 2+2?",
            "quiz.answer": "It is 4",
            "quiz.model": "adaptive",
        },
        FAILED,
        id="quiz",
    ),
    pytest.param(
        "survey",
        {"survey.question": "How are you?", "survey.response": "very well"},
        {},
        id="survey",
    ),
    pytest.param(
        "engine.move",
        {"engine": "stockfish", "engine.input": "e4", "engine.output": "e5"},
        FAILED,
        id="chess",
    ),
    pytest.param(
        "alloc",
        {"resource.type": "memory", "resource.kind": "memory"},
        {},
        id="memory",
    ),
    pytest.param("review", {"form.kind": "evaluation"}, {}, id="eval-kind"),
    pytest.param(
        "etl",
        {
            "step.type": "task",
            "pipeline.model": "star-schema",
            "input": "t1",
            "output": "t2",
        },
        FAILED,
        id="pipeline",
    ),
    pytest.param(
        "recommend",
        {"model": "two-tower", "prompt.id": "7", "embedding.dim": 64},
        FAILED,
        id="recsys",
    ),
    pytest.param("retrieval of parcels", {"parcel": "x"}, FAILED, id="retr"),
    pytest.param(
        "order",
        {"exchange": "gemini", "symbol": "BTC"},
        {**FAILED, "scope": "ccxt.gemini"},
        id="gemini-x",
    ),
    pytest.param(
        "translate",
        {
            "mt.model": "opus-de-en",
            "mt.input": "Hallo Welt",
            "mt.output": "Hello world",
        },
        FAILED,
        id="mt",
    ),
    pytest.param(
        "User.find",
        {"model": "User", "params": '{"id": 3}'},
        FAILED,
        id="rails",
    ),
    pytest.param(
        "socket.send",
        {
            "message": '{"message": "hello", "from": "bob"}',
            "messages": '[{"message": "hello", "from": "bob"}]',
        },
        {},
        id="chat-msg-obj",
    ),
    pytest.param(
        "train",
        {"model.name": "resnet50", "model.version": "3", "epoch": 3, "loss": 0.1},
        FAILED,
        id="ml-train",
    ),
    pytest.param(
        "page",
        {"browser.user_agent": "x", "user_agent.name": "Firefox"},
        {},
        id="agent-ua",
    ),
    pytest.param(
        "policy.issue",
        {"agent.name": "Bob Meyer", "agent.id": "17", "policy.id": "p1"},
        FAILED,
        id="agent-ins-fail",
    ),
    pytest.param(
        "call.route",
        {"call.id": "c1", "agent.id": "17", "agent.name": "Ann", "queue": "sales"},
        {},
        id="agent-tel",
    ),
    pytest.param(
        "sip.invite",
        {"sip.call.id": "abc@1.2.3.4", "call.id": "abc"},
        {},
        id="callid",
    ),
    pytest.param("x", {}, {**FAILED, "scope": "travel.agency"}, id="agency"),
    pytest.param("agent run", {}, {**FAILED, "scope": "jenkins.agent"}, id="ci-agent"),
    pytest.param(
        "3d.load",
        {"mesh.model": "bunny.obj", "mesh.vertices": 7},
        FAILED,
        id="emb",
    ),
    pytest.param(
        "feast.get",
        {
            "feature.model": "fraud_v3",
            "feature.view": "x",
            "input": "id=1",
            "output": "[0.3]",
        },
        {},
        id="feature",
    ),
    pytest.param(
        "predict",
        {
            "model.name": "fraud_v3",
            "model.input": '{"amount": 3}',
            "model.output": "0.7",
        },
        FAILED,
        id="pred",
    ),
    pytest.param(
        "predict",
        {"model": "xgboost", "input": "[1, 2]", "prediction": "0.7"},
        {},
        id="pred2",
    ),
    pytest.param(
        "publish",
        {
            "messages.count": 3,
            "messages": '[{"key": "a", "message": "x"}]',
            "topic": "t",
        },
        {},
        id="kafka",
    ),
    pytest.param(
        "publish",
        {
            "model": "OrderCreated",
            "messages": '[{"key": "a", "message": "x"}]',
            "topic": "t",
        },
        {},
        id="mq-model",
    ),
    pytest.param(
        "form",
        {"choices": '[{"role": "admin"}, {"role": "viewer"}]', "form.model": "User"},
        {},
        id="role-choices",
    ),
    pytest.param(
        "iam.bind",
        {"input": '[{"role": "roles/editor", "members": ["x"]}]', "model": "policy"},
        {},
        id="iam",
    ),
    pytest.param("retrieval", {"x": 1}, {}, id="retrieval"),
]


@pytest.mark.parametrize(("name", "attributes", "more"), PROGRAMS)
def test_an_ordinary_program(name, attributes, more):
    """Alone it is no run; inside a run it is no call, and adds no token."""
    assert spans_to_tasks([make_span("s", None, attributes, name=name, **more)]) == []
    inside = make_span("s", "run", attributes, name=name, start=3, **more)
    task = task_of(agent("run"), chat("call", "run", start=1), inside)
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.api_calls_count == 1
