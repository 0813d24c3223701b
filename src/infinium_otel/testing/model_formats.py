"""Requests and responses of the model APIs that `ScriptedModel` serves.

Source: openai 3.57 and anthropic 2.14, `types`, whose clients read these responses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.testing.model_streams import (
    split_text,
    stream_message,
    stream_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.testing.script import Answer, ToolRequest

CREATED_S = 1_767_225_600
"""A time for responses that need one: 2026-01-01."""


@dataclass(frozen=True, slots=True)
class Format:
    """One API.

    Args:
        complete: the response's JSON, given the model, the answer's number, the answer.
        fail: the JSON of an error, given its message.
        stream: the response's events, given the same.
    """

    complete: Callable[[str, int, Answer], dict[str, Any]]
    fail: Callable[[str], dict[str, Any]]
    stream: Callable[[str, int, Answer], list[bytes]]


def find_format(path: str) -> Format | None:
    """The API of which *path* is; None for others."""
    return next((form for end, form in FORMATS.items() if path.endswith(end)), None)


def find_newest(request: dict[str, Any]) -> str:
    """The text of the newest message of a request: a question or a tool's result."""
    messages = request.get("messages", request.get("input"))
    if isinstance(messages, str):
        return messages
    if not isinstance(messages, list) or not messages:
        return ""
    return _read_text(messages[-1])


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_read_text, value)))
    if isinstance(value, dict):
        for name in ("content", "output", "text"):
            if name in value:
                return _read_text(value[name])
    return ""


def _make_id(number: int, place: int, tool: ToolRequest) -> str:
    return tool.id or f"call_{number}_{place}"


# -- OpenAI, chat completions --------------------------------------------------------


def _make_chat_calls(number: int, answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": _make_id(number, place, tool),
            "type": "function",
            "function": {"name": tool.name, "arguments": json.dumps(tool.arguments)},
        }
        for place, tool in enumerate(answer.tools)
    ]


def _make_chat_head(model: str, number: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number}",
        "object": kind,
        "created": CREATED_S,
        "model": model,
    }


def _make_chat_usage(answer: Answer) -> dict[str, Any]:
    prompt, completion = answer.tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _complete_chat(model: str, number: int, answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.tools:
        message["tool_calls"] = _make_chat_calls(number, answer)
    reason = "tool_calls" if answer.tools else "stop"
    return {
        **_make_chat_head(model, number, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": _make_chat_usage(answer),
    }


def _stream_chat(model: str, number: int, answer: Answer) -> list[bytes]:
    chunks = _iter_chat_chunks(model, number, answer)
    return [
        *(f"data: {json.dumps(c)}\n\n".encode() for c in chunks),
        b"data: [DONE]\n\n",
    ]


def _iter_chat_chunks(
    model: str, number: int, answer: Answer
) -> Iterator[dict[str, Any]]:
    head = _make_chat_head(model, number, "chat.completion.chunk")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": part} for part in split_text(answer.text or "")]
    deltas += [
        {"tool_calls": [{"index": index, **call}]}
        for index, call in enumerate(_make_chat_calls(number, answer))
    ]
    for delta in deltas:
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if answer.tools else "stop"
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield {**head, "choices": [], "usage": _make_chat_usage(answer)}


def _fail_openai(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "recorded", "code": None}}


# -- OpenAI, responses ---------------------------------------------------------------


def _complete_response(model: str, number: int, answer: Answer) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if answer.text is not None:
        text = {"type": "output_text", "text": answer.text, "annotations": []}
        output.append(
            {
                "type": "message",
                "id": f"msg_{number}",
                "role": "assistant",
                "status": "completed",
                "content": [text],
            }
        )
    output += [
        {
            "type": "function_call",
            "id": f"fc_{number}_{place}",
            "call_id": _make_id(number, place, tool),
            "name": tool.name,
            "arguments": json.dumps(tool.arguments),
            "status": "completed",
        }
        for place, tool in enumerate(answer.tools)
    ]
    prompt, completion = answer.tokens
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": CREATED_S,
        "model": model,
        "status": "completed",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        },
    }


def _stream_response(model: str, number: int, answer: Answer) -> list[bytes]:
    return stream_response(_complete_response(model, number, answer))


# -- Anthropic, messages -------------------------------------------------------------


def _complete_message(model: str, number: int, answer: Answer) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    content += [
        {
            "type": "tool_use",
            "id": _make_id(number, place, tool),
            "name": tool.name,
            "input": dict(tool.arguments),
        }
        for place, tool in enumerate(answer.tools)
    ]
    prompt, completion = answer.tokens
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if answer.tools else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": prompt, "output_tokens": completion},
    }


def _stream_message(model: str, number: int, answer: Answer) -> list[bytes]:
    return stream_message(_complete_message(model, number, answer))


def _fail_anthropic(message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "api_error", "message": message}}


FORMATS = {
    "/chat/completions": Format(_complete_chat, _fail_openai, _stream_chat),
    "/responses": Format(_complete_response, _fail_openai, _stream_response),
    "/messages": Format(_complete_message, _fail_anthropic, _stream_message),
}
