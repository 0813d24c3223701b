"""What callbacks wrap around a value: `{"inputs": {...}, "kwargs": {}}` and the like.

LangChain's callbacks, OpenLLMetry and tool servers record a call's arguments or result
inside objects of their own. The names of those wrappers are listed here and nowhere
else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRAPPERS = frozenset(
    "raw_output input_str inputs outputs input output kwargs args return_values result response answer "
    "text content message value query question prompt final_output input_args task "
    "user_msg generated_text completion prompts".split()
)
_MESSAGE_MARKS = frozenset(("role", "type", "parts", "messages", "lc"))
_BESIDE = frozenset(
    "tags metadata kwargs run_id config name options current_agent_name "
    "structured_response tool_calls retry_messages __class__ lg_name".split()
)
"""Members that may accompany the wrapped one."""
_CREW_OUTPUT = frozenset({"tasks_output", "json_dict"})
"""Members beside the text, `raw`, in the outputs of CrewAI's crews and tasks."""
_TYPED_VALUE = frozenset({"type", "value"})
_VALUE_TYPES = (
    "text",
    "json",
    "raw",
    "list",
    "chat_messages",
    "error-text",
    "error-json",
    "content",
)
"""LangWatch's and the AI SDK's types of a value."""
_SPEAKER = re.compile(r"^(?:user|human|chat)_?", re.IGNORECASE)
_REPEATED = {"input_str": "inputs"}
"""What LangChain's callbacks give as text, and again as data."""
_RESULT_WRAPPERS = (
    "output",
    "outputs",
    "tool_output",
    "toolResult",
    "result",
    "data",
    "kwargs",
)

MAX_UNWRAPPINGS = 6
MAX_RESULT_LAYERS = 3
_EMPTY: tuple[Any, ...] = (None, "", (), [], {})


def unwrap(value: Any) -> Any:
    """*value* without the wrappers around it; unchanged if it has none."""
    if isinstance(value, str) or value is None or _is_plain_list(value):
        return value
    for _ in range(MAX_UNWRAPPINGS):
        inner = _find_inner(value)
        if inner is None:
            inner = _find_messages_within(value)
        if inner is None:
            return value
        value = loads(inner)
    return value


_CALLBACK_INPUTS = frozenset("input_str inputs input_args kwargs args".split())
"""Names that callbacks give to all arguments of a call."""


def unwrap_arguments(value: Any) -> Any:
    """The arguments of a tool without what callbacks wrap around them.

    An argument may itself have the name of a wrapper, as in `{"query": "cats"}`.
    """
    for _ in range(MAX_UNWRAPPINGS):
        if not isinstance(value, MAPPING):
            return value
        is_callback_s = not _CALLBACK_INPUTS.isdisjoint(value) or is_typed_value(value)
        if not is_callback_s and "input" not in value:
            return value
        inner = loads(_find_inner(value))
        if inner is None or not (is_callback_s or isinstance(inner, MAPPING)):
            return value
        value = inner
    return value


_PLAIN_MESSAGE = frozenset({"role", "content", "parts", "finish_reason"})


def _is_plain_list(value: Any) -> bool:
    """Whether *value* is a list that wraps nothing: most conversations end here.

    Only a list of one can be a wrapper, and not around a message in its usual form.
    """
    if not isinstance(value, (list, tuple)):
        return False
    if len(value) != 1:
        return True
    first = value[0]
    if type(first) is not dict or "role" not in first:
        return False
    for name, member in first.items():
        if name not in _PLAIN_MESSAGE or isinstance(member, MAPPING):
            return False
    return True


_QUESTIONS = frozenset("input question query prompt message text task content".split())
_ANSWERS = frozenset(
    "output answer response result final_output final_answer completion reply "
    "generated_text text content assistant".split()
)
_AROUND = frozenset(
    "chat_history history context documents docs source_documents sources citations "
    "reference references reasoning rationale trajectory thoughts "
    "system system_prompt intermediate_steps agent_scratchpad metadata usage".split()
)
"""Members beside a question or an answer that are neither."""
_ID = re.compile(r"(?:^|_|[a-z](?=I))ids?$", re.IGNORECASE)


def find_question_text(value: Any) -> str | None:
    """The question of an object that has it beside ids, numbers, history and context.

    Or that has it once for each component of a pipeline:
    `{"retriever": {"query": ...}, "prompt_builder": {"question": ...}}`.
    """
    found = _find_text_beside(value, _QUESTIONS, _AROUND, with_numbers=True)
    return found or _find_repeated_text(value)


def _find_repeated_text(value: Any) -> str | None:
    """The one text among the parameters in an object, if several members have it."""
    if not isinstance(value, MAPPING):
        return None
    members = [member for member in value.values() if not _is_option(member)]
    if len(members) < 2 or not all(isinstance(m, MAPPING) for m in members):
        return None
    texts = [
        given
        for member in members
        for given in member.values()
        if isinstance(given, str) and given
    ]
    return texts[0] if len(texts) > 1 and len(set(texts)) == 1 else None


def find_answer_text(value: Any) -> str | None:
    """The answer of an object that has it beside its question and its sources."""
    return _find_text_beside(value, _ANSWERS, _AROUND | _QUESTIONS, with_numbers=False)


def _find_text_beside(
    value: Any, words: frozenset[str], around: frozenset[str], *, with_numbers: bool
) -> str | None:
    if not isinstance(value, MAPPING) or not _MESSAGE_MARKS.isdisjoint(value):
        return None
    found: list[str] = []
    for key, member in value.items():
        name = _read_name(key)
        if name in words and isinstance(member, str) and member:
            found.append(member)
        elif not (
            _is_option(member)
            or key in _BESIDE
            or name in around
            or _ID.search(str(key))
            or (with_numbers and isinstance(member, (int, float)))
        ):
            return None
    return found[0] if len(found) == 1 else None


