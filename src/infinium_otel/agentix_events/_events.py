"""The listener: what agentix's loop tells, as spans."""

from __future__ import annotations

import inspect
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from infinium_otel.agentix_events._run import (
    PRESENT,
    OpenRun,
    end_tool,
    entered,
    failed,
    mark_error,
    open_span,
)
from infinium_otel.models import parts
from infinium_otel.models.agentix.calls import DECLINED
from infinium_otel.models.agentix.live import (
    call_from,
    message_from,
    outcome_from,
    parsed_from,
)
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.agentix.types import ENDED_WELL
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import as_json, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.trace import Span, Tracer

SCOPE = "agentix"


class AgentixEvents:
    """An `agentix.AgentEvents` that makes standard spans of a run.

    Give it to `Agent(events=...)` and wrap the run in `run()`; or let `instrument`
    do both. One instance may serve many runs at once.

    Args:
        agent_name: of the agent.
        model: name of the model; agentix does not know it.
        provider: of the model, in the conventions' words ("anthropic").
        capture_content: False leaves out prompts, answers, arguments and results.
        tracer: None takes the global provider's.
        also: further events to pass everything on to.
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
        """Hear one event of agentix's loop."""
        hear: Callable[..., None] | None = getattr(self, name, None)
        if hear is not None:
            hear(*args)
        if self.also is not None:
            passed = self.also.emit(name, *args)
            if inspect.isawaitable(passed):
                await passed

    @contextmanager
    def run(self, run_id: str | None = None) -> Iterator[Span]:
        """The root span of one run, current while it lasts."""
        state = self.opened(run_id)
        leave = entered(state)
        try:
            yield state.root
        except BaseException as error:
            failed(state, error)
            raise
        finally:
            leave()
            self.closed(state)

    def opened(self, run_id: str | None) -> OpenRun:
        """A run that begins now."""
        now = time.time_ns()
        name = f"invoke_agent {self.agent_name}" if self.agent_name else "invoke_agent"
        said = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self.agent_name,
            "gen_ai.conversation.id": run_id,
            "agentix.run.id": run_id,
        }
        root = self._trace().start_span(name, attributes=present(said), start_time=now)
        return OpenRun(root, now)

    def closed(self, state: OpenRun) -> None:
        """End a run, and whatever of it is open still."""
        self._end_tools(state)
        state.root.end()

    def _trace(self) -> Tracer:
        return self._tracer or trace.get_tracer(SCOPE)

    def _state(self) -> OpenRun:
        """The present run; one that begins now where nobody opened it."""
        state = PRESENT.get()
        if state is None:
            state = self.opened(None)
            state.lone = True
            PRESENT.set(state)
        return state

    def _content(self, **said: Any) -> dict[str, Any]:
        """Texts, where they may be told; keys have `__` for a dot."""
        if not self.capture_content:
            return {}
        return present({key.replace("__", "."): text for key, text in said.items()})

    # What agentix's loop tells

    def on_model(self, messages: Any, response: Any) -> None:
        """A turn of the model has ended."""
        state = self._state()
        self._end_tools(state)
        now = time.time_ns()
        span = self._trace().start_span(
            f"chat {self.model}" if self.model else "chat",
            context=trace.set_span_in_context(state.root),
            kind=SpanKind.CLIENT,
            attributes={**self._turn(response), **self._said(messages, response)},
            start_time=state.since_ns,
        )
        if state.first_chunk_ns is not None:
            waited = (state.first_chunk_ns - state.since_ns) / 1e9
            span.set_attribute("gen_ai.request.stream", True)  # noqa: FBT003 - the value of an attribute
            span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
        span.end(now)
        state.since_ns, state.first_chunk_ns = now, None

    def _turn(self, response: Any) -> dict[str, Any]:
        # Both are 0 where the model's adapter counts nothing: that is not known.
        counted = bool(response.input_tokens or response.output_tokens)
        reason = "stop" if response.is_final else "tool_calls"
        return present(
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

    def _said(self, messages: Any, response: Any) -> dict[str, Any]:
        if not self.capture_content:
            return {}
        calls = map(call_from, response.tool_calls)
        said = [parts.text_part(response.text)]
        said += [parts.tool_call_part(c["id"], c["name"], c["args"]) for c in calls]
        answer = parts.message("assistant", said, **{"agentix.trusted": True})
        return self._content(
            gen_ai__input__messages=to_messages(map(message_from, messages)),
            gen_ai__output__messages=as_json([answer]),
        )

    def on_tool_call(self, call: Any) -> None:
        """A call is about to be looked at, and perhaps run."""
        state = self._state()
        self._end_tools(state)
        said = call_from(call)
        span = self._trace().start_span(
            f"execute_tool {call.name}",
            context=trace.set_span_in_context(state.root),
            attributes={
                **present(
                    {
                        "gen_ai.operation.name": "execute_tool",
                        "gen_ai.tool.name": call.name,
                        "gen_ai.tool.type": "function",
                        "gen_ai.tool.call.id": call.id,
                    }
                ),
                **self._content(gen_ai__tool__call__arguments=as_json(said["args"])),
            },
        )
        token = otel_context.attach(trace.set_span_in_context(span))
        state.tools[id(call)] = span, token

    def on_guard_decision(self, call: Any, decision: Any) -> None:
        """A guard has allowed or denied a call, or wants a human to."""
        state = self._state()
        span = open_span(state, call)
        if span is None:
            return
        word = str(getattr(decision.type, "value", decision.type))
        span.add_event("guard_decision", {"decision": word, "reason": decision.reason})
        span.set_attribute("agentix.tool.decision", word)
        if word == "deny":
            self._refused(state, call, "ToolDenied", decision.reason)

    def on_confirm(self, call: Any, approved: bool) -> None:  # noqa: FBT001 - agentix passes it so
        """A human has approved or declined a call."""
        state = self._state()
        span = open_span(state, call)
        if span is None:
            return
        span.add_event("confirm", {"approved": approved})
        span.set_attribute("agentix.tool.approved", approved)
        if not approved:
            self._refused(state, call, "ToolDeclined", DECLINED)

    def _refused(self, state: OpenRun, call: Any, kind: str, why: str) -> None:
        span = state.tools[id(call)][0]
        span.set_attribute("agentix.tool.ok", False)  # noqa: FBT003 - the value of an attribute
        mark_error(span, kind, why)
        end_tool(state, id(call))

    def on_tool_result(self, call: Any, result: Any) -> None:
        """A tool has answered."""
        state = self._state()
        span = open_span(state, call)
        if span is None:
            return
        told = message_from(result)
        ok = told.meta.get("ok") is not False
        span.set_attributes(
            {
                "agentix.tool.ok": ok,
                "agentix.message.trusted": told.trusted,
                "agentix.cost_usd": float(told.meta.get("cost_usd") or 0.0),
                "agentix.tokens_used": int(told.meta.get("tokens_used") or 0),
                **self._content(gen_ai__tool__call__result=told.text),
            }
        )
        if not ok:
            mark_error(span, "tool_error", told.text if self.capture_content else "")
        end_tool(state, id(call))

    def on_compact(self, before_count: int, after_count: int) -> None:
        """The conversation has been shortened."""
        counts = {"before": before_count, "after": after_count}
        self._state().root.add_event("agentix.compact", counts)

    def on_suspend(self, outcome: Any) -> None:
        """The run waits for a human: each waiting call has its span."""
        state = self._state()
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
        """The run is over, or waits."""
        state = self._state()
        self._end_tools(state)
        root = state.root
        root.set_attributes(
            present(
                {
                    "agentix.outcome.status": outcome.status,
                    "agentix.outcome.reason": outcome.reason,
                    "agentix.outcome.steps": outcome.steps,
                    "agentix.outcome.tokens_used": outcome.tokens_used,
                    "agentix.outcome.cost_usd": outcome.cost_usd,
                    **self._told(outcome),
                }
            )
        )
        if outcome.status == "aborted":
            mark_error(root, outcome.reason or "aborted", "")
        elif outcome.status in ENDED_WELL:
            root.set_status(StatusCode.OK)
        if state.lone:
            self.closed(state)
            PRESENT.set(None)

    def _told(self, outcome: Any) -> dict[str, Any]:
        if not self.capture_content:
            return {}
        told = outcome_from(outcome)
        spoken = [i for i, m in enumerate(told.transcript) if m.role == "assistant"]
        first = spoken[0] if spoken else len(told.transcript)
        tail = told.transcript[spoken[-1] + 1 :] if spoken else ()
        parsed = parsed_from(outcome.parsed)
        return self._content(
            gen_ai__input__messages=to_messages(told.transcript[:first]),
            gen_ai__output__messages=parts.final_messages(told.answer),
            agentix__outcome__parsed=None if parsed is None else as_json(parsed),
            agentix__pending=as_json(dump(told.pending)) if told.pending else None,
            agentix__transcript__tail=to_messages(tail),
        )

    def _end_tools(self, state: OpenRun) -> None:
        """Calls of which nothing more was heard: there was nobody to run them."""
        for key in list(state.tools):
            mark_error(state.tools[key][0], "tool_error", "no result")
            end_tool(state, key)
