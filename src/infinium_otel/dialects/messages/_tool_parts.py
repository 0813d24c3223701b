"""Tool calls and their responses, in the shapes of every dialect and provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infinium_otel.dialects._repr_text import CLASS_NAME
from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.dialects.messages._content import unwrap_content
from infinium_otel.dialects.messages._values import (
    MessageBuilder,
    ToolCallPart,
    ToolResponsePart,
)

Part = Mapping[str, Any]


ARGUMENT_KEYS = ("arguments", "args", "input", "parameters", "tool_kwargs")

ID_KEYS = (
    "tool_call_id",
    "toolCallId",
    "tool_use_id",
    "toolUseId",
    "call_id",
    "callId",
    "tool_id",
    "id",
    "ref",
)

_CALL_KEYS = frozenset(ARGUMENT_KEYS)

RESULT_KEYS = ("response", "result", "output", "content", "tool_response", "value")

_CALL_CLASS = re.compile(r"\w*(?:ToolCall|FunctionCall|ToolUse)(?:Block|Part)?")


def is_tool_call(part: Part) -> bool:
    """Whether a part without a type is a tool call, by its class or its members."""
    name = part.get(CLASS_NAME)
    if isinstance(name, str) and _CALL_CLASS.fullmatch(name):
        return True
    names_tool = "tool_name" in part or "toolName" in part
    return names_tool and not _CALL_KEYS.isdisjoint(part)


def add_tool_call(builder: MessageBuilder, part: Part) -> None:
    call = parse_tool_call(part)
    if call is not None and call not in builder.tool_calls:
        if any(part.get(flag) is True for flag in _PROVIDER_FLAGS):
            call = replace(call, by_provider=True)
        builder.tool_calls.append(call)


_PROVIDER_FLAGS = ("builtin", "providerExecuted", "provider_executed")


def add_provider_tool_call(builder: MessageBuilder, part: Part) -> None:
    """A tool that the provider ran; the part may hold its result too."""
    inner = part.get("server_tool_call", part)
    inner = inner if isinstance(inner, MAPPING) else part
    kind = str(part.get("type") or part.get("part_kind"))
    name = part.get("name") or part.get("tool_name") or inner.get("name")
    if not isinstance(name, str) or not name:
        name = inner.get("type") if inner is not part else kind.removesuffix("_call")
    if not isinstance(name, str):
        return
    call_id = find_call_id(inner) or find_call_id(part)
    builder.tool_calls.append(
        ToolCallPart(name, _find_provider_arguments(inner), call_id, by_provider=True)
    )
    result = next((inner[k] for k in _PROVIDER_RESULTS if inner.get(k)), None)
    if result is not None:
        failed = True if inner.get("error") else None
        builder.responses.append(
            ToolResponsePart(unwrap_content(result), call_id, name, failed)
        )


_PROVIDER_ARGUMENTS = (*ARGUMENT_KEYS, "action", "queries", "query", "code")

_PROVIDER_RESULTS = ("error", "output", "outputs", "results", "result")


def _find_provider_arguments(call: Part) -> Any:
    found = next((k for k in _PROVIDER_ARGUMENTS if call.get(k) is not None), None)
    if found in ("queries", "query", "code"):
        return {found: call[found]}
    return None if found is None else loads(call[found])


def add_provider_response(builder: MessageBuilder, part: Part) -> None:
    """The result of a tool that the provider ran, as the conventions have it."""
    inner = part.get("server_tool_call_response")
    if isinstance(inner, MAPPING):
        inner = {k: v for k, v in inner.items() if k != "type"}
        only = next(iter(inner.values())) if len(inner) == 1 else inner
        part = {**part, "result": only}
    add_tool_response(builder, part)


def add_code(builder: MessageBuilder, part: Part) -> None:
    """Code that Gemini wrote and ran."""
    call = ToolCallPart("code_execution", dict(part), by_provider=True)
    builder.tool_calls.append(call)


def add_code_result(builder: MessageBuilder, part: Part) -> None:
    failed = "FAILED" in str(part.get("outcome"))
    output = part.get("output")
    builder.responses.append(
        ToolResponsePart(output, name="code_execution", failed=failed)
    )


def add_client_call(builder: MessageBuilder, part: Part) -> None:
    """A tool of OpenAI's that the program runs, named in the type."""
    name = str(part["type"]).removesuffix("_call")
    arguments = part.get("action", part.get("operation"))
    builder.tool_calls.append(ToolCallPart(name, arguments, find_call_id(part)))


def add_tool_response(builder: MessageBuilder, part: Part) -> None:
    result = None
    for key in RESULT_KEYS:
        if part.get(key) is not None:
            result = unwrap_content(part[key])
            break
    failed = read_failed(part)
    if result is None and part.get("error") is not None:
        result, failed = unwrap_content(part["error"]), True
    name = part.get("name") or part.get("toolName")
    builder.responses.append(
        ToolResponsePart(
            result,
            find_call_id(part),
            name if isinstance(name, str) else None,
            failed,
        )
    )


def add_haystack_response(builder: MessageBuilder, part: Part) -> None:
    """Haystack's result of a tool, which holds the call it belongs to."""
    response = part["tool_call_result"]
    if isinstance(response, MAPPING):
        call = parse_tool_call(response.get("origin"))
        error = response.get("error")
        builder.responses.append(
            ToolResponsePart(
                unwrap_content(response.get("result")),
                call.id if call else None,
                call.name if call else None,
                error if isinstance(error, bool) else None,
            )
        )


def parse_tool_call(call: Any) -> ToolCallPart | None:
    """The tool call in *call*, in any dialect's shape; None if it names no tool."""
    if not isinstance(call, MAPPING):
        return None
    inner = call.get("tool_call", call)
    if not isinstance(inner, MAPPING):
        return None
    function = inner.get("function")
    source = function if isinstance(function, MAPPING) else inner
    name = source.get("name") or call.get("toolName") or source.get("tool_name")
    if not isinstance(name, str) or not name:
        return None
    arguments = next(
        (source[key] for key in ARGUMENT_KEYS if source.get(key) is not None), None
    )
    call_id = find_call_id(inner) or find_call_id(call)
    return ToolCallPart(name, loads(arguments), call_id)


def find_call_id(source: Part) -> str | None:
    """The id that ties a tool call to its response."""
    for key in ID_KEYS:
        found = source.get(key)
        if isinstance(found, str) and found:
            return found
    return None


def read_failed(response: Part) -> bool | None:
    """Whether a response reports that the tool failed; None if it reports neither."""
    status = response.get("status")
    if status in ("success", "error"):
        return bool(status == "error")
    for key in ("output", "content"):
        output = response.get(key)
        kind = output.get("type") if isinstance(output, MAPPING) else None
        if isinstance(kind, str) and kind.endswith(_FAILED_OUTPUTS):
            return True
    for key in ("is_error", "isError"):
        if isinstance(response.get(key), bool):
            return bool(response[key])
    return None


_FAILED_OUTPUTS = ("error-text", "error-json", "_tool_result_error")
"""Ends of the types of a failed tool's output: Vercel's AI SDK, Anthropic."""