def iter_result_layers(result: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a tool's result, each inside the one before it."""
    layer = loads(result)
    for _ in range(MAX_RESULT_LAYERS):
        if not isinstance(layer, Mapping):
            return
        yield layer
        layer = next((layer[key] for key in _RESULT_WRAPPERS if key in layer), None)


def is_typed_value(value: Mapping[str, Any]) -> bool:
    """Whether *value* is `{"type": "json", "value": ...}`."""
    return value.keys() == _TYPED_VALUE and value["type"] in _VALUE_TYPES


def is_empty(value: Any) -> bool:
    """Whether *value* is None or an empty text or container."""
    return not value and value in _EMPTY


def is_empty_object(value: Any) -> bool:
    """Whether an object has only empty members: a function call without arguments."""
    return isinstance(value, MAPPING) and all(map(is_empty, value.values()))


def _is_option(member: Any) -> bool:
    """Whether a member carries no content: an unset option, or a switch."""
    return isinstance(member, bool) or (not member and member in _EMPTY)


def _is_wrapper(key: Any) -> bool:
    """Whether a member's name is a wrapper's, also as `user_prompt` or `chatInput`."""
    return key in _WRAPPERS or (
        isinstance(key, str)
        and len(key) <= MAX_WRAPPER
        and _remove_speaker(key) in _WRAPPERS
    )


MAX_WRAPPER = 40
"""Characters of a name that can be a wrapper's."""


@cache_names(maxsize=4096)
def _remove_speaker(name: str) -> str:
    """A name in lower case without who speaks; cached, as names of members recur."""
    return _SPEAKER.sub("", name).lower()


def _read_name(key: Any) -> str:
    """A member's name without who speaks and without its namespace: `sys.query`."""
    name = str(key).rpartition(".")[2]
    if len(name) <= MAX_WRAPPER:
        return _remove_speaker(name)
    return _SPEAKER.sub("", name).lower()


def _is_conversation(value: Any) -> bool:
    """Whether a value is a list of messages with roles."""
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(item, MAPPING) and "role" in item for item in value)
    )


RESPONSES = ("response", "realtime.response")
"""How OpenAI's Responses and Realtime APIs call a whole response."""


def _find_messages_within(value: Any) -> Any:
    """The only member of *value*, of any name, if it leads to a list of messages.

    Pipelines and graphs key content by the component it is for: `{"llm": {"messages":
    [...]}}`.
    """
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, MAPPING):
        request = value.get("input") if "model" in value else None
        if _is_conversation(request) or (request and isinstance(request, str)):
            return request  # a request of OpenAI's Responses API
        response = value.get("response")
        if isinstance(response, MAPPING) and response.get("object") in RESPONSES:
            return response  # in the event that ends a stream of that API
        replies = [
            member
            for member in value.values()
            if isinstance(member, MAPPING) and _has_replies(member)
        ]
        if len(replies) == 1:
            return replies[0]["replies"]
    inner = member = _find_only_member(value)
    if member is None:
        return None
    for _ in range(MAX_RESULT_LAYERS):
        if not isinstance(inner, MAPPING):
            break
        if isinstance(inner.get("messages"), (list, tuple)):
            return member
        inner = _find_only_member(inner)
    return None


def _has_replies(member: Mapping[str, Any]) -> bool:
    """Whether it is the output of one of Haystack's generators."""
    replies = member.get("replies")
    return isinstance(replies, (list, tuple)) and bool(replies)


def _find_only_member(value: Any) -> Any:
    if not isinstance(value, MAPPING) or not _MESSAGE_MARKS.isdisjoint(value):
        return None
    filled = [
        member
        for key, member in value.items()
        if key not in _BESIDE and not _is_option(member)
    ]
    return filled[0] if len(filled) == 1 else None


MAX_LISTS = 20
"""Lists of one member around a text, at most; a list can contain itself."""


def _find_inner(value: Any, lists: int = MAX_LISTS) -> Any:
    """The one member of *value* with content, if its name is a wrapper's."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        inner = value[0]
        if not isinstance(inner, str) and lists:
            inner = _find_inner(inner, lists - 1)
        return inner if isinstance(inner, str) else None
    if not isinstance(value, MAPPING):
        return None
    if is_typed_value(value):
        return value["value"]
    if not _CREW_OUTPUT.isdisjoint(value) and isinstance(value.get("raw"), str):
        return value["raw"]
    is_wrapper = _MESSAGE_MARKS.isdisjoint(value) and any(map(_is_wrapper, value))
    return _find_wrapped(value) if is_wrapper else None


def _find_wrapped(value: Mapping[str, Any]) -> Any:
    """The wrapped member of a wrapper; None if other members have content too."""
    if value.keys() <= _WRAPPERS and is_empty_object(value):
        return ""
    filled = [key for key, member in value.items() if not _is_option(member)]
    wrapped = [key for key in filled if _is_wrapper(key)]
    if not wrapped:
        return None
    first = wrapped[0]
    rest = set(filled) - {first, _REPEATED.get(first)}
    if rest <= _BESIDE or first == "raw_output":
        return value[first]
    is_envelope = _is_message(value[first]) and all(
        isinstance(value[key], (str, int, float)) for key in rest
    )
    return value[first] if is_envelope else None


def _is_message(value: Any) -> bool:
    return isinstance(value, MAPPING) and "role" in value and "content" in value
