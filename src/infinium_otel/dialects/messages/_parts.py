"""The parts of a message: what reads each of them, by its type or its key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from infinium_otel.dialects._repr_text import parse_repr
from infinium_otel.dialects.lenient_json import MAPPING, loads, to_text
from infinium_otel.dialects.messages._content import unwrap_blocks, unwrap_content
from infinium_otel.dialects.messages._media import describe_media
from infinium_otel.dialects.messages._tool_parts import (
    Part,
    add_client_call,
    add_code,
    add_code_result,
    add_haystack_response,
    add_provider_response,
    add_provider_tool_call,
    add_tool_call,
    add_tool_response,
    is_tool_call,
    parse_tool_call,
)
from infinium_otel.dialects.messages._values import MessageBuilder

PartReader = Callable[[MessageBuilder, Part], None]


def add_part(builder: MessageBuilder, part: Any) -> None:
    """Add *part* to *builder*; of an unknown part, its type in brackets."""
    if isinstance(part, str):
        _add_plain_text(builder, part)
        return
    if not isinstance(part, MAPPING):
        if part is not None:
            builder.texts.append(to_text(part))
        return
    kind = part.get("type") or part.get("part_kind") or part.get("block_type")
    reader = find_reader(kind)
    if reader is not None:
        reader(builder, part)
    else:
        _add_keyed(builder, part, kind)


def find_reader(kind: Any) -> PartReader | None:
    """The reader for a part's type, by its name or by how the name ends.

    Providers name a tool that they run in the type: `web_search_call`,
    `mcp_tool_use`, `code_execution_tool_result`.
    """
    if not isinstance(kind, str):
        return None
    reader = PARTS.get(kind)
    if reader is None:
        endings = (r for ending, r in _ENDINGS.items() if kind.endswith(ending))
        reader = next(endings, None)
    return reader


_PRINTED_CALL = re.compile(r"\w*(?:ToolCall|FunctionCall|ToolUse)(?:Block|Part)?\(\w+=")


def is_prose(text: str) -> bool:
    """Whether *text* is surely what `_add_plain_text` adds as it is, as most texts are."""
    start = text[:1]
    if start in _STRUCTURED or start.isspace():
        return False
    return "(" not in text or _PRINTED_CALL.match(text) is None


_STRUCTURED = frozenset({"", "[", "{", "<"})
"""How data, a tag or nothing begins."""


def _add_plain_text(builder: MessageBuilder, text: str) -> None:
    """Add *text*; a tool call as Python prints it is that tool call."""
    if "(" in text and _PRINTED_CALL.match(text):
        call = parse_tool_call(parse_repr(text))
        if call is not None:
            builder.tool_calls.append(call)
            return
    if builder.role == "assistant" and text.lstrip()[:6] == "<think":
        text = _split_reasoning(builder, text)
    block = _parse_block(text)
    if block is not None:
        add_part(builder, block)
    elif text:
        builder.texts.append(text)


_THOUGHT = re.compile(r"\s*<(think(?:ing)?)>(.*?)</\1>\s*", re.DOTALL)


def _split_reasoning(builder: MessageBuilder, text: str) -> str:
    """*text* without the reasoning that open models write before it, in a tag."""
    match = _THOUGHT.match(text)
    if match is None:
        return text
    if match[2].strip():
        builder.reasoning.append(match[2].strip())
    return text[match.end() :]


def _parse_block(text: str) -> Any:
    """The block that is, as JSON, the whole *text*: of reasoning, or a tool's."""
    if text[:1] != "{" or text[-1:] != "}" or '"type"' not in text:
        return None
    block = loads(text, 1)
    kind = block.get("type") if isinstance(block, MAPPING) else None
    return block if kind in _SERIALIZED_BLOCKS else None


_SERIALIZED_BLOCKS = frozenset({"thinking", "redacted_thinking", "tool_use"})


def _add_keyed(builder: MessageBuilder, part: Part, kind: Any) -> None:
    if part.get("thought") is True:  # Gemini marks its reasoning so
        _add_reasoning(builder, part)
        return
    if is_tool_call(part):
        add_tool_call(builder, part)
        return
    if "origin" in part and "result" in part:
        add_haystack_response(builder, {"tool_call_result": part})
        return
    for key, reader in KEYED_PARTS.items():
        if part.get(key) is not None:
            reader(builder, part)
            return
    if isinstance(kind, str):
        builder.texts.append(f"[{kind}]")


def _add_text(builder: MessageBuilder, part: Part) -> None:
    for key in ("content", "text", "value"):
        text = part.get(key)
        if isinstance(text, str):
            _add_plain_text(builder, text)
            return
        if isinstance(text, MAPPING):
            _add_text(builder, text)
            return


def _add_system_text(builder: MessageBuilder, part: Part) -> None:
    """Pydantic AI's system prompt, which it keeps in the user's first message."""
    if builder.role != "user":
        _add_text(builder, part)


