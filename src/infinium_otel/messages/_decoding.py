"""From any shape to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import MAPPING, decode
from infinium_otel.messages._parts import (
    PARTS,
    add_part,
    failed,
    id_of,
    request_of,
)
from infinium_otel.messages._values import Draft, Message, ToolReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_MESSAGES = 2_000
MAX_LOOK = 50
MAX_DEPTH = 20

ROLES = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "ai": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "choice": "assistant",
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "systemmessage": "system",
    "developer": "system",
    "toolmessage": "tool",
    "function": "tool",
    "functionmessage": "tool",
}
SPOKEN = frozenset(ROLES.values())

WRAPPERS = ("messages", "contents", "chat_history", "input_messages", "generations")
MESSAGE_KEYS = frozenset(
    "role messages contents generations message choices parts kwargs type content "
    "event.name chat_history input_messages new_message "
    "toolCalls".split()
)


def decode_messages(value: Any, role: str = "user") -> tuple[Message, ...]:
    """The messages in *value*.

    Args:
        value: a list of messages, one message, JSON text of either, an object that
            holds them (`messages`, `contents`, `generations`), or a bare text.
        role: who speaks where a message names nobody.

    Returns:
        Empty where *value* holds no message.
    """
    found: list[Message] = []
    _collect(decode(value), role, found)
    return tuple(found[:MAX_MESSAGES])


def latest_message(
    value: Any, role: str, wanted: Callable[[Message], bool]
) -> Message | None:
    """The last message in decoded *value* that is *wanted*; the rest stays undecoded."""
    if names_roles(value):
        for item in reversed(value):
            found: list[Message] = []
            _collect(item, role, found)
            if found and wanted(found[-1]):
                return found[-1]
        return None
    messages = reversed(decode_messages(value, role))
    return next((message for message in messages if wanted(message)), None)


def names_roles(value: Any) -> bool:
    """Whether *value* is a list of messages that stand each for itself."""
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(type(item) is dict and "role" in item for item in value)
    )


def holds_messages(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether decoded *value* looks like messages rather than other data."""
    if isinstance(value, (list, tuple)):
        for item in value[:MAX_LOOK] if depth else ():
            if holds_messages(item, depth - 1):
                return True
        return False
    if isinstance(value, str) or value is None:
        return False
    return isinstance(value, MAPPING) and (
        not MESSAGE_KEYS.isdisjoint(value) or _is_response(value)
    )


def _is_response(value: Mapping[str, Any]) -> bool:
    """A whole answer of OpenAI's Responses API, whose `output` is its messages."""
    return value.get("object") == "response" and isinstance(value.get("output"), list)


def _collect(
    value: Any, role: str, found: list[Message], depth: int = MAX_DEPTH
) -> None:
    """Append the messages in *value* to *found*; lists may nest *depth* deep."""
    if isinstance(value, str):
        if value:
            found.append(Message(role, value))
    elif isinstance(value, (list, tuple)):
        _collect_list(value if depth else (), role, found, depth - 1)
    elif isinstance(value, MAPPING):
        inner = _wrapped(value)
        if inner is None:
            _collect_one(value, role, found)
        else:
            _collect(decode(inner), role, found, depth)


def _wrapped(value: Mapping[str, Any]) -> Any:
    """The message list an object carries under a well-known name."""
    if "role" in value or "event.name" in value:
        return None
    if _is_response(value):
        return value["output"]
    for key in WRAPPERS:
        if isinstance(value.get(key), (list, tuple)):
            return value[key]
    for key in ("message", "choices", "delta", "new_message"):
        if isinstance(value.get(key), (list, tuple, *MAPPING)):
            return value[key]
    content = value.get("content")  # Gemini's answers are whole messages
    return content if isinstance(content, MAPPING) and "parts" in content else None


def _collect_list(
    values: Iterable[Any], role: str, found: list[Message], depth: int
) -> None:
    block_draft: Draft | None = None
    for value in values:
        if _is_block(value):
            block_draft = _add_block(block_draft, value, role, found)
            continue
        _closed(block_draft, found)
        block_draft = None
        if _is_pair(value):
            _collect_one({"role": value[0], "content": value[1]}, role, found)
        else:
            _collect(value, role, found, depth)
        if len(found) >= MAX_MESSAGES:
            break
    _closed(block_draft, found)


