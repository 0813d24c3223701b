"""The listener: events of agentix's loop, as spans."""

from __future__ import annotations

import inspect
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from infinium_otel.dialects.genai import tool_attributes
from infinium_otel.models import parts
from infinium_otel.models.agentix.calls import DECLINED
from infinium_otel.models.agentix.instrumentation._run import (
    CURRENT_RUN,
    OpenRun,
    end_tool,
    enter,
    get_open_span,
    mark_error,
    record_failure,
)
from infinium_otel.models.agentix.live_objects import (
    read_call,
    read_message,
    read_outcome,
    read_parsed,
)
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.agentix.types import ENDED_WELL
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import drop_nulls, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.trace import Span, Tracer

SCOPE = "agentix"


class AgentixEvents:
    """An `agentix.AgentEvents` that makes standard spans of a run.

    Pass it to `Agent(events=...)` and wrap the run in `run()`, or let `instrument` do
    both. One instance can serve concurrent runs.

    Args:
        agent_name: the agent's name.
        model: the model's name, which agentix does not have.
        provider: the model's provider, as the conventions name it ("anthropic").
        capture_content: False omits prompts, answers, arguments and results.
        tracer: None takes the global provider's.
        also: another `AgentEvents` that receives every event too.
    """

    def __init__(  # noqa: PLR0913 - every one is optional and given by name
        self,
        *,
        agent_name: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        capture_content: bool = True,
        tracer: Tracer | None = None,
        also: Any = None,
    ) -> None:
        self.agent_name = agent_name
        self.model = model
        self.provider = provider
        self.capture_content = capture_content
        self.also = also
        self._tracer = tracer

    async def emit(self, name: str, *args: Any) -> None:
        """Receive one event of agentix's loop."""
        handler: Callable[..., None] | None = getattr(self, name, None)
        if handler is not None:
            handler(*args)
        if self.also is not None:
            result = self.also.emit(name, *args)
            if inspect.isawaitable(result):
                await result

    @contextmanager
    def run(self, run_id: str | None = None) -> Iterator[Span]:
        """The root span of one run, current while it lasts."""
        state = self.open(run_id)
        leave = enter(state)
        try:
            yield state.root
        except BaseException as error:
            record_failure(state, error)
            raise
        finally:
            leave()
            self.close(state)

    def open(self, run_id: str | None) -> OpenRun:
        """Begin a run."""
        now = time.time_ns()
        name = f"invoke_agent {self.agent_name}" if self.agent_name else "invoke_agent"
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self.agent_name,
            "gen_ai.conversation.id": run_id,
            "agentix.run.id": run_id,
        }
        root = self._get_tracer().start_span(
            name, attributes=drop_nulls(attributes), start_time=now
        )
        return OpenRun(root, now)

    def close(self, state: OpenRun) -> None:
        """End a run and its open spans."""
        self._end_tools(state)
        state.root.end()

    def _get_tracer(self) -> Tracer:
        return self._tracer or trace.get_tracer(SCOPE)

    def _current_run(self) -> OpenRun:
        """The current run; a new one if none is open."""
        state = CURRENT_RUN.get()
        if state is None:
            state = self.open(None)
            state.implicit = True
            CURRENT_RUN.set(state)
        return state

    def _content(self, **texts: Any) -> dict[str, Any]:
        """Content attributes, if content is captured; keys have `__` for a dot."""
        if not self.capture_content:
            return {}
        return drop_nulls({key.replace("__", "."): text for key, text in texts.items()})

    # Events of agentix's loop

    def on_model(self, messages: Any, response: Any) -> None:
        """A turn of the model has ended."""
        state = self._current_run()
        self._end_tools(state)
        now = time.time_ns()
        span = self._get_tracer().start_span(
            f"chat {self.model}" if self.model else "chat",
            context=trace.set_span_in_context(state.root),
            kind=SpanKind.CLIENT,
            attributes={
                **self._turn(response),
                **self._turn_content(messages, response),
            },
            start_time=state.since_ns,
        )
        if state.first_chunk_ns is not None:
            waited = (state.first_chunk_ns - state.since_ns) / 1e9
            span.set_attribute("gen_ai.request.stream", True)  # noqa: FBT003 - the value of an attribute
            span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
        span.end(now)
        state.since_ns, state.first_chunk_ns = now, None

    def _turn(self, response: Any) -> dict[str, Any]:
        # Both are 0 where the model's adapter does not count: the usage is unknown.
        counted = bool(response.input_tokens or response.output_tokens)
        reason = "stop" if response.is_final else "tool_calls"
        return drop_nulls(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": self.provider,
                "gen_ai.request.model": self.model,
                "gen_ai.response.finish_reasons": [reason],
                "gen_ai.usage.input_tokens": response.input_tokens if counted else None,
                "gen_ai.usage.output_tokens": response.output_tokens
                if counted
                else None,
                "agentix.tokens_used": response.tokens_used,
                "agentix.cost_usd": response.cost_usd,
                "gen_ai.usage.cost": response.cost_usd or None,
            }
        )

    def _turn_content(self, messages: Any, response: Any) -> dict[str, Any]:
        if not self.capture_content:
            return {}
        calls = map(read_call, response.tool_calls)
        answer_parts = [parts.text_part(response.text)]
        answer_parts += [
            parts.tool_call_part(c["id"], c["name"], c["args"]) for c in calls
        ]
        answer = parts.message("assistant", answer_parts, **{"agentix.trusted": True})
        return self._content(
            gen_ai__input__messages=to_messages(map(read_message, messages)),
            gen_ai__output__messages=to_json([answer]),
        )

    def on_tool_call(self, call: Any) -> None:
        """The guards are about to check a call."""
        state = self._current_run()
        self._end_tools(state)
        fields = read_call(call)
        span = self._get_tracer().start_span(
            f"execute_tool {call.name}",
            context=trace.set_span_in_context(state.root),
            attributes={
                **tool_attributes(call.name, call_id=call.id, tool_type="function"),
                **self._content(gen_ai__tool__call__arguments=to_json(fields["args"])),
            },
        )
        token = otel_context.attach(trace.set_span_in_context(span))
        state.tools[id(call)] = span, token

    def on_guard_decision(self, call: Any, decision: Any) -> None:
        """A guard has allowed or denied a call, or requires a human's approval."""
        state = self._current_run()
        span = get_open_span(state, call)
        if span is None:
            return
        word = str(getattr(decision.type, "value", decision.type))
        span.add_event("guard_decision", {"decision": word, "reason": decision.reason})
        span.set_attribute("agentix.tool.decision", word)
        if word == "deny":
            self._refuse(state, call, "ToolDenied", decision.reason)

    def on_confirm(self, call: Any, approved: bool) -> None:  # noqa: FBT001 - agentix passes it so
        """A human has approved or declined a call."""
        state = self._current_run()
        span = get_open_span(state, call)
        if span is None:
            return
        span.add_event("confirm", {"approved": approved})
        span.set_attribute("agentix.tool.approved", approved)
        if not approved:
            self._refuse(state, call, "ToolDeclined", DECLINED)

    def _refuse(self, state: OpenRun, call: Any, kind: str, why: str) -> None:
        span = state.tools[id(call)][0]
        span.set_attribute("agentix.tool.ok", False)  # noqa: FBT003 - the value of an attribute
        mark_error(span, kind, why)
        end_tool(state, id(call))

    def on_tool_result(self, call: Any, result: Any) -> None:
        """A tool has returned."""
        state = self._current_run()
        span = get_open_span(state, call)
        if span is None:
            return
        message = read_message(result)
        ok = message.meta.get("ok") is not False
        span.set_attributes(
            {
                "agentix.tool.ok": ok,
                "agentix.message.trusted": message.trusted,
                "agentix.cost_usd": float(message.meta.get("cost_usd") or 0.0),
                "agentix.tokens_used": int(message.meta.get("tokens_used") or 0),
                **self._content(gen_ai__tool__call__result=message.text),
            }
        )
        if not ok:
            mark_error(span, "tool_error", message.text if self.capture_content else "")
        end_tool(state, id(call))

    def on_compact(self, before_count: int, after_count: int) -> None:
        """The conversation has been shortened."""
        counts = {"before": before_count, "after": after_count}
        self._current_run().root.add_event("agentix.compact", counts)

    def on_suspend(self, outcome: Any) -> None:
        """The run waits for a human: each waiting call gets a span."""
        state = self._current_run()
        for waiting in outcome.pending:
            self.on_tool_call(waiting.call)
            span = state.tools[id(waiting.call)][0]
            span.set_attribute("agentix.tool.decision", "confirm")
            span.set_attribute("agentix.tool.pending", True)  # noqa: FBT003 - the value of an attribute
            span.set_attribute("agentix.tool.pending.reason", waiting.reason)
            span.set_attribute("infinium.step.action", "approval_pending")
            end_tool(state, id(waiting.call))
        self.on_final(outcome)

    def on_final(self, outcome: Any) -> None:
        """The run has ended, or is suspended."""
        state = self._current_run()
        self._end_tools(state)
        root = state.root
        root.set_attributes(
            drop_nulls(
                {
                    "agentix.outcome.status": outcome.status,
                    "agentix.outcome.reason": outcome.reason,
                    "agentix.outcome.steps": outcome.steps,
                    "agentix.outcome.tokens_used": outcome.tokens_used,
                    "agentix.outcome.cost_usd": outcome.cost_usd,
                    **self._outcome_content(outcome),
                }
            )
        )
        if outcome.status == "aborted":
            mark_error(root, outcome.reason or "aborted", "")
        elif outcome.status in ENDED_WELL:
            root.set_status(StatusCode.OK)
        if state.implicit:
            self.close(state)
            CURRENT_RUN.set(None)

    def _outcome_content(self, outcome: Any) -> dict[str, Any]:
        if not self.capture_content:
            return {}
        record = read_outcome(outcome)
        turns = [i for i, m in enumerate(record.transcript) if m.role == "assistant"]
        first = turns[0] if turns else len(record.transcript)
        tail = record.transcript[turns[-1] + 1 :] if turns else ()
        parsed = read_parsed(outcome.parsed)
        return self._content(
            gen_ai__input__messages=to_messages(record.transcript[:first]),
            gen_ai__output__messages=parts.write_final_message(record.answer),
            agentix__outcome__parsed=None if parsed is None else to_json(parsed),
            agentix__pending=to_json(dump(record.pending)) if record.pending else None,
            agentix__transcript__tail=to_messages(tail),
        )

    def _end_tools(self, state: OpenRun) -> None:
        """End the calls that got no result: no such tool exists."""
        for key in list(state.tools):
            mark_error(state.tools[key][0], "tool_error", "no result")
            end_tool(state, key)