def _add_reasoning(builder: MessageBuilder, part: Part) -> None:
    for key in ("content", "thinking", "text", "reasoning", "summary"):
        text = part.get(key)
        text = unwrap_blocks(text) if isinstance(text, (list, tuple)) else text
        if isinstance(text, str) and text:
            builder.reasoning.append(text)
            return


_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


def add_reasoning_beside(builder: MessageBuilder, message: Part) -> None:
    """Add the reasoning that a message has beside its content, as DeepSeek's have."""
    if builder.reasoning:
        return
    for key in _REASONING_KEYS:
        text = unwrap_content(message.get(key))
        if isinstance(text, str) and text:
            builder.reasoning.append(text)
            return


def _add_media(builder: MessageBuilder, part: Part) -> None:
    builder.texts.append(describe_media(part))


def _ignore(_builder: MessageBuilder, _part: Part) -> None:
    """A part without content for a reader."""


def _nested(key: str, reader: PartReader, **defaults: str) -> PartReader:
    """A reader for parts with their content one level down: `{"toolUse": {...}}`."""

    def read(builder: MessageBuilder, part: Part) -> None:
        inner = part[key]
        if isinstance(inner, MAPPING):
            reader(builder, {**defaults, **inner} if defaults else inner)

    return read


def _add_reasoning_content(builder: MessageBuilder, part: Part) -> None:
    inner = part.get("reasoningText", part)
    _add_reasoning(builder, inner if isinstance(inner, MAPPING) else part)


MEDIA = (
    "blob uri file image image_url image-url audio audio_url audio-url video video-url "
    "document document-url input_image input_audio input_file binary media"
).split()

PARTS: dict[str, PartReader] = {
    "text": _add_text,
    "input_text": _add_text,
    "output_text": _add_text,
    "user-prompt": _add_text,
    "system-prompt": _add_system_text,
    "compaction": _add_text,
    "refusal": lambda builder, part: builder.texts.append(str(part.get("refusal", ""))),
    "reasoning": _add_reasoning,
    "thinking": _add_reasoning,
    "redacted_thinking": _ignore,
    "tool_call": add_tool_call,
    "tool-call": add_tool_call,
    "tool_use": add_tool_call,
    "function": add_tool_call,
    "function_call": add_tool_call,
    "server_tool_call": add_provider_tool_call,
    "server_tool_use": add_provider_tool_call,
    "server_tool_call_response": add_provider_response,
    "builtin-tool-call": add_provider_tool_call,
    "builtin-tool-return": add_tool_response,
    "tool_call_response": add_tool_response,
    "tool-result": add_tool_response,
    "tool-error": add_tool_response,
    "tool-return": add_tool_response,
    "tool_result": add_tool_response,
    "function_call_output": add_tool_response,
    "custom_tool_call": add_tool_call,
    "computer_call": add_client_call,
    "local_shell_call": add_client_call,
    "shell_call": add_client_call,
    "apply_patch_call": add_client_call,
    **dict.fromkeys(MEDIA, _add_media),
}

_ENDINGS: dict[str, PartReader] = {
    "_tool_result": add_tool_response,
    "_call_result": add_tool_response,
    "_call_output": add_tool_response,
    "_tool_use": add_provider_tool_call,
    "_call": add_provider_tool_call,
}

# Parts that name their kind by the key that holds it (Bedrock, Gemini, Genkit, Haystack).
KEYED_PARTS: dict[str, PartReader] = {
    "text": _add_text,
    "content": _add_text,
    "toolUse": _nested("toolUse", add_tool_call),
    "toolResult": _nested("toolResult", add_tool_response),
    "toolRequest": _nested("toolRequest", add_tool_call),
    "toolResponse": _nested("toolResponse", add_tool_response),
    "function_call": _nested("function_call", add_tool_call),
    "functionCall": _nested("functionCall", add_tool_call),
    "function_response": _nested("function_response", add_tool_response),
    "functionResponse": _nested("functionResponse", add_tool_response),
    "inline_data": _nested("inline_data", _add_media, type="blob"),
    "inlineData": _nested("inlineData", _add_media, type="blob"),
    "image": _nested("image", _add_media, type="image"),
    "media": _nested("media", _add_media, type="media"),
    "reasoning": _add_reasoning,
    "document": _nested("document", _add_media, type="document"),
    "reasoningContent": _nested("reasoningContent", _add_reasoning_content),
    "tool_call": _nested("tool_call", add_tool_call),
    "tool_call_result": add_haystack_response,
    "executable_code": _nested("executable_code", add_code),
    "executableCode": _nested("executableCode", add_code),
    "code_execution_result": _nested("code_execution_result", add_code_result),
    "codeExecutionResult": _nested("codeExecutionResult", add_code_result),
    "json": lambda builder, part: builder.texts.append(to_text(part["json"])),
    "data": lambda builder, part: builder.texts.append(to_text(part["data"])),
}