def _is_pair(value: Any) -> bool:
    """LangChain's short form: ("user", "Hello")."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], str)
        and value[0].lower() in ROLES
    )


def _is_block(value: Any) -> bool:
    """A content block or item that stands in the list itself, without a role."""
    if not isinstance(value, MAPPING) or "role" in value:
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in PARTS and "data" not in value


def _add_block(
    draft: Draft | None, block: Mapping[str, Any], role: str, found: list[Message]
) -> Draft:
    """Blocks of one speaker make one message; a tool's answer stands alone."""
    kind = block["type"]
    speaker = role
    if "output" in kind and "text" not in kind:
        speaker = "tool"
    elif kind in ("function_call", "reasoning", "tool_call", "output_text"):
        speaker = "assistant"
    if draft is None or draft.role != speaker or speaker == "tool":
        _closed(draft, found)
        draft = Draft(speaker)
    add_part(draft, block)
    return draft


def _closed(draft: Draft | None, found: list[Message]) -> None:
    if draft is not None and not draft.is_empty():
        found.append(draft.message())


def _collect_one(value: Mapping[str, Any], role: str, found: list[Message]) -> None:
    """A single message in any of the shapes."""
    source = _message_in(value)
    if _is_definition(source):
        return
    draft = Draft(_role(source, role))
    for part in _contents(source):
        add_part(draft, part)
    _add_requests(draft, source)
    if draft.role == "tool" and not draft.replies:
        _make_reply(draft, source)
    if not draft.is_empty() or isinstance(source.get("role"), str) or "lc" in value:
        found.append(draft.message())


def _is_definition(source: Mapping[str, Any]) -> bool:
    """A tool that is offered; Langfuse lists it among the messages, as a tool's."""
    content = source.get("content")
    return (
        isinstance(content, MAPPING)
        and content.get("type") == "function"
        and isinstance(content.get("function"), MAPPING)
        and source.get("role") == "tool"
    )


def _message_in(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message itself, out of LangChain's dumps and other envelopes."""
    kwargs = value.get("kwargs")
    if ("lc" in value or "id" in value) and isinstance(kwargs, MAPPING):
        names = value.get("id")
        name = names[-1] if isinstance(names, (list, tuple)) and names else None
        return {"type": name, **kwargs}
    if "content" not in value and "parts" not in value:
        inner = value.get("message", value.get("data"))
        if isinstance(inner, MAPPING):
            outer = value.get("role") or value.get("type") or value.get("event.name")
            return _message_in({"role": outer, **inner} if outer else inner)
    return value


def _role(value: Mapping[str, Any], default: str) -> str:
    for key in ("role", "type", "event.name"):
        word = value.get(key)
        if isinstance(word, str) and word:
            role = ROLES.get(word) or _spoken(word)
            if key == "role" or role in SPOKEN:
                return role
    return default


def _spoken(word: str) -> str:
    """The role that *word* names, in the conventions' spelling."""
    word = word.removeprefix("gen_ai.").removesuffix(".message").lower()
    word = word.removeprefix("messagerole.")
    return ROLES.get(word, word)


def _contents(value: Mapping[str, Any]) -> Iterable[Any]:
    """The parts of a message, from whichever key holds them."""
    for key in ("parts", "content", "contents", "blocks", "text", "parsed"):
        content = value.get(key)
        if not content:
            continue
        if isinstance(content, str):
            return _parts_in_text(content)
        return content if isinstance(content, (list, tuple)) else (content,)
    return ()


def _parts_in_text(content: str) -> Iterable[Any]:
    """Blocks written as JSON inside the text, else the text."""
    if content[:2] == "[{" and ('"type"' in content or '"text"' in content):
        blocks = decode(content)
        if isinstance(blocks, (list, tuple)):
            return blocks
    return (content,)


_REQUEST_KEYS = frozenset(
    {"tool_calls", "toolCalls", "additional_kwargs", "function_call"}
)


def _add_requests(draft: Draft, value: Mapping[str, Any]) -> None:
    """OpenAI's `tool_calls` and `function_call` beside the content."""
    if _REQUEST_KEYS.isdisjoint(value):
        return
    calls = decode(value.get("tool_calls", value.get("toolCalls")))
    if not calls:
        extra = value.get("additional_kwargs")
        calls = extra.get("tool_calls") if isinstance(extra, MAPPING) else None
    if isinstance(value.get("function_call"), MAPPING):
        calls = [value["function_call"]]
    if not isinstance(calls, (list, tuple)):
        return
    known = {request.id for request in draft.requests if request.id}
    for call in calls:
        request = request_of(call)
        if request is not None and request.id not in known:
            draft.requests.append(request)


def _make_reply(draft: Draft, value: Mapping[str, Any]) -> None:
    """A tool's message: its whole content is the answer."""
    text = "\n".join(draft.texts)
    name = value.get("name")
    draft.replies.append(
        ToolReply(
            result=decode(text, 1) if text else None,
            id=id_of(value),
            name=name if isinstance(name, str) else None,
            failed=failed(value),
        )
    )
    draft.texts = []
